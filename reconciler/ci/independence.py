"""Whose approval of a pull request is no independent review: who gains by it, and whom nobody knows.

People are known by `usernames: {github: …}`: those of the base count, and those that the pull request writes count as
well, so that nobody becomes somebody else by it.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from reconciler.model.company import Company
from reconciler.model.identities import FORGE
from reconciler.model.policies import SelfApproval
from reconciler.plan.plan import Plan
from reconciler.resolve.gaining import find_gains, stays_longer
from reconciler.run.base import Base
from reconciler.run.session import Session
from reconciler.run.withholding import counts_ever

_LISTED: Final = 3
_MOST_TOLD: Final = 10


def find_dependent(session: Session, logins: Iterable[str]) -> Mapping[str, str]:
    """Return login (without case) → why an approval by it does not count.

    Args:
        session: a pull request, beside its base.
        logins: names in the forge.
    """
    base = session.base
    said = _self_approval(session)
    if base is None or base.broken or said is SelfApproval.ALWAYS or not counts_ever(base.resolved, session.resolved):
        return {}
    found = {login.casefold(): _why(session, base, login.casefold(), said) for login in logins}
    return {login: why for login, why in found.items() if why}


def _self_approval(session: Session) -> SelfApproval:
    """Return the policy, of base and head together the stricter."""
    order = list(SelfApproval)
    policies = [*(session.base.policies if session.base else ()), session.company.policies]
    return min((one.self_approval for one in policies), key=order.index)


def _why(session: Session, base: Base, login: str, said: SelfApproval) -> str:
    people = {name for company in (*base.companies, session.company) for name in _people(company, login)}
    known = any(_people(company, login) for company in base.companies) or not base.company.people
    if not people or not known:
        return "is nobody in the YAML of the base, so that nobody can tell what they gain: write usernames: {github: …}"
    for person in sorted(people):
        gains = [
            gain
            for gain in find_gains(base.resolved, session.resolved, person)
            if gain.privileged or said is SelfApproval.NEVER
        ]
        if gains:
            more = f" and {len(gains) - _LISTED} more" if len(gains) > _LISTED else ""
            return f"gains {', '.join(map(str, gains[:_LISTED]))}{more} by it"
        if said is SelfApproval.NEVER and stays_longer(base.resolved, session.resolved, person):
            return "stays longer by it"
    return ""


def _people(company: Company, login: str) -> set[str]:
    return {name for name, one in company.people.items() if one.usernames.get(FORGE, "").casefold() == login}


def name_dependent(session: Session, plan: Plan) -> tuple[str, ...]:
    """Return the names in the forge, of people whom a plan is about, whose approval of it will not count."""
    about = {change.holder for change in plan.changes()}
    named = (one.usernames.get(FORGE, "") for name, one in sorted(session.company.people.items()) if name in about)
    logins = list(islice(filter(None, named), _MOST_TOLD))
    dependent = find_dependent(session, logins)
    return tuple(login for login in logins if login.casefold() in dependent)
