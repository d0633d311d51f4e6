"""What is declared at a moment, one app at a time.

Silent is what is not in here. A present grant is one int in `grants`; everything about *why* is worked out from the
bundles when somebody asks, by the same walk that made the grants, so that an explanation cannot disagree with a plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from reconciler.items import GrantLevels, Item, Names, Value
from reconciler.model.access import WantedList
from reconciler.model.apps import App, EntitlementRules
from reconciler.problems import NOWHERE, Place


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
        because: holder → how it came to be one of the recipients (`group engineering`); asked only for explanations.
    """

    source: str
    place: Place
    holders: frozenset[int]
    wanted: WantedList
    entitlements: tuple[int, ...]
    absent: AbsentBecause | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredAccount:
    """An identity's account in one app, rendered: made on demand, for the accounts that are looked at closely.

    Attributes:
        username: the declared username, or empty where the app decides.
        external_id: the identity's id; given to apps that keep one.
        attributes: the app's attributes that are kept equal, rendered.
        initial: what a new account starts with and what is never compared: `name`, `given_name`, `family_name`, `email`,
            `title`, `department`, `manager` (the manager's identity id), `username` (a proposal).
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
    """A person past the last day."""

    identity: str
    last_day: date
    manager: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Clash:
    """One item that two blocks want at different levels, in a kind whose levels have no known order."""

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
        absent: packed grant → why, of those declared absent and by no other block present.
        levels: kind → levels from the weakest to the strongest, as far as the YAML says.
        clashes: items whose level cannot be decided.
    """

    app: App
    names: Names
    accounts: Mapping[str, Presence]
    leavers: Mapping[str, Leaver]
    entitlements: Mapping[str, EntitlementRules]
    grants: GrantLevels
    absent: Mapping[int, AbsentBecause]
    bundles: Sequence[Bundle] = ()
    clashes: Sequence[Clash] = ()


def iter_bundles(declared: DeclaredApp, holder: int) -> Iterator[Bundle]:
    """Yield the bundles that name a holder, in the order of the files."""
    return (bundle for bundle in declared.bundles if holder in bundle.holders)
