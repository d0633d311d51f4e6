"""A stateful GitHub organization over HTTP: REST and GraphQL on one world, with tokens, limits and faults."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github_graphql import Executor
from github_rest import Rest
from github_world import World
from support.http_server import Reply, Request

from reconciler.provider.clock import Clock

TOKEN = "canary-github-5e1f7a"
INSTALLATION_TOKEN = "canary-github-installation-"
CLIENT_ID, INSTALLATION = "Iv23liAcmeReconciler", 77
POINTS_A_MINUTE, CONTENT_A_MINUTE, CONTENT_AN_HOUR = 900, 80, 500


@cache
def app_key() -> rsa.RSAPrivateKey:
    """Return the app's private key."""
    return rsa.generate_private_key(65537, 2048)


def app_pem() -> str:
    """Return the app's private key as it is downloaded."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return app_key().private_bytes(*form).decode()


class FakeOrganization:
    """Serves a world, and fails where a test wants it.

    Attributes:
        page: how many items a page has at most, on both sides.
        forbidden_paths: ends of REST paths that are refused.
        throttled: how many requests are answered 429 with Retry-After.
        secondary: how many requests meet the secondary limit, without a time.
        limited: how many GraphQL queries are answered as limited, with status 200.
        refusing: the words with which every write is refused, or empty.
        losing: whether the next write is done and not answered.
        selection: what an installation's token says it is for.
        refused_tokens: tokens that are not accepted any more.
        clock: where it is set, the secondary limits are enforced by it, and refusals are counted in `overruns`.
    """

    def __init__(self, page: int = 100) -> None:
        self.world = World()
        self.graphql = Executor(self.world)
        self.rest = Rest(self.world)
        self.graphql.page = self.rest.page = page
        self.forbidden_paths: set[str] = set()
        self.throttled = self.secondary = self.limited = 0
        self.refusing = ""
        self.losing = False
        self.selection = "all"
        self.tokens = 0
        self.refused_tokens: set[str] = set()
        self.clock: Clock | None = None
        self.overruns = 0
        self._points: list[tuple[float, int]] = []
        self._made: list[float] = []
        self.reads: list[str] = []
        self.writes: list[str] = []

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        if request.path.startswith("/app/"):
            return self._installation_token(request)
        if not self._is_known(request.headers.get("authorization", "")):
            return Reply(401, {"message": "Bad credentials", "status": "401"})
        is_query = request.path == "/graphql"
        if fault := self._slow_down(is_query, request.method):
            return fault
        return self._read(request, is_query) if is_query or request.method == "GET" else self._write(request)

    def _read(self, request: Request, is_query: bool) -> Reply:
        self.reads.append(request.path)
        if is_query:
            return Reply(200, self.graphql.run(request.json()))
        if any(request.path.endswith(end) for end in self.forbidden_paths):
            return Reply(403, {"message": "Resource not accessible by personal access token", "status": "403"})
        return self.rest.answer(request)

    def _write(self, request: Request) -> Reply:
        if self.refusing:
            return Reply(422, {"message": self.refusing, "status": "422"})
        self.writes.append(f"{request.method} {request.path}")
        reply = self.rest.answer(request)
        lost, self.losing = self.losing, False
        return Reply(reset=True) if lost else reply

    def _slow_down(self, is_query: bool, method: str) -> Reply | None:
        if self.clock is not None and self._is_too_much(self.clock.monotonic(), is_query, method):
            self.overruns += 1
            return Reply(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "60"})
        if self.throttled:
            self.throttled -= 1
            return Reply(429, {"message": "slow down"}, {"Retry-After": "1"})
        if self.secondary:
            self.secondary -= 1
            return Reply(403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."})
        if is_query and self.limited:
            self.limited -= 1
            return Reply(200, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]})
        return None

    def _is_too_much(self, now: float, is_query: bool, method: str) -> bool:
        """Say whether a request is beyond the secondary limits: points a minute, content a minute and an hour.

        Source: docs.github.com, "Rate limits for the REST API", about secondary rate limits.
        """
        if is_query:
            return False
        reads = method == "GET"
        self._points.append((now, 1 if reads else 5))
        if sum(points for when, points in self._points if when > now - 60) > POINTS_A_MINUTE:
            return True
        if reads:
            return False
        self._made.append(now)
        last_minute = sum(when > now - 60 for when in self._made)
        return last_minute > CONTENT_A_MINUTE or sum(when > now - 3600 for when in self._made) > CONTENT_AN_HOUR

    def _is_known(self, header: str) -> bool:
        token = header.removeprefix("Bearer ")
        current = f"{INSTALLATION_TOKEN}{self.tokens}"
        return token in {TOKEN, current} - self.refused_tokens

    def _installation_token(self, request: Request) -> Reply:
        """Give a token for a JWT that the app's key signed, as the reference wants it."""
        signed = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            options: Any = {"verify_exp": False, "verify_iat": False}
            claims = jwt.decode(signed, app_key().public_key(), algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            return Reply(401, {"message": "A JSON web token could not be decoded", "status": "401"})
        if claims["iss"] != CLIENT_ID or not 0 < claims["exp"] - claims["iat"] <= 600:
            return Reply(401, {"message": "'Issuer' claim ('iss') or 'Expiration time' claim ('exp') is wrong"})
        if request.path != f"/app/installations/{INSTALLATION}/access_tokens":
            return Reply(404, {"message": "Not Found"})
        self.tokens += 1
        ends = datetime.fromtimestamp(claims["iat"] + 60 + 3600, UTC).isoformat().replace("+00:00", "Z")
        token = f"{INSTALLATION_TOKEN}{self.tokens}"
        return Reply(201, {"token": token, "expires_at": ends, "repository_selection": self.selection})
