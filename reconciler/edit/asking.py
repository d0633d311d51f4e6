"""A request for access, and what it finds in a company: whom, where, what, and who gives it now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import ConfigurationError
from reconciler.load.dates import find_zone, parse_instant
from reconciler.load.suggest import suggest
from reconciler.load.wording import KEY
from reconciler.model.access import GrantBlock, Recipients, Role, Wanted
from reconciler.model.company import Company

MOST_REASON = 2_000
"""Characters of a reason."""

_FORM = "write it like figma/role:admin"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for.

    Attributes:
        identity: an identity's id.
        app: an app's name; entitlement: a key in it, at a level where that matters.
        until: the end as it will be written, or empty.
        reason: why; may be empty where access goes away.
    """

    identity: str
    app: str
    entitlement: str
    level: str | None = None
    until: str = ""
    reason: str = ""

    @property
    def wanted(self) -> Wanted:
        """Return what is asked for in the app."""
        return Wanted(self.entitlement, self.level)

    @property
    def words(self) -> str:
        """Return it as people write it: `figma/role:admin at full`."""
        return f"{self.app}/{self.entitlement}" + (f" at {self.level}" if self.level else "")


def ask(  # noqa: PLR0913 - one request, as it is written on a command line
    company: Company, identity: str, what: str, *, level: str = "", until: str = "", reason: str = "", new: bool = False
) -> Asked:
    """Return a request whose names are known.

    Args:
        company: where it is asked.
        identity: an id.
        what: `APP/KIND:NAME`.
        level: perhaps the level.
        until: perhaps the end: a date or a time.
        reason: why.
        new: whether an entitlement that no YAML names yet is allowed.

    Raises:
        ConfigurationError: something of that is unknown or cannot be; the hint names the nearest that is.
    """
    _check_words(level, reason)
    app, slash, entitlement = what.partition("/")
    if not slash or not KEY.fullmatch(entitlement):
        raise ConfigurationError(f"{what!r} names no entitlement of an app", hint=_FORM)
    if not company.is_identity(identity):
        known = [*company.people, *company.service_accounts]
        raise ConfigurationError(f"unknown identity {identity!r}", hint=suggest(identity, known) or "see people.yaml")
    if app not in company.apps:
        raise ConfigurationError(f"unknown app {app!r}", hint=suggest(app, company.apps) or _FORM)
    _check_entitlement(company, app, entitlement, level, new=new)
    if until:
        _check_until(company, until)
    return Asked(identity, app, entitlement, level or None, until, reason)


def _check_words(level: str, reason: str) -> None:
    """Refuse what no YAML here may hold; a reason may have several lines."""
    if not level.isprintable() or not reason.replace("\n", "").isprintable():
        raise ConfigurationError("a control character in --reason or --level", hint="remove it")
    if len(reason) > MOST_REASON:
        raise ConfigurationError(f"the reason has {len(reason):,} characters", hint=f"{MOST_REASON:,} are enough")


def _check_entitlement(company: Company, app: str, entitlement: str, level: str, *, new: bool) -> None:
    known = known_wanted(company, app)
    keys = {*company.apps[app].entitlements, *(one.entitlement for one in known)}
    if entitlement not in keys and not new:
        hint = suggest(entitlement, keys) or "if the app has it and no YAML names it yet, add --new"
        raise ConfigurationError(f"unknown entitlement {entitlement!r} of {app}", hint=hint)
    rules = company.apps[app].entitlements.get(entitlement)
    levels = set(rules.levels) if rules and rules.levels else set()
    if level and levels and level not in levels:
        raise ConfigurationError(
            f"{entitlement} of {app} has no level {level!r}",
            hint=suggest(level, levels) or f"it has: {', '.join(sorted(levels))}",
        )


def known_wanted(company: Company, app: str) -> set[Wanted]:
    """Return every wording that asks for something in an app."""
    return {wanted for block in blocks(company) if app in block.grants for wanted in block.grants[app]}


def blocks(company: Company) -> Iterator[Role | GrantBlock]:
    """Yield every role and every grant."""
    yield from company.roles.values()
    yield from company.grants


def _check_until(company: Company, until: str) -> None:
    try:
        read_until(company, until)
    except ValueError as error:
        raise ConfigurationError(f"--until is {error}, not {until!r}", hint="write it like 2026-03-31") from None


def read_until(company: Company, until: str) -> datetime:
    """Return when access ends that is written so.

    Raises:
        ValueError: it is no date and no time.
    """
    return parse_instant(until, find_zone(company.settings.timezone), end=True)


def gives(block: Role | GrantBlock, asked: Asked) -> bool:
    """Say whether a block is about what is asked for, at any level where none is named."""
    return any(
        wanted.entitlement == asked.entitlement and asked.level in (None, wanted.level)
        for wanted in block.grants.get(asked.app, ())
    )


def names(to: Recipients, identity: str) -> bool:
    """Say whether recipients list an identity by its id."""
    return identity in to.people or identity in to.service_accounts


def is_alone(to: Recipients, identity: str) -> bool:
    """Say whether recipients are one identity, and nobody else could become one of them."""
    others = to.groups or to.entitlements or to.everyone or to.excluded
    return not others and [*to.people, *to.service_accounts] == [identity]
