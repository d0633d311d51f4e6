"""A proxy before a directory that can lose the answer to a write: it passes the request on, and closes both sides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_WRITES = frozenset({0x66, 0x68, 0x4A, 0x6C})
"""Tags of ModifyRequest, AddRequest, DelRequest and ModifyDNRequest (RFC 4511 section 4)."""
_SEARCH = 0x63


class LosingProxy:
    """A running proxy.

    Attributes:
        losing: whether the answer to the next write is lost.
        searches: how many searches came through.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.losing = False
        self.searches = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side ends it."""
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        back = asyncio.ensure_future(_copy(far_reader, writer))
        try:
            while data := await reader.read(65536):
                lost = self.losing and _operation(data) in _WRITES
                self.searches += _operation(data) == _SEARCH
                if lost:
                    self.losing = False
                    back.cancel()
                    await asyncio.wait({back})
                far_writer.write(data)
                await far_writer.drain()
                if lost:
                    await far_reader.read(65536)  # it was done: here is the answer
                    return
        except ConnectionError:
            return
        finally:
            back.cancel()
            writer.close()
            far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


def _operation(message: bytes) -> int:
    """Return the tag of the operation of one message (BER: a sequence, an integer, the operation)."""
    at = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
    return message[at + 2 + message[at + 1]]


@asynccontextmanager
async def losing_proxy(host: str, port: int) -> AsyncIterator[LosingProxy]:
    """Run a proxy for the length of a block."""
    proxy = LosingProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
