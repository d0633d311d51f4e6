"""Slack's Web API: methods by name, pages by cursor, and refusals that come with status 200 and a word.

Sources: https://docs.slack.dev/apis/web-api/ (`ok`, `error`), https://docs.slack.dev/apis/web-api/pagination (cursors;
a page may hold fewer items than asked for, or none), https://docs.slack.dev/apis/web-api/rate-limits (tiers, each
method of its own, in each workspace).
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from providers.slack.config import SlackConfig
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import shorten
from reconciler.provider.auth import BearerAuth
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Answer, Rate, Transport

Argument = str | int | bool | list[str]
Arguments = Mapping[str, Argument]

_TIER_2, _TIER_3, _TIER_4 = 20, 50, 100
"""Requests a minute that every plan may do; half of them at once after a pause."""
_WINDOW = 61.0
"""Seconds: a little more than Slack's minute, since requests take different times to get there."""
_READING: Mapping[str, int] = {
    "auth.test": _TIER_4,
    "users.list": _TIER_2,
    "users.info": _TIER_4,
    "users.conversations": _TIER_3,
    "conversations.list": _TIER_2,
    "conversations.members": _TIER_4,
    "usergroups.list": _TIER_2,
}
_WRITING: Mapping[str, int] = {
    "conversations.create": _TIER_2,
    "conversations.rename": _TIER_2,
    "conversations.join": _TIER_3,
    "conversations.invite": _TIER_3,
    "conversations.kick": _TIER_3,
    "usergroups.create": _TIER_2,
    "usergroups.update": _TIER_2,
    "usergroups.enable": _TIER_2,
    "usergroups.disable": _TIER_2,
    "usergroups.users.update": _TIER_2,
    "admin.users.session.reset": _TIER_2,
    "admin.users.setAdmin": _TIER_2,
    "admin.users.setOwner": _TIER_2,
    "admin.users.setRegular": _TIER_2,
}
_ADMIN = "admin."
_SLOW_DOWN = frozenset({"ratelimited", "rate_limited"})
_MAY_HAVE_LANDED = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
)
"""What Slack answers though part of an operation may have succeeded (https://docs.slack.dev/apis/web-api/errors)."""
_MOST_PAGES = 10_000
_MOST_TRIES = 10
_FALTERING = 3
"""How often Slack may fail at what only reads."""
_HINTS: Mapping[str, str] = {
    "missing_scope": "add the scope to the app and install it anew",
    "not_allowed_token_type": "the method wants another type of token: see the provider's README",
    "permission_denied": "the workspace's settings let others do this: use an admin's user token, or change them",
    "restricted_action": "the workspace's settings let others do this: use an admin's user token, or change them",
    "plan_upgrade_required": "user groups need a paid plan",
    "paid_teams_only": "user groups need a paid plan",
    "feature_not_enabled": "Slack's admin methods exist on Enterprise plans only",
    "not_an_admin": "the admin token must be one of an organization's owner or admin",
    "channel_not_found": "a private channel is only seen by its members: invite the tool's user to it",
    "invalid_name_specials": "names of channels are lower case, without spaces and full stops",
    "name_taken": "archived and private channels keep their names too",
}


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0

    def share(self, parts: int) -> list[int]:
        """Split the count among the parts of a batch, so that their sum is the count."""
        each, rest = divmod(self.requests, parts)
        return [each + (number < rest) for number in range(parts)]


_TALLY: ContextVar[Tally | None] = ContextVar("slack_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the calls that are made from here while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class RefusedError(AnswerError):
    """Slack answered `ok: false`.

    Args:
        message: the method and Slack's words.
        code: the error's name.
        errors: what Slack says of single users, by their ids (`conversations.invite`).
    """

    def __init__(self, message: str, *, status: int, code: str, errors: Mapping[str, str], hint: str = "") -> None:
        super().__init__(message, status=status, code=code, hint=hint)
        self.errors = errors
        if code in _MAY_HAVE_LANDED:
            self.landed = None


class SlackClient:
    """Speaks with one workspace; an asynchronous context manager.

    Args:
        config: where it is, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.

    Raises:
        ProviderError: the endpoint cannot be used.
    """

    def __init__(self, config: SlackConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._page_size = config.page_size
        self.team = config.team
        rates = [rate_of(method) for method in (*_READING, *_WRITING)]

        def transport(auth: BearerAuth) -> Transport:
            return Transport(
                config.endpoint,
                surroundings,
                name=surroundings.app,
                auth=auth,
                rates=rates,
                timeout=config.timeout,
                allow_http=config.allow_http,
                clock=clock,
            )

        self._plain = transport(BearerAuth(config.token, surroundings))
        self._admin = transport(BearerAuth(config.admin_token, surroundings)) if config.admin_token else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in filter(None, (self._plain, self._admin)):
            await transport.__aexit__(kind, error, trace)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._plain.requests + (self._admin.requests if self._admin else 0)

    async def call(self, method: str, arguments: Arguments | None = None) -> dict[str, Any]:
        """Call one method.

        Args:
            method: as Slack names it; those that read are the only ones allowed while planning.
            arguments: what it takes, by Slack's names.

        Raises:
            ReadOnlyError: it would write while planning.
            RefusedError: Slack refused; `code` is its word (`channel_not_found`).
            TransportError: no answer; `landed` says whether it may have been done.
        """
        for tried in range(1, _MOST_TRIES + 1):
            answer = await self._send(method, dict(arguments or {}))
            said = answer.decode(dict[str, Any]) if answer.content.strip() else {}
            if answer.ok and said.get("ok") is True:
                return said
            refusal = _refusal(method, answer, said)
            if refusal.code in _SLOW_DOWN:
                await self._clock.wait(_seconds(answer), asyncio.Event())
            elif method in _READING and refusal.landed is None and tried < _FALTERING:
                await self._clock.wait(float(tried), asyncio.Event())
            else:
                raise refusal
        raise TransportError(f"{method}: Slack still asks to slow down after {_MOST_TRIES} tries", landed=False)

    async def _send(self, method: str, arguments: dict[str, Argument]) -> Answer:
        tally = _TALLY.get()
        if tally is not None:
            tally.requests += 1
        transport = self._admin if self._admin and method.startswith(_ADMIN) else self._plain
        if method == "auth.test":
            return await transport.request("POST", method, write=False, rate=method)
        if method in _READING:
            return await transport.request("GET", method, params=_texts(arguments), rate=method)
        return await transport.request("POST", method, json=arguments, write=True, rate=method)

    async def every(self, method: str, key: str, arguments: Arguments | None = None) -> list[Any]:
        """Return all of a list, page by page, until there is no next cursor: an empty page ends nothing.

        Args:
            method: one that reads and pages.
            key: where the list is in the answer.
            arguments: what it takes besides.

        Raises:
            TransportError: as for `call`, or a cursor came twice, or the list is missing.
        """
        found: list[Any] = []
        cursor, seen = "", set[str]()
        asked = {**(arguments or {}), "limit": self._page_size}
        for _ in range(_MOST_PAGES):
            answer = await self.call(method, {**asked, "cursor": cursor} if cursor else asked)
            found += listed(method, answer, key)
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found
            if cursor in seen:
                raise TransportError(f"{method} gave the same page twice")
            seen.add(cursor)
        raise TransportError(f"{method} has more than {_MOST_PAGES} pages")

    def in_team(self, **arguments: Argument) -> dict[str, Argument]:
        """Return arguments with the workspace's id, where the token is one of a whole organization."""
        return {**arguments, "team_id": self.team} if self.team else arguments


def listed(method: str, answer: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list of an answer.

    Raises:
        TransportError: there is none.
    """
    found = answer.get(key)
    if not isinstance(found, list):
        raise TransportError(f"{method} answered without {key}")
    return found


def _refusal(method: str, answer: Answer, said: Mapping[str, Any]) -> RefusedError:
    """Return the error of a refusal, in Slack's words, redacted."""
    code = str(said.get("error") or "") or f"status {answer.status}"
    more = [str(each) for each in (said.get("response_metadata") or {}).get("messages") or ()]
    if said.get("needed"):
        more.append(f"needed: {said['needed']}, provided: {said.get('provided') or 'nothing'}")
    single = {
        str(each.get("user") or ""): str(each.get("error") or "")
        for each in said.get("errors") or ()
        if isinstance(each, Mapping)
    }
    words = shorten(answer.redactor.clean("; ".join([f"{method} was refused: {code}", *more])))
    hint = _HINTS.get(code, "")
    shown = f"{words} ({hint})" if hint else words
    return RefusedError(shown, status=answer.status, code=code, errors={k: v for k, v in single.items() if k})


def _seconds(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return max(1.0, float(told)) if told.isdecimal() else 30.0


def _texts(arguments: Arguments) -> dict[str, str]:
    """Return arguments as a query spells them."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in arguments.items()}


def rate_of(method: str) -> Rate:
    """Return how often a method may be called."""
    tier = _WRITING.get(method) or _READING[method]
    return Rate(method, per_minute=tier, burst=tier // 2, most=tier, window=_WINDOW)
