"""One leaver in every app: a plan of this person alone, the tickets and the audit trail, put into one view."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reconciler.audit.history import ChangeStory, History, Period
from reconciler.audit.leaver import LeaverView
from reconciler.audit.leaving import Asking, view_app
from reconciler.errors import ConfigurationError
from reconciler.load.suggest import suggest
from reconciler.model.identities import Person
from reconciler.plan.plan import Scope
from reconciler.plan.sides import Sides
from reconciler.run.holding import keep_gone
from reconciler.run.planning import plan_with
from reconciler.run.reading import ReadProgress
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.open import open_state


def look_at_leaver(session: Session, identity: str, progress: ReadProgress | None = None) -> LeaverView:
    """Read every app and return what became of a leaver's access; nothing is written anywhere.

    Args:
        session: the company, now.
        identity: a person who has left, who will on a day that the YAML says, or whom it does not know any more.
        progress: who watches the reading, or None.

    Raises:
        ConfigurationError: nobody knows this person, or nothing says that they leave.
        StateError: the state cannot be read.
    """
    with open_state(session.settings, read_only=True) as state:
        session = keep_gone(session, state)
        person = session.company.people.get(identity)
        if person is None:
            _check_known(session, identity, state)
        ahead = person is not None and identity not in session.resolved.leavers
        seen: dict[str, Sides] = {}

        def watch(sides: Sides) -> None:
            seen[sides.inputs.app] = sides

        now = session.moment
        zone = ZoneInfo(session.settings.timezone)
        session = _later(session, person, zone) if ahead and person else session
        plan = plan_with(session, Scope(identities=(identity,)), state, progress=progress, watch=watch)
        stories = _stories(state, identity)
        asking = Asking(identity, now, zone)
        return LeaverView(
            identity,
            person.name if person else "",
            _day(session, person),
            ahead,
            now,
            tuple(view_app(asking, seen.get(app.app), app, stories[app.app]) for app in plan.apps),
        )


def _check_known(session: Session, identity: str, state: StateStore) -> None:
    if any(state.accounts(app, [identity]) for app in state.apps()):
        return
    if identity in session.company.service_accounts:
        raise ConfigurationError(f"{identity} is a service account: it does not leave")
    raise ConfigurationError(f"unknown person {identity!r}", hint=suggest(identity, session.company.people))


def _later(session: Session, person: Person, zone: ZoneInfo) -> Session:
    """Return a session in which somebody has left, though their last day is still to come.

    Raises:
        ConfigurationError: there is no such day.
    """
    ends = [datetime.combine(person.last_day + timedelta(days=1), time(), zone)] if person.last_day else []
    ends += [person.left] if person.left else []
    if not ends:
        hint = f"write last_day to them, or `reconciler offboard {person.id} --now`; what they have: `reconciler who`"
        raise ConfigurationError(f"nothing says that {person.id} leaves", hint=hint)
    return replace(session, moment=min(ends).astimezone(UTC), future=True)


def _day(session: Session, person: Person | None) -> str:
    """Return the last day of somebody, as people write it; empty where the YAML does not know them."""
    leaver = session.resolved.leavers.get(person.id) if person else None
    return leaver.last_day.isoformat() if leaver else ""


def _stories(state: StateStore, identity: str) -> dict[str, list[ChangeStory]]:
    """Return what the trail tells of somebody's account and grants, by app."""
    history = History(Period())
    for entry in state.audit():
        history.take(entry)
    found: dict[str, list[ChangeStory]] = defaultdict(list)
    for one in history.changes.values():
        if one.item[:1] != ("entitlement",) and one.item[1:2] == (identity,):
            found[str(one.asked.get("app", ""))].append(one)
    return found
