"""What a scheduled run proposes: that expired access leaves the YAML, and that drift which is not privileged enters it.

One pull request for all that has expired, one for each app with drift; each is found by its branch, kept up to date,
and closed when nothing is left of it. One that somebody closed is proposed again only when it says something else.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.errors import ReconcilerError
from reconciler.forge.branch import Base, Clone, write_branch_name
from reconciler.forge.github import GitHub
from reconciler.model.company import Settings
from reconciler.plan.plan import AppPlan, Fact, Plan
from reconciler.provider.change import Cause
from reconciler.render.escape import shorten, visible
from reconciler.render.request import request_body, title_of
from reconciler.run.accepting import Accepted, accept_drift
from reconciler.run.drafting import Draft, draft
from reconciler.run.proposing import Proposal, propose
from reconciler.run.reading import ReadProgress
from reconciler.run.requesting import Expired, find_reviewers, make_proposal

_FOLDER: Final = "request"
_ACCEPT: Final = "Accept drift in"
_NOTED: Final = 20
_ABOUT: Final = (
    "Somebody did this in the app, outside git. Merging this keeps it; to undo it, take it back in the app. Whoever "
    "gains something here should not be the one who approves it."
)
_GONE: Final = "Nothing is left of this: the YAML and the app agree, or what was proposed is not so any more."


@dataclass(frozen=True, slots=True)
class Offers:
    """What a scheduled run may propose: the removal of `expired` access, the acceptance of `drift`."""

    expired: bool = False
    drift: bool = False


NOTHING: Final = Offers()


@dataclass(frozen=True, slots=True)
class Offered:
    """What it came to.

    Attributes:
        lines: what was proposed, changed or closed, a line each, plain text.
        withheld: app → live access that is never proposed, as (`ana/group:admins`, why).
        problems: what could not be proposed, and why.
    """

    lines: tuple[str, ...] = ()
    withheld: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass
class Desk:
    """Where proposals are made.

    Attributes:
        root: the folder of `reconciler.yaml`.
        forge: opens the forge.
        branch: the default branch.
    """

    root: Path
    forge: Callable[[], GitHub]
    branch: str
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    withheld: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def offer(self, offers: Offers, drift: Plan, progress: ReadProgress | None = None) -> Offered:
        """Make every proposal that is asked for be as it should be; what fails is told, and stops no other."""
        with closing(Clone(self.root)) as clone:
            start = clone.base(self.branch)
            contents = dict(clone.files(start.commit))
            if offers.expired:
                self._try("what has expired", lambda: self._offer_expired(clone, start, contents))
            if offers.drift:
                known = {name for app in drift.apps if (name := self._offer_app(clone, start, contents, app, progress))}
                self._try("old proposals", lambda: self._close_others(clone, start, known))
        return Offered(tuple(self.lines), self.withheld, tuple(self.problems))

    def _try(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except ReconcilerError as error:
            self.problems.append(f"{what}: {visible(error.message)}")

    def _offer_expired(self, clone: Clone, start: Base, contents: Mapping[str, bytes]) -> None:
        wish = Expired()
        drafted = draft(self.root, contents, self.moment, wish.edit)
        wish.check(drafted)
        if drafted.changes:
            self._propose(clone, start, make_proposal(wish, drafted, "")[0])
        else:
            self._close(clone, start, write_branch_name(_FOLDER, wish.words, wish.digest))

    def _offer_app(
        self, clone: Clone, start: Base, contents: Mapping[str, bytes], app: AppPlan, progress: ReadProgress | None
    ) -> str:
        """Propose to accept what an app has; return the branch that must not be closed, empty if it may be."""
        branch = branch_of(app.app)
        if not app.complete:
            return branch  # what could not be read may still be there
        if not _may_be_accepted(app):
            return ""
        kept = [branch]

        def work() -> None:
            accepted = accept_drift(self.root, contents, app.app, self.moment, progress)
            self.withheld[app.app] = accepted.withheld
            if accepted.draft:
                self._propose(clone, start, make_acceptance(app.app, accepted, accepted.draft))
            elif not accepted.unread:
                kept.clear()

        self._try(app.app, work)
        return branch if kept else ""

    def _propose(self, clone: Clone, start: Base, proposal: Proposal) -> None:
        if asyncio.run(self._was_declined(clone, start, proposal)):
            self.lines.append(f"closed by somebody, and still the same: {proposal.title}")
            return
        done = propose(Settings(self.root), clone, start, proposal)
        self.lines.append(f"{'proposed before' if done.found else 'proposed'}: {proposal.title} {done.address}")

    async def _was_declined(self, clone: Clone, start: Base, proposal: Proposal) -> bool:
        """Say whether somebody closed this very proposal; where we close one, its branch goes, too."""
        async with self.forge() as forge:
            pulls = [
                one for one in await forge.pulls.find(head=proposal.branch, state="all") if one.base == start.branch
            ]
        if not pulls or pulls[0].open or pulls[0].merged or not clone.newest(proposal.branch):
            return False
        return clone.holds(proposal.branch, proposal.changes, start.commit)

    def _close_others(self, clone: Clone, start: Base, known: set[str]) -> None:
        prefix = f"{write_branch_name(_FOLDER, _ACCEPT, '')}-"
        pulls = asyncio.run(self._list(start))
        for branch in sorted({branch for branch in pulls if branch.startswith(prefix)} - known):
            self._close(clone, start, branch)

    async def _list(self, start: Base) -> list[str]:
        async with self.forge() as forge:
            pulls = await forge.pulls.find()
            return [one.head for one in pulls if one.base == start.branch and one.head_repository == forge.repository]

    def _close(self, clone: Clone, start: Base, branch: str) -> None:
        for title in asyncio.run(self._close_pulls(start, branch)):
            clone.remove(branch)
            self.lines.append(f"closed: {visible(title)}")

    async def _close_pulls(self, start: Base, branch: str) -> list[str]:
        async with self.forge() as forge:
            pulls = [one for one in await forge.pulls.find(head=branch) if one.base == start.branch]
            for pull in pulls:
                await forge.issues.comment(pull.number, _GONE)
                await forge.pulls.close(pull.number)
            return [pull.title for pull in pulls]


def _may_be_accepted(app: AppPlan) -> bool:
    """Say whether an app has anything that YAML could say: lost or added access; values and levels are no grants."""
    lost = any(change.cause is Cause.LOST for change in app.changes)
    return lost or any(finding.fact is Fact.UNMANAGED for finding in app.findings)


def branch_of(app: str) -> str:
    """Return the branch in which the drift of an app is proposed; apps may be called whatever they like."""
    return write_branch_name(_FOLDER, f"{_ACCEPT} {app}", hashlib.sha256(app.encode()).hexdigest())


def make_acceptance(app: str, accepted: Accepted, drafted: Draft) -> Proposal:
    """Return the pull request that accepts what an app has."""
    title = title_of(f"{_ACCEPT} {app}")
    logins, silent = find_reviewers(drafted.after, [app], "")
    body = request_body(title, "", drafted.effects, notes=_notes(accepted, silent))
    return Proposal(branch_of(app), title, body, f"{title}\n", drafted.changes, logins, refresh=True)


def _notes(accepted: Accepted, silent: tuple[str, ...]) -> list[str]:
    notes = [_ABOUT]
    for what, listed in (
        ("Never proposed, since it is or seems privileged, or is protected", accepted.withheld),
        ("To be changed by hand", accepted.by_hand),
    ):
        if listed:
            told = "; ".join(f"{visible(item)}: {shorten(visible(why), 200)}" for item, why in listed[:_NOTED])
            more = f"; and {len(listed) - _NOTED:,} more" if len(listed) > _NOTED else ""
            notes.append(f"{what}: {told}{more}.")
    if silent:
        notes.append(f"To be asked for review, but without a username here: {', '.join(silent)}.")
    return notes
