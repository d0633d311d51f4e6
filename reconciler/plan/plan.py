"""What a plan is: changes, findings that need no operation, the guards' verdicts, and a digest over all that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.items import Item
from reconciler.problems import NOWHERE, Place
from reconciler.provider.change import Change, Operation, Why
from reconciler.provider.pace import Speed
from reconciler.provider.snapshot import Completeness
from reconciler.state.contract import Adoption


class Fact(StrEnum):
    """What a finding says."""

    ADOPTED = "adopted"
    RENAMED = "renamed"
    UNMANAGED = "unmanaged"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    HELD = "held"
    ALREADY = "already true"
    PENDING = "pending"
    UNREAD = "unread"
    OBSERVED = "observed"
    WAITING = "waiting"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reader must see and that the plan does not change.

    Attributes:
        fact: ADOPTED only for privileged items (the others are counted in `AppPlan.adoption`); PENDING for an open
            ticket; WAITING for a deletion whose grace is not over; OBSERVED for what would be changed if the app were
            not only observed; HELD for what a merge was refused, and nobody reviewed since; ALREADY for what a pull
            request asks for and the app has; CONFLICT and BLOCKED for what stands in the way of one item; UNREAD for
            what relies on something that could not be read.
        item: what it is about, or None for a whole collection or app.
        text: what is the case and, where something is to be done, what.
        refuses: whether it makes the run exit as refused (an item that should change and may not).
        fails_drift: whether the drift check fails because of it (a privileged unmanaged grant).
        name: what the app calls the holder, where that is an account of no identity; for readers only.
    """

    fact: Fact
    item: Item | None
    text: str
    place: Place = NOWHERE
    why: tuple[Why, ...] = ()
    privileged: bool = False
    refuses: bool = False
    fails_drift: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one guard says of a plan.

    Attributes:
        guard: its name: `leavers`, `removals_per_app`, `empty_declared`, `minimum_admins`, `protected`, …
        app: the app that it judged, or empty for the whole plan.
        refused: whether nothing that it guards may be applied: of the app, or of all apps where `app` is empty.
        text: counts and limits as a reader wants them: `1 of 5 removals`.
        overridable: whether an override of this plan's digest, with a reason, lifts it.
        holders: who is kept by it in the app even if they have left; others who have left go all the same.
    """

    guard: str
    app: str
    refused: bool
    text: str
    overridable: bool = True
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items each side has, for headlines."""

    declared_accounts: int = 0
    declared_grants: int = 0
    live_accounts: int = 0
    live_grants: int = 0
    applied_accounts: int = 0
    applied_grants: int = 0
    unmanaged_accounts: int = 0
    unmanaged_grants: int = 0


@dataclass(frozen=True, slots=True)
class TicketCancellation:
    """An open ticket whose operation is no longer wanted."""

    way: str
    change_id: str
    key: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class AppPlan:
    """The part of a plan that is about one app.

    Attributes:
        ways: the route: `name version` of each provider.
        owner: the id of the person whom tickets and questions go to.
        config_digest: SHA-256 (hex) over the app's configuration, without secrets.
        changes: in the order in which they would be applied.
        adoption: what is taken on without any operation, once the plan is applied.
        collections: completeness of what was read, by collection.
        error: why the app could not be read at all, or empty.
        prices: entitlement key → its price as written (`12.50 EUR/month`), of those that the changes are about.
        speeds: way → how fast it can be, of those that do a change.
    """

    app: str
    ways: tuple[str, ...] = ()
    config_digest: str = ""
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    adoption: Adoption = field(default_factory=Adoption)
    cancellations: tuple[TicketCancellation, ...] = ()
    collections: Mapping[str, Completeness] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    requests: int = 0
    seconds: float = 0.0
    as_of: datetime | None = None
    error: str = ""
    owner: str = ""
    prices: Mapping[str, str] = field(default_factory=dict)
    speeds: Mapping[str, Speed] = field(default_factory=dict)

    @property
    def attested(self) -> tuple[str, ...]:
        """The collections that only closed tickets tell of: claimed by somebody, never seen."""
        return tuple(sorted(name for name, part in self.collections.items() if part.attested))

    @property
    def complete(self) -> bool:
        """Whether everything that the app's ways can read was read whole."""
        return not self.error and all(part.complete and not part.unread for part in self.collections.values())


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan was limited to; empty means everything.

    Attributes:
        due: only what merged dates have made due, and what was merged but is not yet applied.
        reactivate: identities whose suspended accounts may be reactivated.
        trust_reads: apps whose suddenly smaller live side is believed.
        baselines: apps whose state was lost, and in which what is there is taken for a new beginning.
    """

    apps: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    due: bool = False
    reactivate: tuple[str, ...] = ()
    trust_reads: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a plan of a pull request leaves out, because its base says the same.

    The plan's own changes and findings are then those of the pull request alone: only they are in the digest, and only
    they are applied.

    Attributes:
        base: the commit (hex) that the pull request starts from; empty for a first commit.
        head: the commit (hex) that is compared, or empty for the working tree.
        edits: SHA-256 (hex) over the lines that the pull request adds to the YAML and takes from it, file by file: the
            same after a squash, a rebase, or a merge of somebody else's lines.
        rerouted: (app, SHA-256 of the new configuration) of the apps whose route the base does not know: none of their
            changes is in the plan.
        before: by app, the changes and findings that the base asks for as well: drift and what is not yet applied.
        dropped: by app, the changes that the base asks for and the head does not want any more.
    """

    base: str
    head: str = ""
    edits: str = ""
    rerouted: tuple[tuple[str, str], ...] = ()
    before: tuple[AppPlan, ...] = ()
    dropped: tuple[AppPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a line of YAML comes from.

    Attributes:
        commit: hex; of a line that is gone, the commit that removed it.
        author: as git has it, which anyone can write: never proof of an approval.
        pull_request: its number where the forge or the merge commit tells it, or empty.
    """

    commit: str
    author: str
    at: datetime
    pull_request: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered changes of a company, what each is caused by, the guards' verdicts, and the digest.

    Attributes:
        moment: the instant it was made for; `future` if that was asked for with `--at`, and then it cannot be applied.
        tree_digest: SHA-256 over the YAML.
        warnings: problems of the YAML that do not stop a plan, as texts with their places.
        digest: SHA-256 over what would be done and what that relies on; see `plan.digest`.
        comparison: with what base the plan of a pull request was compared, or None.
        provenance: (place of YAML, as in `why`; the commit that it comes from), as far as that was looked up.
    """

    tool: str
    moment: datetime
    tree_digest: str
    apps: tuple[AppPlan, ...]
    verdicts: tuple[Verdict, ...] = ()
    scope: Scope = field(default_factory=Scope)
    future: bool = False
    warnings: tuple[str, ...] = ()
    digest: str = ""
    comparison: Comparison | None = None
    provenance: tuple[tuple[Place, Provenance], ...] = ()

    def changes(self) -> Iterator[Change]:
        """Yield every change of every app, blocked ones too."""
        for app in self.apps:
            yield from app.changes

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Yield (app, finding) of every app."""
        for app in self.apps:
            for finding in app.findings:
                yield app.app, finding

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do: no change that could be attempted, and no ticket to cancel."""
        return not any(not change.blocked for change in self.changes()) and not any(a.cancellations for a in self.apps)

    @property
    def complete(self) -> bool:
        """Whether every app was read whole."""
        return all(app.complete for app in self.apps)

    @property
    def refused(self) -> bool:
        """Whether a guard, a policy or a conflict refuses any part of it."""
        return (
            any(verdict.refused for verdict in self.verdicts)
            or any(change.blocked for change in self.changes())
            or any(finding.refuses for _, finding in self.findings())
        )

    def count(self, *operations: Operation) -> int:
        """Count the changes of these operations that are not blocked."""
        return sum(1 for change in self.changes() if change.operation in operations and not change.blocked)
