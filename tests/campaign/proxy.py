"""A proxy in front of the SCIM server that does to one request what networks, gateways and vendors do."""

import contextlib
import functools
import http.client
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from hubs import Hub

Reply = tuple[int, dict[str, str], bytes]
_PASSED_ON = ("content-type", "etag", "location", "retry-after", "x-retry-after")


@dataclass(frozen=True)
class Incoming:
    """One request as it came to the proxy."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """What the request is for, in the campaign's words."""
        collection, _, rest = urlsplit(self.path).path.strip("/").partition("/")
        if self.method == "GET":
            return f"read {collection.lower()}" if not rest else "reread"
        if self.method == "POST":
            return "create account" if collection == "Users" else "create group"
        text = self.body.decode(errors="replace").lower().replace(" ", "")
        if collection == "Groups":
            return "rename group" if "displayname" in text else "revoke" if '"remove"' in text else "grant"
        if '"active"' not in text:
            return "update"
        return "suspend" if "false" in text else "reactivate"


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        act: does it, with the exchange in hand.
        times: how many requests meet it, one after the other; 0 for all from the first one on.
        costly: whether every request is tried again and again, so that a cell takes half a minute.
    """

    name: str
    act: Callable[["Exchange"], None]
    times: int = 1
    costly: bool = False


@dataclass
class Strike:
    """Where a fault is to strike: at the `nth` request of an operation (from 1)."""

    fault: Fault
    operation: str
    nth: int = 1
    seen: int = 0
    struck: int = 0

    def meets(self, incoming: Incoming) -> bool:
        """Say whether this request meets the fault; from the nth of its operation on, as often as the fault lasts."""
        if incoming.operation == self.operation:
            self.seen += 1
        begun = self.seen >= self.nth and (incoming.operation == self.operation or not self.fault.times)
        if not begun or (self.fault.times and self.struck >= self.fault.times):
            return False
        self.struck += 1
        return True


class Proxy:
    """The proxy: passes everything on, but for what meets the strike that is set."""

    def __init__(self, upstream: Hub) -> None:
        self.upstream = upstream
        self.url = ""
        self.strike: Strike | None = None
        self.lock = threading.Lock()
        self.closed = False
        self.counts: Counter[str] = Counter()
        self._listening: _Threads | None = None
        self._thread: threading.Thread | None = None

    def listen(self, port: int = 0) -> None:
        """Begin to listen, on a free port or on the one that it had."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._listening = _Threads(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._listening.server_address[1]}"
        serve = functools.partial(self._listening.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Refuse new connections, and tear down those that are open when they are used."""
        self.closed = True
        if self._listening and self._thread:
            self._listening.shutdown()
            self._listening.server_close()
            self._thread.join(5)
            self._listening = None

    def set(self, fault: Fault, operation: str, nth: int = 1) -> Strike:
        """Let a fault strike."""
        self.strike = Strike(fault, operation, nth)
        return self.strike

    def heal(self) -> None:
        """End all faults."""
        self.strike = None
        self.closed = False
        if self._listening is None:
            self.listen(urlsplit(self.url).port or 0)

    def meet(self, incoming: Incoming) -> Fault | None:
        """Return the fault that this request meets."""
        with self.lock:
            self.counts[incoming.operation] += 1
            return self.strike.fault if self.strike and self.strike.meets(incoming) else None


@dataclass
class Exchange:
    """One request in the proxy's hands, and everything that may be done with it."""

    proxy: Proxy
    handler: "_Handler"
    incoming: Incoming

    def forward(self) -> Reply:
        """Hand the request on, and return what the server says."""
        return forward(self.proxy.upstream.url, self.incoming)

    def answer(self, reply: Reply) -> None:
        """Send a whole answer."""
        status, headers, body = reply
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.raw(body)

    def begin(self, reply: Reply, length: int | None = None) -> None:
        """Send an answer's head alone, promising its body (or as many bytes as `length`)."""
        status, headers, body = reply
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        self.handler.end_headers()

    def raw(self, data: bytes) -> None:
        """Send bytes as they are; nobody minds if the other side is gone."""
        with contextlib.suppress(OSError):
            self.handler.wfile.write(data)
            self.handler.wfile.flush()

    def hang_up(self) -> None:
        """End the connection in good order, without an answer."""
        self.handler.close_connection = True

    def reset(self) -> None:
        """Tear the connection down (RST)."""
        self.handler.close_connection = True
        with contextlib.suppress(OSError):
            self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.handler.connection.close()

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Do something when the client has long given up."""
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        timer.start()


def forward(url: str, incoming: Incoming) -> Reply:
    """Send a request to the server behind."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    headers = {name: value for name, value in incoming.headers.items() if name not in {"host", "accept-encoding"}}
    try:
        connection.request(incoming.method, parts.path + incoming.path, incoming.body or None, headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    kept = {name: value for name, value in response.headers.items() if name.lower() in _PASSED_ON}
    return response.status, kept, body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    proxy: Proxy

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        incoming = Incoming(self.command, self.path, headers, body)
        exchange = Exchange(self.proxy, self, incoming)
        if self.proxy.closed:
            exchange.reset()
            return
        fault = self.proxy.meet(incoming)
        if fault:
            fault.act(exchange)
        else:
            exchange.answer(exchange.forward())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class names them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that were torn down on purpose."""


@contextmanager
def run_proxy(upstream: Hub) -> Iterator[Proxy]:
    """Start a proxy on a free loopback port; stop it at the end."""
    proxy = Proxy(upstream)
    proxy.listen()
    try:
        yield proxy
    finally:
        proxy.refuse()
