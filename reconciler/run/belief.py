"""How far a state is believed: it is the one that was there, and its audit trail fits what is anchored outside."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.audit.anchor import open_anchor
from reconciler.audit.doubt import find_doubt
from reconciler.errors import StateError
from reconciler.plan.inputs import Loss
from reconciler.plan.plan import Scope
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.lineage import lost_apps

_ACCEPT = "see `reconciler audit verify`; put back the state as it was, or accept this one: reconciler audit accept"


@dataclass(frozen=True, slots=True)
class Belief:
    """How far a state is believed.

    Attributes:
        losses: app → why it is not believed about this app, and what to do.
        doubted: whether the audit trail itself is in doubt, so that nothing may confirm it from outside.
    """

    losses: Mapping[str, Loss]
    doubted: bool = False


def judge_state(session: Session, scope: Scope, state: StateStore) -> Belief:
    """Say how far a state is believed, by what is kept outside of it.

    An app whose baseline is adopted has lost nothing. That does not make up for a trail that was rewritten.
    """
    settings = session.settings
    if doubt := find_doubt(state, open_anchor(settings)):
        number, digest = state.audit_head()
        head = f"{number}:{digest[:12]}" if number else "empty"
        loss = Loss("the audit trail is in doubt", f"{_ACCEPT} {head} --reason TEXT", doubt)
        return Belief(dict.fromkeys(session.company.apps, loss), doubted=True)
    try:
        lost = lost_apps(settings, state)
    except StateError as error:
        loss = Loss("nobody can tell which state belongs here", error.hint or "try again", error.message)
        return Belief(dict.fromkeys(session.company.apps, loss))
    return Belief({app: _gone(app) for app in lost - set(scope.baselines)})


def _gone(app: str) -> Loss:
    hint = f"look at what is there, then adopt it: apply --adopt-baseline {app}"
    return Loss("the state that knew what is ours here is gone", hint)
