"""How a merge was judged is recorded under the lock of its apply, before anything of it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.errors import ConfigurationError, RefusedError
from reconciler.load.repository import Repository
from reconciler.plan.plan import Plan
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.merges import Merge, begin_judging, record_merge

UNTOLD = "its run ended before it could say whether it was reviewed"


@dataclass(frozen=True, slots=True)
class Merging:
    """One push to the default branch, about to be judged.

    Attributes:
        base: the commit before it; empty for none.
        commit: the commit that it made.
        name: how people call it: `#12`.
        judge: says why a fresh plan of it may not be applied; empty if it may.
    """

    base: str
    commit: str
    name: str
    judge: Callable[[Plan], str]

    def begin(self, session: Session, state: StateStore) -> None:
        """Hold whatever was pushed since the newest merge that was judged, and was never judged itself.

        Raises:
            RefusedError: a newer push was judged already: this one would bring back what that one changed.
        """
        judged = begin_judging(state, self.base)
        if judged.newest in {"", self.base, self.commit}:
            return
        if _follows(session, judged.newest, self.commit):
            raise RefusedError(
                f"{self.commit[:12]} is not applied: a newer push ({judged.newest[:12]}) was judged already",
                hint="this is an old run that was started again; what is not done yet, the scheduled run does",
            )
        gap = self.base[:12] or self.commit[:12]
        record_merge(state, Merge(judged.newest, self.base, gap, UNTOLD))

    def end(self, state: StateStore, plan: Plan) -> None:
        """Record the verdict: from now on what was refused is held, and what was reviewed may be tried again."""
        record_merge(state, Merge(self.base, self.commit, self.name, self.judge(plan)))


def _follows(session: Session, later: str, earlier: str) -> bool:
    """Say whether a commit has another one in its history."""
    repository = Repository(session.settings.root)
    try:
        found = repository.resolve(later)
        if repository.shallow:
            raise ConfigurationError(
                f"this clone is shallow: whether {later[:12]} follows {earlier[:12]} cannot be seen",
                hint="check out the whole history (fetch-depth: 0)",
            )
        return not repository.ask("merge-base", "--is-ancestor", earlier, found)[0]
    finally:
        repository.close()


def refused_by_guards(plan: Plan) -> Sequence[str]:
    """Return what guards and policies refuse of a plan: a later run must not do it because they were loosened."""
    found = [f"{verdict.guard}: {verdict.text}" for verdict in plan.verdicts if verdict.refused]
    return list(dict.fromkeys([*found, *(change.blocked for change in plan.changes() if change.blocked)]))
