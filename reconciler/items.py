"""What is compared: accounts, entitlements and grants, as names for people and as integers for large numbers.

An *entitlement key* is `kind:name` (`team:platform`); the kind ends at the first colon, the name holds anything.
A *holder* is an identity's id (`ana`), an entitlement key (`team:platform`, a team on a repository), or, for an
account that belongs to no identity, `@` and its remote id. Identity ids hold neither `:` nor `@`: the three never meet.

A grant among a million is one int: `pack(holder, entitlement)` over the numbers that one `Names` gave out. Its level is
another small int. Both live in plain dicts (`GrantLevels`), one app at a time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias
from unicodedata import normalize

Value: TypeAlias = "str | int | float | bool | tuple[str, ...] | None"
"""What an attribute can be once it has been read or rendered: a JSON scalar, or several texts."""

GrantLevels: TypeAlias = dict[int, int]
"""Packed grants to their level's number."""

_SHIFT = 30
_MASK = (1 << _SHIFT) - 1


def pack(holder: int, entitlement: int) -> int:
    """Make one int of a holder's and an entitlement's number (each below 2**30)."""
    return holder << _SHIFT | entitlement


def unpack(grant: int) -> tuple[int, int]:
    """Give back the holder's and the entitlement's number."""
    return grant >> _SHIFT, grant & _MASK


def kind_of(entitlement: str) -> str:
    """Return the kind in an entitlement key: `team` of `team:platform`."""
    return entitlement.partition(":")[0]


def name_of(entitlement: str) -> str:
    """Return the name in an entitlement key: `platform` of `team:platform`."""
    return entitlement.partition(":")[2]


def fold(name: str) -> str:
    """Return a username, an address or an id as such names are compared: case does not count, anything else does.

    The two ways of writing one letter with its accent are one (Unicode's canonical equivalence, UAX #15). But no letter
    becomes an ASCII one, as case folding and normalization would have it (the Kelvin sign `k`, a ligature `fi`, a sharp
    s `ss`): what only looks like a colleague's name is not the colleague's.
    """
    if name.isascii():
        return name.lower()
    parts = _ASCII_TWINS.split(name)
    composed = "".join(part if number % 2 else normalize("NFC", part) for number, part in enumerate(parts))
    return "".join(map(_fold_letter, composed))


_ASCII_TWINS: Final = re.compile("([\u212a\u037e\u1fef])")
"""The Kelvin sign, the Greek question mark and the Greek varia: the only ones that normalization makes ASCII."""


def _fold_letter(letter: str) -> str:
    lower = letter.lower()
    return lower if len(lower) == 1 and lower.isascii() == letter.isascii() else letter


class Names:
    """Numbers for the holders, entitlements and levels of one app; given out on first use, from 0, never taken back.

    Level 0 is always "no level" (None).
    """

    __slots__ = ("_entitlement_numbers", "_holder_numbers", "_level_numbers", "entitlements", "holders", "levels")

    def __init__(self) -> None:
        self.holders: list[str] = []
        self.entitlements: list[str] = []
        self.levels: list[str | None] = [None]
        self._holder_numbers: dict[str, int] = {}
        self._entitlement_numbers: dict[str, int] = {}
        self._level_numbers: dict[str | None, int] = {None: 0}

    def holder(self, name: str) -> int:
        """Return the number of a holder, giving it one if it has none."""
        number = self._holder_numbers.get(name)
        if number is None:
            number = self._holder_numbers[name] = len(self.holders)
            self.holders.append(name)
        return number

    def entitlement(self, key: str) -> int:
        """Return the number of an entitlement key, giving it one if it has none."""
        number = self._entitlement_numbers.get(key)
        if number is None:
            number = self._entitlement_numbers[key] = len(self.entitlements)
            self.entitlements.append(key)
        return number

    def level(self, level: str | None) -> int:
        """Return the number of a level, giving it one if it has none."""
        number = self._level_numbers.get(level)
        if number is None:
            number = self._level_numbers[level] = len(self.levels)
            self.levels.append(level)
        return number

    def grant(self, holder: str, entitlement: str) -> int:
        """Return the packed number of a grant."""
        return self.holder(holder) << _SHIFT | self.entitlement(entitlement)

    def item(self, grant: int) -> "GrantItem":
        """Return a packed grant as names."""
        return GrantItem(self.holders[grant >> _SHIFT], self.entitlements[grant & _MASK])

    def known_holder(self, name: str) -> int | None:
        """Return the number of a holder if it has one."""
        return self._holder_numbers.get(name)

    def known_entitlement(self, key: str) -> int | None:
        """Return the number of an entitlement key if it has one."""
        return self._entitlement_numbers.get(key)

    def items(self, grants: Iterable[int]) -> "list[GrantItem]":
        """Return packed grants as names, sorted."""
        return sorted(map(self.item, grants))


@dataclass(frozen=True, slots=True, order=True)
class AccountItem:
    """The account of an identity in an app (`holder` as the module says, never an entitlement key)."""

    holder: str

    def __str__(self) -> str:
        return self.holder


@dataclass(frozen=True, slots=True, order=True)
class EntitlementItem:
    """An entitlement of an app, by its key."""

    entitlement: str

    def __str__(self) -> str:
        return self.entitlement


@dataclass(frozen=True, slots=True, order=True)
class GrantItem:
    """A holder directly holds an entitlement."""

    holder: str
    entitlement: str

    def __str__(self) -> str:
        return f"{self.holder} {self.entitlement}"


Item: TypeAlias = AccountItem | EntitlementItem | GrantItem
