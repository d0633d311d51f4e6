"""What nobody reviewed is not done by a run that nobody watches: what a merge was refused, and what was never judged.

A merge that was refused, or whose run ended before it could say anything, is a step between two commits. What such a
step changes is worked out anew in each run, from the two declarations and today's live side: so it does not matter when
its dates fall due, and nothing is lost between the decision and its record. The scheduled run therefore does what the
commits that were reviewed ask for, and no more. Where no merge was ever judged (a company that plans by hand, or by
cron alone) there is nothing to compare with, and everything counts as reviewed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.errors import ConfigurationError
from reconciler.load.cache import Cache
from reconciler.load.repository import Repository, is_in_git
from reconciler.load.revision import read_revision
from reconciler.model.company import Company
from reconciler.model.policies import Policies
from reconciler.plan.app import plan_again
from reconciler.plan.basis import JudgedApp
from reconciler.plan.held import Brought, Held, tell_apart, withhold, withhold_all
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.plan.sides import Sides, declare_otherwise
from reconciler.problems import Severity
from reconciler.resolve.company import resolve_company
from reconciler.resolve.differing import Differing, differ, is_edited
from reconciler.resolve.resolved import Resolved
from reconciler.run.comparing import can_differ
from reconciler.run.gathering import Keys, redeclare
from reconciler.run.session import Session
from reconciler.run.ways import routes_alike
from reconciler.state.contract import StateStore
from reconciler.state.merges import Judged, Merge, read_judged

HELD: Final = "held: "
"""How everything begins that is said of what is held."""

_UNJUDGED: Final = "it was pushed, and no run has judged it"
_SETTLE: Final = "review it anew in a pull request, or: reconciler state release '{name}' --reason TEXT"
_JUDGE: Final = "let the workflow that applies merges run for it"


@dataclass(frozen=True)
class _Step:
    """One merge, with the companies on both its sides at this moment."""

    merge: Merge
    before: Resolved
    after: Resolved
    differing: Differing
    keys: tuple[Keys, Keys]

    @property
    def why(self) -> str:
        """Say why what it brought is held, and what ends that."""
        name = self.merge.name
        if self.merge.refused == _UNJUDGED:
            return f"{HELD}{name}: {_UNJUDGED}; {_JUDGE}"
        return f"{HELD}refused at merge of {name}: {self.merge.refused}; {_SETTLE.format(name=name)}"


class Withholder:
    """Takes out of plans what nobody reviewed.

    Args:
        session: as the YAML says it now.
        state: which knows the merges that were judged.
        due: whether the plan is of a run that nobody watches: then what was never judged is held as well.

    Attributes:
        session: the same; an app whose route nobody reviewed is asked by the one that somebody did.
        unasked: apps that were not there when somebody reviewed last: nothing is sent to them.
    """

    def __init__(self, session: Session, state: StateStore, *, due: bool) -> None:
        self.session = session
        self.unasked: dict[str, str] = {}
        self._steps: list[_Step] = []
        self._closed = ""
        judged = read_judged(state)
        if judged.refused or (due and judged.newest):
            self._load(judged, due=due)

    def _load(self, judged: Judged, *, due: bool) -> None:
        """Read what was declared before and after each merge; where that cannot be, only leavers go."""
        root = self.session.settings.root
        if not is_in_git(root):
            name = judged.refused[-1].name if judged.refused else judged.newest[:12]
            self._closed = f"{HELD}what was reviewed up to {name} cannot be looked up: {root} is in no git repository"
            return
        repository = Repository(root)
        try:
            self._steps = list(self._read(repository, judged, due=due))
        except ConfigurationError as error:
            self._closed = f"{HELD}what was reviewed cannot be looked up: {error.message}; {error.hint or 'try again'}"
        finally:
            repository.close()
        for step in self._steps:
            if step.merge.refused:
                self._distrust_routes(step)

    def _read(self, repository: Repository, judged: Judged, *, due: bool) -> Iterator[_Step]:
        known: dict[str, Resolved] = {}
        merges = judged.merges
        if due and judged.newest and judged.newest != repository.head:
            merges = (
                *merges,
                Merge(judged.newest, repository.head, repository.head[:12] or "this checkout", _UNJUDGED),
            )
        for merge in merges:
            both = [self._resolved(repository, commit, merge, known) for commit in (merge.base, merge.commit)]
            keys = Keys(both[0].company), Keys(both[1].company)
            yield _Step(merge, both[0], both[1], differ(both[0], both[1]), keys)

    def _resolved(self, repository: Repository, commit: str, merge: Merge, known: dict[str, Resolved]) -> Resolved:
        if commit not in known:
            found = repository.resolve(commit) if commit else ""
            read = read_revision(repository, found, moment=self.session.moment, cache=Cache(None), digests={})
            errors = [problem for problem in read.problems if problem.severity is Severity.ERROR]
            if errors:
                first = errors[0]
                raise ConfigurationError(
                    f"the YAML of {commit[:12]} has errors ({first.place}: {first.message})",
                    hint=_SETTLE.format(name=merge.name),
                )
            known[commit] = resolve_company(read.company, self.session.moment)
        return known[commit]

    def _distrust_routes(self, step: _Step) -> None:
        """Keep to the routes of before a merge that nobody reviewed: no secret goes where it would have it."""
        company, before, after = self.session.company, step.before.company, step.after.company
        apps = dict(company.apps)
        for name, app in company.apps.items():
            known = before.apps.get(name)
            brought = name in after.apps and not routes_alike(known, after.apps[name], before.settings)
            if not brought or routes_alike(known, app, before.settings):
                continue
            if known is None:
                self.unasked[name] = step.why
            else:
                apps[name] = replace(app, route=known.route)
        self.session = replace(self.session, company=replace(company, apps=apps))

    @property
    def policies(self) -> tuple[Policies, ...]:
        """Return the guards of before each refused merge: none is loosened by what nobody reviewed."""
        return tuple(step.before.company.policies for step in self._steps if step.merge.refused)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what is held, whether or not any of it would be done now."""
        if self._closed:
            return (self._closed,)
        return tuple(step.why for step in self._refused())

    def _since(self, step: _Step) -> frozenset[str]:
        """Return the people who are written otherwise now than a merge left them."""
        now, then = self.session.company, step.after.company
        return frozenset(name for name in now.people if name not in then.people or is_edited(then, now, name))

    def _refused(self) -> Sequence[_Step]:
        return [step for step in self._steps if step.merge.refused]

    def leave_unasked(self, app: str) -> AppPlan:
        """Return the plan of an app that nothing may be sent to."""
        return AppPlan(app, findings=(Finding(Fact.HELD, None, self.unasked[app]),))

    def withhold(self, plan: AppPlan, sides: Sides | None) -> AppPlan:
        """Return the plan of one app without what nobody reviewed.

        Args:
            plan: made of all that is declared now.
            sides: of the app; None where no way could be opened.
        """
        if sides is None or not isinstance(plan, JudgedApp):
            return plan
        if self._closed:
            return withhold_all(plan, self._closed)
        held = Held()
        for step in self._steps:
            brought = _bring(step, sides)
            if step.merge.refused:
                held.refuse(brought, step.why, self._since(step))
            else:
                held.settle(brought)
        return withhold(plan, held)


def _bring(step: _Step, sides: Sides) -> Brought:
    """Work out what a merge changes in an app, as it is now."""
    app = sides.inputs.app
    if app not in step.after.company.apps or not can_differ(step.differing, sides.inputs):
        return Brought()
    before = _plan(step.before, step.keys[0], sides) if app in step.before.company.apps else None
    return tell_apart(before, _plan(step.after, step.keys[1], sides))


def _plan(resolved: Resolved, keys: Keys, sides: Sides) -> AppPlan:
    head = sides.inputs
    return plan_again(declare_otherwise(sides, redeclare(head, resolved, keys.of(head.app))), None)


def counts_ever(before: Resolved, after: Resolved) -> bool:
    """Say whether two declarations can say different things about anybody's access, now or when a date has come."""
    found = differ(before, after)
    return bool(found.apps or found.identities or _rest(before.company) != _rest(after.company))


def _rest(company: Company) -> tuple[object, ...]:
    return company.groups, company.policies, frozenset(company.apps)
