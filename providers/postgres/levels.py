"""The levels of grants ↔ PostgreSQL's privileges and options of membership. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ProviderError

ROLE: Final = "role"
ATTRIBUTE: Final = "attribute"
DATABASE: Final = "database"
SCHEMA: Final = "schema"
KINDS: Final = (ROLE, ATTRIBUTE, DATABASE, SCHEMA)

Privileges = Mapping[str, bool]
"""Privilege → whether its holder may grant it to others."""

LEVELS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    DATABASE: {
        "connect": ("CONNECT",),
        "temp": ("CONNECT", "TEMPORARY"),
        "create": ("CONNECT", "TEMPORARY", "CREATE"),
    },
    SCHEMA: {"usage": ("USAGE",), "create": ("USAGE", "CREATE")},
}
"""Kind → level, weakest first → what it means."""

_ONLY = "only "
_NO_INHERIT, _NO_SET = "-noinherit", "-noset"


@dataclass(frozen=True, slots=True)
class Membership:
    """How a role is held: whether it may be given on, whether its privileges are inherited, whether it can be acted as.

    The last two are options of the membership since PostgreSQL 16
    (https://www.postgresql.org/docs/16/sql-grant.html); before, they are always true here.
    """

    admin: bool = False
    inherit: bool = True
    set: bool = True

    @property
    def level(self) -> str:
        """The level: `member` or `admin`, with `-noinherit` and `-noset` behind it."""
        return ("admin" if self.admin else "member") + _NO_INHERIT * (not self.inherit) + _NO_SET * (not self.set)

    @classmethod
    def parse(cls, level: str | None) -> "Membership":
        """Return what a level means; no level is plain membership.

        Raises:
            ProviderError: there is no such level.
        """
        rest = level or "member"
        can_set = not rest.endswith(_NO_SET)
        rest = rest.removesuffix(_NO_SET)
        inherit = not rest.endswith(_NO_INHERIT)
        name = rest.removesuffix(_NO_INHERIT)
        if name not in {"member", "admin"}:
            raise ProviderError(f"a role cannot be held at {level}", hint="levels are member and admin")
        return cls(name == "admin", inherit, can_set)

    def __or__(self, other: "Membership") -> "Membership":
        """What two memberships, granted by two roles, give together."""
        return Membership(self.admin or other.admin, self.inherit or other.inherit, self.set or other.set)


MAKERS: Final = Membership(admin=True, inherit=False, set=False)
"""What who makes a role gets of it, since PostgreSQL 16."""


def level_of(kind: str, held: Privileges) -> str:
    """Return the level that some privileges are.

    Privileges that are no level are named one by one, as `only temporary` or `only connect*+create`: a star stands for
    the grant option, as in PostgreSQL's own notation.
    """
    named = LEVELS[kind]
    if not any(held.values()):
        for level, privileges in named.items():
            if set(privileges) == set(held):
                return level
    order = list(named.values())[-1]
    parts = [f"{name.lower()}{'*' if held[name] else ''}" for name in order if name in held]
    return _ONLY + "+".join(parts)


def privileges_of(kind: str, level: str | None) -> Privileges:
    """Return the privileges that a level is; no level is the weakest.

    Raises:
        ProviderError: there is no such level.
    """
    named = LEVELS[kind]
    if level is None:
        level = next(iter(named))
    if level in named:
        return dict.fromkeys(named[level], False)
    known = list(named.values())[-1]
    parts = level.removeprefix(_ONLY).split("+") if level.startswith(_ONLY) else []
    found = {part.removesuffix("*").upper(): part.endswith("*") for part in parts}
    if not found or not found.keys() <= set(known):
        raise ProviderError(f"a {kind} cannot be held at {level}", hint=f"levels are {', '.join(named)}")
    return found
