"""Who is asked to do what no other way can: the app's owner, or whoever stands in for somebody who has left."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.apps import App
from reconciler.resolve.resolved import Resolved


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom tickets of an app go to.

    Attributes:
        person: the id of somebody who is here; of the owner where nobody is.
        why: why it is not the owner, or that nobody is here; empty where it is the owner.
    """

    person: str
    why: str = ""


def find_asked(resolved: Resolved, app: App) -> Asked:
    """Return the owner of an app; if that person has left or is unknown, the deputy; then the owner's manager."""
    if _is_here(resolved, app.owner):
        return Asked(app.owner)
    gone = "has left" if app.owner in resolved.leavers else "is not here"
    for person, what in _stand_ins(resolved, app):
        if _is_here(resolved, person):
            return Asked(person, f"tickets go to {person}, {what}: the owner {app.owner} {gone}")
    hint = "name another owner, or a deputy"
    return Asked(app.owner, f"tickets wait for nobody: the owner {app.owner} {gone}, and nobody stands in; {hint}")


def _stand_ins(resolved: Resolved, app: App) -> Iterator[tuple[str, str]]:
    yield app.deputy, "the deputy"
    owner = resolved.company.people.get(app.owner)
    leaver = resolved.leavers.get(app.owner)
    manager = (owner.manager if owner else "") or (leaver.manager if leaver else "")
    yield manager, "the owner's manager"


def _is_here(resolved: Resolved, person: str) -> bool:
    return person in resolved.company.people and person not in resolved.leavers


def waits_for(resolved: Resolved, app: App, owner: str) -> str:
    """Return whom an open ticket waits for: who was asked, or who is asked now if that person has left.

    Args:
        resolved: says who is here.
        app: the ticket's.
        owner: the id of who was asked when it was opened, or empty.
    """
    return owner if _is_here(resolved, owner) else find_asked(resolved, app).person
