"""A small real HTTP server on a free loopback port, whose answers and faults a test scripts."""

import asyncio
import contextlib
import gzip
import json
import math
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does about one request.

    Attributes:
        body: text or bytes are sent as they are, anything else as JSON.
        delay: seconds before the answer starts.
        reset: close the connection without any answer.
        cut: announce the whole body, send only so many bytes of it, and close.
        drip: seconds between single bytes of the body.
        compress: send gzip.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    cut: int | None = None
    drip: float = 0.0
    compress: bool = False

    def content(self) -> tuple[bytes, str]:
        """Return the body's bytes and their content type."""
        match self.body:
            case bytes():
                return self.body, "application/octet-stream"
            case str():
                return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


Handler = Callable[[Request], Reply | Awaitable[Reply]]


@dataclass(slots=True)
class HttpServer:
    """A running server.

    Attributes:
        handler: decides on each request; a test may replace it at any time.
        requests: everything that arrived, in order.
        most_at_once: the largest number of requests that were answered at the same time.
    """

    handler: Handler
    port: int = 0
    scheme: str = "http"
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    connections: int = 0
    _at_once: int = 0

    @property
    def url(self) -> str:
        """The server's origin."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self.connections += 1
        try:
            while request := await _receive(reader):
                self.requests.append(request)
                if not await self._answer(request, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            await _wait_closed(writer)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            reply = self.handler(request)
            if not isinstance(reply, Reply):
                reply = await reply
            await asyncio.sleep(reply.delay)
            return await _send(writer, request, reply)
        finally:
            self._at_once -= 1


@asynccontextmanager
async def http_server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpServer]:
    """Run a server for the length of a block."""
    server = HttpServer(handler, scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=1024 * 1024)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()


async def _wait_closed(writer: asyncio.StreamWriter) -> None:
    """Wait until a connection is closed: left to the garbage collector, it would warn in some later test."""
    try:
        await writer.wait_closed()
    except OSError:
        return
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


async def _receive(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)


async def _send(writer: asyncio.StreamWriter, request: Request, reply: Reply) -> bool:
    """Send an answer; return whether the connection goes on."""
    if reply.reset:
        writer.transport.abort()
        return False
    content, kind = reply.content()
    headers = {"Content-Type": kind, **reply.headers}
    if reply.compress:
        content = gzip.compress(content)
        headers["Content-Encoding"] = "gzip"
    headers.setdefault("Content-Length", str(len(content)))
    head = f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sent = b"" if request.method == "HEAD" else content if reply.cut is None else content[: reply.cut]
    writer.write(head.encode("latin-1") + b"\r\n")
    for start in range(len(sent)) if reply.drip else ():
        writer.write(sent[start : start + 1])
        await writer.drain()
        await asyncio.sleep(reply.drip)
    if not reply.drip:
        writer.write(sent)
    await writer.drain()
    return reply.cut is None and reply.status != 101


class MeteredHandler:
    """Answers within a quota and 429 beyond it, in fixed windows, telling what is left in one of the known styles.

    Args:
        limit: requests in each window.
        window: its length in seconds.
        style: `epoch` (whole seconds since 1970, as GitHub), `seconds` (whole, rounded down), `exact` (seconds with a
            fraction), `draft` (`RateLimit` with `RateLimit-Policy`), `none` (only `Retry-After` on 429).
        latency: seconds that each answer takes.
    """

    def __init__(self, limit: int, window: float, style: str, latency: float = 0.0) -> None:
        self.limit = limit
        self.window = window
        self.style = style
        self.latency = latency
        self.refused = 0
        self._used = 0
        self._ends = 0.0

    def __call__(self, _: Request) -> Reply:
        """Count one request, and answer it."""
        now = time.time()
        if now >= self._ends:
            self._ends, self._used = now + self.window, 0
        self._used += 1
        left = max(0, self.limit - self._used)
        headers = self._headers(left, self._ends - now)
        if self._used > self.limit:
            self.refused += 1
            wait = {"Retry-After": str(math.ceil(self._ends - now))}
            return Reply(429, {"message": "slow down"}, {**headers, **wait}, delay=self.latency)
        return Reply(200, {"n": self._used}, headers, delay=self.latency)

    def _headers(self, left: int, reset: float) -> dict[str, str]:
        names = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(left)}
        match self.style:
            case "epoch":
                return names | {"X-RateLimit-Reset": str(int(time.time() + reset))}
            case "seconds":
                return names | {"X-RateLimit-Reset": str(int(reset))}
            case "exact":
                return names | {"X-RateLimit-Reset": f"{reset:.3f}"}
            case "draft":
                policy = f'"main";q={self.limit};w={math.ceil(self.window)}'
                return {"RateLimit-Policy": policy, "RateLimit": f'"main";r={left};t={int(reset)}'}
        return {}
