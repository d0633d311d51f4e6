"""What an app says about its quota in the headers of its answers, and how long it asks to wait."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EPOCH_SECONDS = 1e9
_EPOCH_MILLISECONDS = 1e11
_TRUSTED_SKEW = 2.0
_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_ITEM = re.compile(r'^"?(?P<name>[^";]*)"?(?P<parameters>(?:;[^;]*)*)$')


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one quota.

    Attributes:
        name: the policy's name where the app has several at once, else empty.
        remaining: requests left until it is filled up.
        reset_in: seconds until then, counted from the answer's arrival.
        limit: requests in one window, or None where it was not said.
        exact: whether `reset_in` has fractions of a second; a whole number may be up to one second off.
    """

    name: str
    remaining: int
    reset_in: float
    limit: int | None = None
    exact: bool = False


def quota_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that speak of quotas, waits and the app's time, by lower-case name."""
    found: dict[str, str] = {}
    for name, value in raw:
        lowered = name.lower()
        if b"rate" in lowered or lowered.endswith(b"retry-after") or lowered == b"date":
            found[lowered.decode("ascii", "replace")] = value.decode("ascii", "replace")
    return found


def read_quotas(headers: Mapping[str, str], now: float) -> list[Quota]:
    """Read what an answer says is left.

    Understands `X-RateLimit-*` (GitHub), `X-Rate-Limit-*` (Okta), `RateLimit-*` (older drafts) with the reset as
    seconds, as seconds or milliseconds since 1970 or as a date, and `RateLimit`/`RateLimit-Policy` of
    draft-ietf-httpapi-ratelimit-headers (one or several policies).

    Args:
        headers: as `quota_headers` returned them.
        now: the seconds since 1970 when the answer arrived.
    """
    if "ratelimit" in headers:
        return _read_draft(headers["ratelimit"], headers.get("ratelimit-policy", ""))
    for prefix in _PREFIXES:
        quota = _read_triple(headers, prefix, now)
        if quota is not None:
            return [quota]
    return []


def told_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the app asks to wait, from `Retry-After` or `X-Retry-After`; None where it does not say.

    Both forms of RFC 9110 section 10.2.3: a number of seconds, or a date (compared with the answer's own `Date`).
    """
    value = headers.get("retry-after") or headers.get("x-retry-after") or headers.get("x-ratelimit-retry-after")
    if not value:
        return None
    seconds = _number(value)
    if seconds is not None:
        return max(0.0, seconds - _their_now(headers, now) if seconds > _EPOCH_SECONDS else seconds)
    instant = _instant(value)
    return None if instant is None else max(0.0, instant - _their_now(headers, now))


def spent_wait(quotas: Iterable[Quota]) -> float | None:
    """Return the seconds until every quota that is used up is filled again, or None where none is used up."""
    waits = [quota.reset_in + (0.0 if quota.exact else 1.0) for quota in quotas if quota.remaining <= 0]
    return max(waits, default=None)


def _read_triple(headers: Mapping[str, str], prefix: str, now: float) -> Quota | None:
    """Read one limit, remaining and reset under a prefix."""
    remaining = _number(headers.get(prefix + "remaining", ""))
    if remaining is None:
        return None
    after = _number(headers.get(prefix + "reset-after", ""))
    reset, exact = (after, not after.is_integer()) if after is not None else _reset_in(headers, prefix, now)
    if reset is None:
        return None
    limit = _number(headers.get(prefix + "limit", ""))
    return Quota("", int(remaining), max(0.0, reset), None if limit is None else int(limit), exact)


def _reset_in(headers: Mapping[str, str], prefix: str, now: float) -> tuple[float | None, bool]:
    """Return the seconds until the reset that a header names, and whether they are exact."""
    text = headers.get(prefix + "reset", "")
    value = _number(text)
    if value is None:
        instant = _instant(text)
        return (None, False) if instant is None else (instant - _their_now(headers, now), not instant.is_integer())
    if value >= _EPOCH_MILLISECONDS:
        value /= 1000
        return value - _their_now(headers, now), True
    if value >= _EPOCH_SECONDS:
        return value - _their_now(headers, now), not value.is_integer()
    return value, not value.is_integer()


def _their_now(headers: Mapping[str, str], now: float) -> float:
    """Return the app's time: ours where its `Date` agrees (it has whole seconds only), else its `Date`."""
    date = _instant(headers.get("date", ""))
    return now if date is None or abs(now - date) <= _TRUSTED_SKEW else date


def _read_draft(items: str, policies: str) -> list[Quota]:
    """Read `"burst";r=5;t=30, "daily";r=90;t=4000`, or the older `limit=100, remaining=5, reset=30`."""
    old = dict(re.findall(r"\b(limit|remaining|reset)=(\d+)", items))
    if "remaining" in old and "reset" in old:
        return [Quota("", int(old["remaining"]), float(old["reset"]), int(old["limit"]) if "limit" in old else None)]
    limits = {name: parameters.get("q") for name, parameters in _items(policies)}
    quotas = []
    for name, parameters in _items(items):
        remaining, reset = parameters.get("r"), parameters.get("t")
        if remaining is None:
            continue
        limit = limits.get(name)
        quotas.append(Quota(name, int(remaining), reset or 0.0, None if limit is None else int(limit)))
    return quotas


def _items(text: str) -> list[tuple[str, dict[str, float]]]:
    """Split a structured list (RFC 9651) into names and their numeric parameters."""
    found = []
    for item in text.split(",") if text else ():
        match = _ITEM.match(item.strip())
        if match:
            pairs = (part.partition("=") for part in match["parameters"].split(";") if part)
            numbers = {key.strip(): _number(value) for key, _, value in pairs}
            found.append((match["name"], {key: value for key, value in numbers.items() if value is not None}))
    return found


def _number(text: str) -> float | None:
    """Return a plain decimal number (`60`, `0.5`, the first of `100, 100;w=60`), or None."""
    match = re.match(r"\s*(\d{1,20}(?:\.\d{1,9})?)\s*(?:$|[,;])", text, re.ASCII)
    return float(match[1]) if match else None


def _instant(text: str) -> float | None:
    """Return an HTTP date (RFC 9110 section 5.6.7) or an ISO 8601 date as seconds since 1970, or None."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text.strip())
        except (ValueError, TypeError, IndexError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None
