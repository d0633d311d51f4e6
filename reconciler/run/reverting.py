"""The way back of an apply: the YAML that held before it, for what it changed and nothing else.

A plan comes from what the YAML says, so the way back does too: the commit whose YAML was applied before the run is
loaded, planned as it is now, and everything that the run did not touch is left out. Routes, guards and limits are those
of today.
"""

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from reconciler.audit.kinds import Kind
from reconciler.errors import ConfigurationError, InputError
from reconciler.forge.branch import Base, Clone, write_branch_name
from reconciler.load.cache import Cache
from reconciler.load.company import load_contents
from reconciler.plan.digest import digest_plan
from reconciler.plan.plan import AppPlan, Plan, Scope
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.render.request import request_body, title_of
from reconciler.run.drafting import Draft, compare
from reconciler.run.importing import Tree
from reconciler.run.proposing import Proposal
from reconciler.run.requesting import find_reviewers
from reconciler.run.session import CACHE, Session
from reconciler.state.contract import Adoption, JournalEntry, StateStore

MOST_COMMITS = 200
"""How far back the YAML of before is looked for."""

_DONE = frozenset({Outcome.VERIFIED, Outcome.DONE, Outcome.UNKNOWN})
_FOR_GOOD = {
    Operation.DELETE_ACCOUNT: "a deleted account does not come back; at most a new one is made",
    Operation.END_SESSIONS: "ended sessions stay ended",
    Operation.TRANSFER_FILES: "transferred files stay where they are",
    Operation.REMOVE_LICENSES: "licences that were removed with an account are not given back by this",
    Operation.CREATE_ENTITLEMENT: "what was made is never deleted",
}
_SAME = "git says the same before and after that run, or it is so already"


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a run did, and the company as the YAML had it before.

    Attributes:
        run: the id of the apply.
        entries: the changes that it made, or may have.
        session: the YAML of before, at this moment.
        commit: that it comes from.
        made: the commit whose YAML the run applied; empty where none is found.
        files: the YAML files that differ from `commit` today.
    """

    run: str
    entries: tuple[JournalEntry, ...]
    session: Session
    commit: str
    made: str
    files: tuple[str, ...]

    @property
    def scope(self) -> Scope:
        """Return the apps and the identities that the run touched."""
        changes = [entry.change for entry in self.entries if entry.change]
        holders = {change.holder for change in changes}
        people = all(holder and ":" not in holder and "@" not in holder for holder in holders)
        return Scope(
            apps=tuple(sorted({entry.app for entry in self.entries})),
            identities=tuple(sorted(holders)) if people else (),
        )

    def narrow(self, plan: Plan) -> Plan:
        """Return a plan without everything that the run did not touch, with a digest of its own."""
        touched = {(entry.app, entry.change.item) for entry in self.entries if entry.change}
        apps = tuple(replace(_narrowed(app, touched), adoption=Adoption(), cancellations=()) for app in plan.apps)
        narrowed = replace(plan, apps=apps, digest="")
        return replace(narrowed, digest=digest_plan(narrowed))

    def left_over(self, plan: Plan) -> Iterator[tuple[Change, str]]:
        """Yield each change of the run that the plan does not take back, and why not."""
        back = {(change.app, change.item) for change in plan.changes()}
        for entry in self.entries:
            change = entry.change
            if change and (change.operation in _FOR_GOOD or (entry.app, change.item) not in back):
                yield change, _FOR_GOOD.get(change.operation, _SAME)


def _narrowed(app: AppPlan, touched: Container[object]) -> AppPlan:
    return replace(
        app,
        changes=tuple(change for change in app.changes if (app.app, change.item) in touched),
        findings=tuple(finding for finding in app.findings if (app.app, finding.item) in touched),
    )


def find_way_back(session: Session, state: StateStore, clone: Clone, run: str) -> WayBack:
    """Return the way back of a run.

    Raises:
        ConfigurationError: there is no such run, it did nothing, or the YAML of before cannot be found.
    """
    entries = tuple(entry for entry in state.journal(run=run, last=1_000_000) if entry.outcome in _DONE)
    if not entries:
        raise ConfigurationError(f"run {run!r} is unknown here, or did nothing", hint=_recent(state))
    tree, earlier = _trees(state, run)
    made, commit, before = _find_commits(session, clone, tree, earlier)
    company = session.company
    apps = {name: app for name, app in company.apps.items() if name in before.company.apps}
    old = replace(before.company, settings=company.settings, policies=company.policies, apps=apps)
    files = _differing(clone, commit)
    return WayBack(run, entries, Session(old, session.warnings, session.moment), commit, made, files)


def _recent(state: StateStore) -> str:
    runs = [one.id for one in state.runs(last=5)]
    return f"the latest are: {', '.join(reversed(runs))}" if runs else "nothing was applied with this state yet"


def _trees(state: StateStore, run: str) -> tuple[str, str]:
    """Return the digest of the YAML that a run applied, and of what was applied last before it and was another one."""
    trees: list[str] = []
    for entry in state.audit():
        if entry.kind == Kind.STARTED:
            tree = str(entry.body.get("tree", ""))
            if entry.body.get("run") == run:
                earlier = [one for one in trees if one != tree]
                if earlier:
                    return tree, earlier[-1]
                raise ConfigurationError(
                    f"before run {run}, no other YAML was ever applied: git cannot tell how it was",
                    hint="change the YAML by hand, and plan",
                )
            trees.append(tree)
    raise ConfigurationError(f"the audit trail does not know run {run}", hint="was the state lost since?")


def _find_commits(session: Session, clone: Clone, tree: str, earlier: str) -> tuple[str, str, Session]:
    """Return the newest commits whose YAML has these digests, the first perhaps empty, and what the second one says."""
    root = session.settings.root
    cache = Cache(root / CACHE)
    made = ""
    for commit in islice(clone.history(), MOST_COMMITS):
        try:
            loaded = load_contents(root, clone.files(commit), moment=session.moment, cache=cache)
        except InputError:
            continue
        if loaded.company.digest == tree:
            made = made or commit
        elif loaded.company.digest == earlier:
            return made, commit, Session(loaded.company, loaded.warnings, session.moment)
    raise ConfigurationError(
        f"none of the last {MOST_COMMITS} commits holds the YAML that was applied before that run",
        hint="check out the whole history (git fetch --unshallow), or change the YAML by hand, and plan",
    )


def draft_back(root: Path, clone: Clone, start: Base, back: WayBack, moment: datetime) -> Draft:
    """Return the YAML without what came with the commits that a run applied; what came since stays.

    Args:
        root: the folder of `reconciler.yaml`.
        clone: the repository.
        start: what the draft is made on.
        back: the way back.
        moment: what is due is judged by it.

    Raises:
        ConfigurationError: what was changed since stands in the way, or no commit holds what was applied.
        InputError: the YAML would have errors.
    """
    if not back.made:
        raise ConfigurationError("no commit holds the YAML that the run applied", hint="change the YAML by hand")
    now, made, then = (dict(_yaml(clone.files(commit))) for commit in (start.commit, back.made, back.commit))
    changes: dict[str, bytes] = {}
    against = []
    for path in sorted({*made, *then}):
        sides = [files.get(path, b"") for files in (now, made, then)]
        if sides[1] == sides[2] or sides[0] == sides[2]:
            continue
        merged = sides[2] if sides[0] == sides[1] else clone.merge(*sides)
        if merged is None:
            against.append(path)
        elif merged != sides[0]:
            changes[path] = merged
    if against:
        raise ConfigurationError(
            f"{', '.join(against)}: changed since in the same lines", hint="take it back by hand, in a pull request"
        )
    contents = dict(clone.files(start.commit))
    before = Tree(root, contents, dict(contents), moment).load()
    after = Tree(root, contents, {**contents, **changes}, moment).load()
    return compare(before, after, contents, changes, sorted({entry.app for entry in back.entries}))


def _yaml(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the files that may be YAML of the company; nothing hidden, no workflow."""
    for path in files:
        if path.endswith((".yaml", ".yml")) and not any(part.startswith(".") for part in path.split("/")):
            yield path, files[path]


def propose_back(back: WayBack, drafted: Draft) -> Proposal:
    """Return the pull request that makes git agree with the way back of a run."""
    apps = sorted({effect.app for effect in drafted.effects})
    logins, silent = find_reviewers(drafted.after, apps, "")
    words = f"Take back run {back.run}"
    notes = ["It is done in the apps already. Until this is merged, the next apply would do it all again."]
    notes += [f"To be asked for review, but without a username here: {', '.join(silent)}."] if silent else []
    return Proposal(
        branch=write_branch_name("revert", back.run, hashlib.sha256(back.run.encode()).hexdigest()),
        title=title_of(words),
        body=request_body(words, "", drafted.effects, notes=notes),
        message=f"{words}\n",
        changes=drafted.changes,
        reviewers=logins,
    )


def _differing(clone: Clone, commit: str) -> tuple[str, ...]:
    """Return the YAML files that are not as a commit has them, by name."""
    now: Mapping[str, bytes] = clone.files("HEAD")
    then = clone.files(commit)
    names: Sequence[str] = sorted({*now, *then})
    return tuple(name for name in names if now.get(name) != then.get(name))
