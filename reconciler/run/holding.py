"""People who were offboarded count as gone, whatever the YAML at hand says, until git says so too."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.model.company import Company
from reconciler.problems import Problem, Severity
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.offboarded import read_offboarded


def keep_gone(session: Session, state: StateStore) -> Session:
    """Return a session in which those who were offboarded are leavers, with a warning for each of them.

    Args:
        session: as the YAML says it.
        state: which knows who was offboarded.
    """
    held = {
        identity: at
        for identity, at in read_offboarded(state).items()
        if identity in session.company.people and identity not in session.resolved.leavers and at <= session.moment
    }
    if not held:
        return session
    people, base = session.company.people, session.base
    warnings = list(session.warnings)
    for identity, at in sorted(held.items()):
        message = f"{identity} was offboarded at {at:%Y-%m-%d %H:%M} UTC, and this YAML says otherwise"
        hint = f"merge the pull request that says so; if they are here after all: reconciler offboard {identity} --undo"
        warnings.append(Problem(people[identity].place, Severity.WARNING, message, hint))
    return replace(
        session,
        company=_without(session.company, held),
        warnings=tuple(warnings),
        base=replace(base, company=_without(base.company, held)) if base else None,
    )


def _without(company: Company, held: Mapping[str, datetime]) -> Company:
    """Return a company that these people have left."""
    gone = {one: replace(company.people[one], left=at) for one, at in held.items() if one in company.people}
    return replace(company, people={**company.people, **gone})


def agreed(session: Session, state: StateStore, leaving: Collection[str] = ()) -> list[str]:
    """Return who was offboarded and is gone by the YAML as well: nothing needs to be remembered of them.

    Args:
        session: as the YAML says it, but for those who are just leaving.
        state: which knows who was offboarded.
        leaving: who is gone in this session only.
    """
    gone = {*session.resolved.leavers} - {*leaving}
    return [one for one in read_offboarded(state) if one in gone or one not in session.company.people]
