"""Who somebody is at this moment: looked up by number, so that a login that changed hands gives a stranger nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from providers.github.client import GitHubClient
from providers.github.mapping import number_in
from reconciler.provider.clock import Clock

_NOT_FOUND = 404
_TRUSTED = 60.0
"""Seconds for which what was looked up is believed, so that several changes of one person take one look."""


@dataclass(frozen=True, slots=True)
class Person:
    """A GitHub account.

    Attributes:
        number: GitHub's own id of it, which stays for ever.
        state: `active` or `pending` (invited) in the organization, or empty: no member.
        role: `admin` or `member` in the organization, or empty.
        suspended: whether GitHub says so of the account itself (Enterprise Server).
    """

    number: str
    login: str
    state: str = ""
    role: str = ""
    suspended: bool = False


class People:
    """Looks people, teams and repositories up, and remembers them for a minute.

    Args:
        client: asks.
        clock: tells when the minute is over.
    """

    def __init__(self, client: GitHubClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, Any]] = {}

    def forget(self, *keys: str) -> None:
        """Look somebody or something up anew next time; nothing named forgets everything."""
        for key in keys or list(self._known):
            self._known.pop(key, None)

    async def by_number(self, number: str, login: str = "") -> Person | None:
        """Return who has a number, None where nobody has it any more.

        Args:
            number: GitHub's own.
            login: what the login was when it was read; asked first, since it saves a request.

        Raises:
            TransportError: it cannot be told.
        """
        kept = self._kept(number)
        if kept is not None:
            return cast("Person", kept)
        found = await self._membership(login) if login and "@" not in login else None
        if found is None or found.number != number:
            found = await self._by_number(number)
        self._keep(number, found)
        return found

    async def by_login(self, login: str) -> Person | None:
        """Return who has a login now, None where nobody has it.

        Raises:
            TransportError: it cannot be told.
        """
        found = await self._membership(login)
        if found is None:
            user = await self._read(self._client.path("users", login))
            found = Person(str(user["id"]), user["login"]) if user else None
        if found is not None:
            self._keep(found.number, found)
        return found

    async def _by_number(self, number: str) -> Person | None:
        user = await self._read(self._client.path("user", number))
        if user is None:
            return None
        found = await self._membership(user["login"])
        if found is not None and found.number == number:
            return found
        return Person(number, user["login"], suspended=bool(user.get("suspended_at")))

    async def _membership(self, login: str) -> Person | None:
        found = await self._read(self._client.org("memberships", login))
        if found is None or not found.get("user"):
            return None
        return Person(str(found["user"]["id"]), found["user"]["login"], found["state"], found["role"])

    async def team(self, slug: str, remote_id: str = "") -> Mapping[str, Any] | None:
        """Return a team, None where there is none of this slug or it is another one than the pinned.

        Raises:
            TransportError: it cannot be told.
        """
        return await self._pinned(self._client.org("teams", slug), remote_id)

    async def repository(self, name: str, remote_id: str = "") -> Mapping[str, Any] | None:
        """Return a repository, None where there is none of this name or it is another one than the pinned.

        Raises:
            TransportError: it cannot be told.
        """
        return await self._pinned(self._client.path("repos", self._client.organization, name), remote_id)

    async def _pinned(self, path: str, remote_id: str) -> Mapping[str, Any] | None:
        found = self._kept(path)
        if found is None:
            found = await self._read(path)
            self._keep(path, found)
        if not isinstance(found, Mapping) or (remote_id and str(found["id"]) != number_in(remote_id)):
            return None
        return found

    async def _read(self, path: str) -> dict[str, Any] | None:
        answer = await self._client.get(path)
        if answer.status == _NOT_FOUND:
            return None
        answer.raise_for_refusal(f"look up {path}")
        return answer.decode(dict[str, Any])

    def _kept(self, key: str) -> Any:
        """Return what is remembered, or None."""
        when, found = self._known.get(key, (0.0, None))
        return found if self._clock.monotonic() - when < _TRUSTED else None

    def _keep(self, key: str, found: Any) -> None:
        if found is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (self._clock.monotonic(), found)
