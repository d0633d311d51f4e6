"""Between the provider and the server: an answer that is lost on its way back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

WRITING = (b"ALTER ", b"CREATE ", b"GRANT ", b"REVOKE ", b"COMMENT ", b"DROP ", b"REASSIGN ")

_ASKING = re.compile(rb"[PQ]....\x00?\s*(?:SELECT|WITH|SHOW)\s", re.DOTALL)
"""The messages Parse and Query (https://www.postgresql.org/docs/current/protocol-message-formats.html)."""


class LossyProxy:
    """Passes bytes on; on demand, it swallows the answer to the next COMMIT of a write, and ends that connection.

    Attributes:
        lose_next: whether the next answer to such a COMMIT is lost.
        queries: how many messages came through that bring a query's text and ask for rows.
        silent: whether no answer comes through any more, while connections stay open; new ones end at once.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.lose_next = False
        self.queries = 0
        self.silent = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[LossyProxy]:
        """Listen on a free loopback port; end every connection at the end."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            writer.close()
            return
        there_in, there_out = await asyncio.open_connection(*self._to)
        lost = asyncio.Event()
        both = [
            asyncio.create_task(self._ask(reader, there_out, lost)),
            asyncio.create_task(self._answer(there_in, writer, lost)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for stream in (writer, there_out):
                stream.close()
                with suppress(ConnectionError):
                    await stream.wait_closed()

    async def _ask(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        wrote = False
        while data := await reader.read(65536):
            self.queries += len(_ASKING.findall(data))
            wrote |= any(word in data for word in WRITING)
            if self.lose_next and wrote and b"COMMIT" in data:
                self.lose_next = False
                lost.set()
            wrote &= b"COMMIT" not in data
            to.write(data)
            await to.drain()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await there.read(65536):
            if lost.is_set():
                break
            if self.silent:
                continue
            writer.write(data)
            await writer.drain()
