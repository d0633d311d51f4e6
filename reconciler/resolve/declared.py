"""What is declared at a moment, one app at a time.

Silent is what is not in here. A present grant is one int in `grants`; everything about *why* is worked out from the
bundles when somebody asks, by the same walk that made the grants, so that an explanation cannot disagree with a plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from heapq import merge

from reconciler.items import GrantLevels, Item, Names, Value
from reconciler.model.access import Recipients, WantedList
from reconciler.model.apps import App, EntitlementRules
from reconciler.problems import NOWHERE, Place

_WIDE = 32
"""From how many holders on a bundle is asked instead of indexed."""


class Presence(StrEnum):
    """What the YAML says about an item; where it says nothing, the item is *silent*, which is the absence of these."""

    PRESENT = "present"
    SUSPENDED = "suspended"
    ABSENT = "absent"


class AbsentBecause(StrEnum):
    """Why an item is declared absent or suspended."""

    LEAVER = "leaver"
    EXPIRED = "expired"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Reason:
    """One chain that ends in an item: `role engineer, because group engineering`, and where each link is written."""

    text: str
    places: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        """The first place of the chain, or nowhere."""
        return self.places[0] if self.places else NOWHERE


@dataclass(frozen=True, slots=True)
class Bundle:
    """One block of the YAML in one app: these holders get these entitlements.

    Attributes:
        source: how the block is called in reasons: `role engineer`, `grant`.
        holders: numbers from `Names.holder`.
        wanted: what the block asks for, with lines.
        entitlements: numbers from `Names.entitlement`, one for each element of `wanted`.
        absent: None where the holders get it; otherwise why this block declares it absent for them.
        note: the reason that was written with the block; may be empty.
        to: whom the block is written for; how a holder came to be one of them is worked out only when somebody asks.
        until: when it expired or will, or None.
    """

    source: str
    place: Place
    holders: frozenset[int]
    wanted: WantedList
    entitlements: tuple[int, ...]
    absent: AbsentBecause | None = None
    note: str = ""
    to: Recipients = field(default_factory=Recipients)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeclaredAccount:
    """An identity's account in one app, rendered: made on demand, for the accounts that are looked at closely.

    Attributes:
        presence: as in `DeclaredApp.accounts`; ABSENT also for an account that nothing declares (silent).
        username: the declared username, or empty where the app decides.
        external_id: the identity's id; given to apps that keep one.
        attributes: the app's attributes that are kept equal, rendered.
        initial: what a new account starts with and what is never compared: `username` (a proposal) and, as far as they
            are known, `name`, `given_name`, `family_name`, `email`, `title`, `department`, `manager` (an id).
    """

    identity: str
    presence: Presence
    username: str = ""
    email: str = ""
    external_id: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    initial: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaver:
    """A person past the last day, or past the moment of leaving (`left`)."""

    identity: str
    last_day: date
    manager: str = ""
    place: Place = NOWHERE
    left: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """One item that two blocks want at different levels, in a kind whose levels have no known order.

    The item is in `DeclaredApp.grants` all the same (it is present; only its level is undecided), at the first of
    `levels`. It must be left as it is until somebody decides.
    """

    item: Item
    levels: tuple[str | None, ...]
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class DeclaredApp:
    """What is declared in one app at one moment.

    Attributes:
        names: gives out the numbers used here; the planner goes on with the same one for the other sides.
        accounts: identity id → presence (PRESENT, or SUSPENDED for leavers). Every leaver of the company is in here,
            whether or not an account was ever declared.
        leavers: identity id → leaver. Every grant that a leaver still holds is declared absent.
        entitlements: key → rules, of those that the app's YAML names.
        grants: packed grant → level number, of those that are present.
        absent: packed grant → why, of those declared absent and by no other block present. Never a leaver's.
        levels: kind → levels from the weakest to the strongest, as far as they are known.
        bundles: what all of this was made from.
        clashes: items whose level cannot be decided.
        absent_accounts: identity id → why, of accounts that were declared as such (an empty list, `accounts.to`) and
            are no longer: expired or excluded. An account that only went with grants is silent once they are gone.
    """

    app: App
    names: Names
    accounts: Mapping[str, Presence]
    leavers: Mapping[str, Leaver]
    entitlements: Mapping[str, EntitlementRules]
    grants: GrantLevels
    absent: Mapping[int, AbsentBecause]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bundles: Sequence[Bundle] = ()
    clashes: Sequence[Clash] = ()
    absent_accounts: Mapping[str, AbsentBecause] = field(default_factory=dict)
    _narrow: dict[int, list[int]] | None = field(default=None, init=False, repr=False, compare=False)
    _wide: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def bundles_of(self, holder: int) -> Iterator[Bundle]:
        """Yield the bundles that name a holder, in order.

        Bundles of few holders are found by an index that the first call makes; the few wide ones are asked in turn.
        """
        if self._narrow is None:
            self._narrow = self._index()
        for number in merge(self._narrow.get(holder, ()), self._wide):
            if holder in self.bundles[number].holders:
                yield self.bundles[number]

    def _index(self) -> dict[int, list[int]]:
        narrow: dict[int, list[int]] = {}
        self._wide = []
        for number, bundle in enumerate(self.bundles):
            if len(bundle.holders) > _WIDE:
                self._wide.append(number)
                continue
            for holder in bundle.holders:
                narrow.setdefault(holder, []).append(number)
        return narrow


def iter_bundles(declared: DeclaredApp, holder: int) -> Iterator[Bundle]:
    """Yield the bundles that name a holder, in order."""
    return declared.bundles_of(holder)
