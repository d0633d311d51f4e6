"""A proxy in front of a real SCIM server, which does to its answers what networks and vendors do."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from faulty_server import SECRET

REFUSAL = "the workspace is frozen for an audit"


@dataclass
class Mischief:
    """What the proxy does now.

    Attributes:
        forbid: last parts of paths that answer 403.
        cut: collections whose lists end in the middle.
        throttle: how many requests are answered 429 with `Retry-After: 1`.
        refuse: whether every write is refused.
        lose: how many writes are passed on and never answered.
    """

    forbid: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    throttle: int = 0
    refuse: bool = False
    lose: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: httpx.Client
    mischief: Mischief

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, writes = self.path.partition("?")[0], self.command != "GET"
        with self.mischief.lock:
            if self.mischief.throttle:
                self.mischief.throttle -= 1
                return self._answer(429, b'{"detail": "slow down"}', {"Retry-After": "1"})
            lost = writes and self.mischief.lose > 0
            self.mischief.lose -= lost
        if path.strip("/").split("/")[0] in self.mischief.forbid:
            return self._answer(403, b'{"detail": "not allowed"}', {})
        if writes and self.mischief.refuse:
            return self._answer(403, json.dumps({"detail": f"{REFUSAL} (token {SECRET})"}).encode(), {})
        passed = ("authorization", "content-type", "accept", "if-match")
        headers = {name: value for name, value in self.headers.items() if name.lower() in passed}
        answer = self.upstream.request(self.command, self.path, content=body, headers=headers)
        if lost:
            self.close_connection = True
            return None
        more = {"ETag": answer.headers["etag"]} if "etag" in answer.headers else {}
        return self._answer(answer.status_code, self._cut(path, answer), more)

    def _cut(self, path: str, answer: httpx.Response) -> bytes:
        if path.strip("/") not in self.mischief.cut or answer.status_code != 200:
            return answer.content
        document = answer.json()
        listed = document.get("Resources", [])
        document["Resources"] = listed[:-1] if document.get("startIndex", 1) == 1 else []
        return json.dumps(document).encode()

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/scim+json")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class names them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def run_proxy(upstream: str) -> Iterator[tuple[str, Mischief]]:
    """Start a proxy on a free loopback port; yield its URL and what it can be made to do."""
    mischief = Mischief()
    with httpx.Client(base_url=upstream, timeout=10) as client:
        handler = type("Handler", (_Handler,), {"upstream": client, "mischief": mischief})
        listening = _Threads(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}", mischief
        finally:
            listening.shutdown()
            listening.server_close()
            thread.join(5)
