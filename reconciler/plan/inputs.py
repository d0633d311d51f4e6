"""Everything that planning one app needs, gathered by whoever did the reading: no I/O and no clock from here on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.items import Item
from reconciler.model.policies import Policies
from reconciler.plan.plan import Scope
from reconciler.provider.contract import Capabilities, Ticket
from reconciler.provider.snapshot import LiveAccount, Snapshot
from reconciler.resolve.declared import DeclaredAccount, DeclaredApp, Reason
from reconciler.state.contract import Applied

TICKET = "ticket"
"""The name of the way whose operations are done by a person: always the last, and no proof that a name exists."""


@dataclass(frozen=True, slots=True)
class WayRead:
    """What one way of the route said.

    Attributes:
        name, version: of the provider.
        snapshot: None where the way was not asked, or could not answer (`error`).
    """

    name: str
    version: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    snapshot: Snapshot | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class IdentityKeys:
    """What an identity's account in one app can be found by, whether or not anything is declared for it there.

    Attributes:
        id: the identity.
        email: the work address, or empty.
        username: what `usernames: {APP: …}` says, or empty.
    """

    id: str
    email: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a state is not to be believed (`why`, a few words, and `detail`), and how a person ends that (`hint`)."""

    why: str
    hint: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AppInputs:
    """The three sides of one app, and what they are compared under.

    Attributes:
        declared: what the YAML says at the moment.
        account: renders one declared account; asked only for the accounts that are looked at closely.
        reasons: the chains that end in an item; asked only for items that change.
        identities: every identity of the company, silent ones and leavers too.
        applied: what is recorded, its grants numbered by `declared.names`.
        ways: in the order of the route.
        tickets: (the way's name, the newest ticket of an operation) each.
        reread: remote id → the account, of pinned leavers that were read singly because the list was not to be had;
            None for one that does not exist.
        policies: of the base and of the head; the stricter counts.
        asked: the id of the person whom tickets go to; empty for the owner. `stand_in` says why it is somebody else.
        lost: why the state is not to be believed about this app, and what to do; None if it is.
        config_digest: SHA-256 (hex) over how the app is reached and managed, without secrets.
        error: why no way could be opened at all, or empty.
    """

    declared: DeclaredApp
    account: Callable[[str], DeclaredAccount]
    reasons: Callable[[Item], tuple[Reason, ...]]
    moment: datetime
    identities: Sequence[IdentityKeys] = ()
    applied: Applied = field(default_factory=Applied)
    ways: Sequence[WayRead] = ()
    tickets: Sequence[tuple[str, Ticket]] = ()
    reread: Mapping[str, LiveAccount | None] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    policies: Sequence[Policies] = (Policies(),)
    asked: str = ""
    stand_in: str = ""
    lost: Loss | None = None
    config_digest: str = ""
    seconds: float = 0.0
    error: str = ""

    @property
    def app(self) -> str:
        """Return the app's name."""
        return self.declared.app.name
