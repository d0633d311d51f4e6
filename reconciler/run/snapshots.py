"""Plans of apps whose credentials all write (`plans: snapshot`): made of the last whole answer that an apply kept.

What protects it: only what applies can write the state; the digest of each snapshot is an entry of the audit trail,
whose head is known outside; and whatever a plan of it says, an apply asks the app anew and does only what was reviewed.
"""

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from reconciler.apply.edge import describe
from reconciler.apply.report import Report
from reconciler.audit.kinds import Kind
from reconciler.audit.trail import Trail
from reconciler.audit.witness import Witness
from reconciler.errors import StateError
from reconciler.model.apps import App, Plans
from reconciler.model.company import Settings
from reconciler.plan.sides import Sides
from reconciler.provider.change import Outcome
from reconciler.provider.snapshot import Snapshot
from reconciler.run.ways import route_of
from reconciler.state.contract import StateStore
from reconciler.state.snapshots import KeptRead, keep_read, load_read

_log = logging.getLogger(__name__)
MAX_AGE: Final = timedelta(days=3)
"""An older snapshot is no ground for a plan: the scheduled run keeps one every night."""

_HOUR: Final = 3600
_REFRESH: Final = "let the scheduled run, or an apply, read the app and keep a new one"


def digest_route(app: App, settings: Settings, versions: Sequence[str]) -> str:
    """Return a SHA-256 (hex) over how an app is reached, and by which versions; secrets are references."""
    ways = [(way.provider, way.config) for way in route_of(app, settings)]
    content = msgspec.json.encode([ways, list(versions)], order="deterministic", enc_hook=str)
    return hashlib.sha256(content).hexdigest()


def way_key(number: int, name: str) -> str:
    """Return what a way of a route is called in a snapshot; a route may name a provider twice."""
    return f"{number} {name}"


@dataclass(slots=True)
class Kept:
    """What plans may be made of.

    Attributes:
        reads: app → what was kept of it.
        refused: app → why nothing of it may be used.
        warnings: what a reader should know, an app each.
    """

    reads: dict[str, KeptRead] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def load_kept(state: StateStore, apps: Collection[App], *, doubted: bool, now: datetime) -> Kept:
    """Return the snapshots of the apps that are planned by them.

    Args:
        state: that holds the snapshots, and the trail that tells their digests.
        apps: those that are planned.
        doubted: whether the audit trail is in doubt, and so is every snapshot.
        now: the present instant.
    """
    kept = Kept()
    wanted = [app for app in apps if app.plans is Plans.SNAPSHOT]
    told = _told(state) if wanted else {}
    for app in wanted:
        try:
            read = load_read(state, app.name)
        except StateError as error:
            kept.refused[app.name] = f"{error.message}; {error.hint}"
            continue
        if why := _refuse(read, told.get(app.name, ""), doubted=doubted, now=now):
            kept.refused[app.name] = f"{why}; {_REFRESH}"
        elif read:
            kept.reads[app.name] = read
            kept.warnings.append(
                f"{app.name} is planned by its snapshot of {read.at:%Y-%m-%d %H:%M} UTC, {_age(now - read.at)} old: an "
                "apply reads it anew, and does nothing but what is shown here"
            )
    return kept


def _told(state: StateStore) -> Mapping[str, str]:
    """Return app → the digest of its newest snapshot, as the audit trail tells it."""
    return {
        str(entry.body.get("app", "")): str(entry.body.get("digest", ""))
        for entry in state.audit()
        if entry.kind == Kind.SNAPSHOT
    }


def _refuse(read: KeptRead | None, told: str, *, doubted: bool, now: datetime) -> str:
    if read is None:
        return "no snapshot was kept yet"
    if doubted:
        return "the audit trail is in doubt, and so is the snapshot"
    if read.digest != told:
        return "the snapshot is not the one that the audit trail tells of"
    if now - read.at > MAX_AGE:
        return f"the snapshot is {_age(now - read.at)} old, and at most {_age(MAX_AGE)} are allowed"
    return ""


def _age(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // _HOUR))
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"  # noqa: PLR2004 - two days


class Keeper:
    """Takes what the apps answered that are planned by snapshots, until it can be kept.

    Args:
        settings: say how tickets are sent by default.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reads: dict[str, KeptRead] = {}

    def see(self, sides: Sides) -> None:
        """Take the answer of one app, if every way of it answered."""
        app = sides.inputs.declared.app
        ways = sides.inputs.ways
        if app.plans is Plans.SNAPSHOT and not any(way.error for way in ways):
            route = digest_route(app, self._settings, [way.version for way in ways])
            found = {way_key(n, way.name): way.snapshot for n, way in enumerate(ways) if way.snapshot}
            self._reads[app.name] = KeptRead(_true_at(list(found.values())), route, found)

    def outdated(self, report: Report) -> tuple[str, ...]:
        """Return the apps in which an apply did something after they were read."""
        touched = {one.change.app for one in report.receipts if one.outcome is not Outcome.NOT_ATTEMPTED}
        return tuple(sorted(touched & self._reads.keys()))

    def drop(self, apps: Collection[str]) -> None:
        """Keep nothing of these apps."""
        for app in apps:
            self._reads.pop(app, None)

    def keep(self, state: StateStore, witness: Witness) -> None:
        """Keep what was taken, and tell its digests in the audit trail; what fails is told in the log."""
        trail, now = Trail(state), datetime.now(UTC)
        try:
            with trail.together():
                for app, read in sorted(self._reads.items()):
                    digest = keep_read(state, app, read)
                    body = {"app": app, "digest": digest, "detail": f"as of {read.at:%Y-%m-%d %H:%M} UTC"}
                    trail.append([(Kind.SNAPSHOT, body)], now)
        except StateError as error:
            _log.error("no snapshot is kept: %s", describe(error))
            return
        if self._reads:
            for problem in witness.anchor_head(state, now, "snapshot"):
                _log.error("%s", problem)


def _true_at(snapshots: Sequence[Snapshot]) -> datetime:
    return min((one.as_of for one in snapshots if one.as_of), default=datetime.now(UTC))
