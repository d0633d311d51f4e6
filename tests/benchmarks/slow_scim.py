"""A fast SCIM server over loopback with latency added to each response, for benchmarks: bodies are made once.

Run as `python slow_scim.py PORT USERS PAGE LATENCY [QUOTA]`. With a quota (requests a second) it sends
`X-RateLimit-*` headers, answers 429 past the quota, and prints the number of 429 when it is told to stop (SIGTERM).
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from urllib.parse import parse_qs, urlsplit


class Server:
    """Answers GET /Users, /Groups and the discovery endpoints; everything else is 404."""

    def __init__(self, users: int, page: int, latency: float, quota: int) -> None:
        self.users, self.page, self.latency, self.quota = users, page, latency, quota
        self.bodies: dict[tuple[int, int], bytes] = {}
        self.refused = 0
        self.served = 0
        self.window = 0
        self.used = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                arrived = time.perf_counter()
                status, headers, body = self.answer(line.split()[1].decode())
                await asyncio.sleep(self.latency - (time.perf_counter() - arrived))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/scim+json\r\n{headers}"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def answer(self, target: str) -> tuple[str, str, bytes]:
        """Return status, extra headers and body for a request target."""
        headers = ""
        if self.quota:
            now = time.time()
            if int(now) != self.window:
                self.window, self.used = int(now), 0
            self.used += 1
            left = max(0, self.quota - self.used)
            headers = (
                f"X-RateLimit-Limit: {self.quota}\r\nX-RateLimit-Remaining: {left}\r\n"
                f"X-RateLimit-Reset: {self.window + 1}\r\n"
            )
            if self.used > self.quota:
                self.refused += 1
                return "429 Too Many Requests", headers + "Retry-After: 1\r\n", b""
        self.served += 1
        url = urlsplit(target)
        query = {key.lower(): values[0] for key, values in parse_qs(url.query).items()}
        if url.path.endswith("/Users"):
            start = int(query.get("startindex", "1"))
            count = min(int(query.get("count", str(self.page))), self.page)
            return "200 OK", headers, self.list(start, count)
        if url.path.endswith("/Groups"):
            return "200 OK", headers, _list([], 0, 1)
        return "404 Not Found", headers, b"{}"

    def list(self, start: int, count: int) -> bytes:
        """Return one page of users, made on first use."""
        body = self.bodies.get((start, count))
        if body is None:
            last = min(self.users, start + count - 1)
            body = self.bodies[start, count] = _list([_user(n) for n in range(start - 1, last)], self.users, start)
        return body

    def warm(self) -> None:
        """Make every page before the first request is timed."""
        for start in range(1, self.users + 1, self.page):
            self.list(start, self.page)


def _list(resources: list[object], total: int, start: int) -> bytes:
    return json.dumps(
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    ).encode()


def _user(number: int) -> dict[str, object]:
    email = f"p{number}@scale.example"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": f"remote-{number:08}",
        "externalId": f"p{number}",
        "userName": email,
        "name": {"formatted": f"Person {number}", "givenName": "Person", "familyName": str(number)},
        "displayName": f"Person {number}",
        "active": True,
        "emails": [{"value": email, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": f"+49 30 {number:07}", "type": "work"}],
        "title": f"Engineer {number % 7}",
        "groups": [],
        "meta": {
            "resourceType": "User",
            "created": "2024-02-01T00:00:00Z",
            "lastModified": "2024-02-01T00:00:00Z",
            "location": f"https://scim.scale.example/v2/Users/remote-{number:08}",
            "version": f'W/"{number}"',
        },
        "urn:padding": "x" * 560,
    }


async def main(port: int, users: int, page: int, latency: float, quota: int) -> None:
    """Serve until SIGTERM, then print what was served and refused."""
    server = Server(users, page, latency, quota)
    server.warm()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print("ready", flush=True)
    async with listening:
        await stop.wait()
    print(f"served {server.served} refused {server.refused}", flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    asyncio.run(main(int(words[0]), int(words[1]), int(words[2]), float(words[3]), int(words[4]) if words[4:] else 0))
