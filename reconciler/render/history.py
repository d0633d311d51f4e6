"""What was live at a moment in the past, as complete reads found it: who had what, since when, what nobody knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from reconciler.render.colours import palette
from reconciler.render.escape import visible
from reconciler.state.sighting import AN_ACCOUNT, LiveThen, Sighting

_NEAR: Final = timedelta(hours=36)
"""A nightly read that ran a little late is near enough to say nothing about."""


@dataclass(frozen=True, slots=True)
class PastApp:
    """What the history says of one app at a moment.

    Attributes:
        then: what was seen; None where no complete read is remembered until then.
        attested: what only closed tickets told then, and nobody saw; None where they told nothing.
    """

    app: str
    then: LiveThen | None
    attested: LiveThen | None = None

    def unknown(self, moment: datetime) -> str:
        """Say what is not known of that moment, empty where a complete read is near before it."""
        if self.then is None and self.attested is not None:
            return ""
        if self.then is None:
            return f"nothing is known: no complete read of {self.app} is remembered from before"
        gap = moment - self.then.at
        if gap <= _NEAR:
            return ""
        until = "" if self.then.following else ", and none came after"
        return f"no complete read in the {_days(gap)} before{until}: what changed meanwhile is not known"


def _days(gap: timedelta) -> str:
    hours = round(gap / timedelta(hours=1))
    return f"{hours} hours" if gap < timedelta(days=3) else f"{gap.days} days"


def render_past(asked: str, moment: datetime, apps: list[PastApp], *, by: str, colour: bool) -> Iterator[str]:
    """Yield what was live, app by app.

    Args:
        asked: the identity, or `app/kind:name`.
        moment: when, in the time zone that times are told in.
        apps: what the history says.
        by: `holder` tells who held something, `entitlement` what somebody held.
        colour: whether to paint.
    """
    paint = palette(colour=colour)
    zone = moment.tzinfo
    yield paint.paint(paint.strong, f"{visible(asked)}  live at {_told(moment, zone)} (not: declared)")
    for one in apps:
        if one.then:
            yield f"{visible(one.app)}, by the complete read of {_told(one.then.at, zone)}"
            yield from (f"  {line}" for line in _lines(one.then, by, zone))
        if one.attested:
            yield f"{visible(one.app)}, attested by tickets as of {_told(one.attested.at, zone)}, never seen"
            yield from (f"  {line}" for line in _lines(one.attested, by, zone))
        if unknown := one.unknown(moment):
            yield paint.paint(paint.change, f"  {visible(unknown)}")


def _lines(then: LiveThen, by: str, zone: tzinfo | None) -> Iterator[str]:
    for one in then.sightings:
        name = one.holder if by == "holder" else one.entitlement
        level = f" at {visible(one.level)}" if one.level and one.entitlement != AN_ACCOUNT else ""
        status = f", {visible(one.level)}" if one.level and one.entitlement == AN_ACCOUNT else ""
        yield f"· {visible(name)}{level}{status}  {_since(one, then, zone)}"
    if not then.sightings:
        yield "nobody" if by == "holder" else "nothing"


def _since(one: Sighting, then: LiveThen, zone: tzinfo | None) -> str:
    since = f"first seen {_told(one.first, zone)}" if one.first else "since before the oldest read that is remembered"
    if one.gone:
        return f"{since}, seen gone {_told(one.gone, zone)}"
    return f"{since}, and still by the next read" if then.following else since


def _told(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def past_data(moment: datetime, apps: list[PastApp]) -> dict[str, Any]:
    """Return the same as data: `{basis: live, moment, apps: [{app, read, next_read, attested_at, unknown, held}]}`."""
    return {
        "basis": "live",
        "moment": moment.isoformat(),
        "apps": [
            {
                "app": one.app,
                "read": one.then.at.isoformat() if one.then else None,
                "next_read": _iso(one.then.following) if one.then else None,
                "attested_at": one.attested.at.isoformat() if one.attested else None,
                "unknown": one.unknown(moment),
                "held": _held_data(one),
            }
            for one in apps
        ],
    }


def _held_data(app: PastApp) -> list[dict[str, Any]] | None:
    """Return what was seen and what was attested, each said to be so; None where nothing is known."""
    if app.then is None and app.attested is None:
        return None
    seen = app.then.sightings if app.then else ()
    attested = app.attested.sightings if app.attested else ()
    return [_sighting_data(one) | {"attested": False} for one in seen] + [
        _sighting_data(one) | {"attested": True} for one in attested
    ]


def _sighting_data(one: Sighting) -> dict[str, Any]:
    of_account = one.entitlement == AN_ACCOUNT
    return {
        "holder": one.holder,
        "entitlement": None if of_account else one.entitlement,
        "level": None if of_account else one.level,
        "account": one.level if of_account else None,
        "first_seen": _iso(one.first),
        "seen_gone": _iso(one.gone),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
