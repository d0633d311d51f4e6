"""Each line that a plan names is told with the commit it comes from; what was removed, with the one that did it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.errors import ConfigurationError
from reconciler.load.blame import Blame, Origin
from reconciler.load.repository import Repository, is_in_git
from reconciler.model.company import Company
from reconciler.plan.compare import REMOVED
from reconciler.plan.plan import AppPlan, Plan, Provenance
from reconciler.problems import NOWHERE, Place
from reconciler.provider.change import Change, Why
from reconciler.resolve.differing import is_edited
from reconciler.run.base import Base
from reconciler.run.session import Session

MOST = 2_000
"""For how many places of one plan git is asked."""

_SHORT = 7


def tell_provenance(plan: Plan, session: Session, base: Base) -> Plan:
    """Return the plan of a pull request with the commits that its lines come from."""
    repository = Repository(session.settings.root)
    try:
        return _tell(plan, session, base, Blame(repository))
    finally:
        repository.close()


def find_provenance(session: Session, places: Iterable[Place]) -> dict[Place, Provenance]:
    """Return place → where its line comes from, as far as git knows; nothing outside of a repository."""
    if not is_in_git(session.settings.root):
        return {}
    try:
        repository = Repository(session.settings.root)
    except ConfigurationError:
        return {}
    try:
        return _look_up(Blame(repository), places)
    finally:
        repository.close()


def _tell(plan: Plan, session: Session, base: Base, blame: Blame) -> Plan:
    gone = _look_up_removals(plan, base, blame)
    teller = _Teller(session.company, base, gone)
    plan = replace(plan, apps=tuple(replace(a, changes=tuple(map(teller.explain, a.changes))) for a in plan.apps))
    found = _look_up(blame, (place for app in plan.apps for place in _places(app)))
    found |= {place: origin for place, origin in gone.items() if place not in found}
    return replace(plan, provenance=tuple(sorted(found.items(), key=lambda pair: pair[0])))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Says of what a pull request takes away what gave it before."""

    head: Company
    base: Base
    gone: Mapping[Place, Provenance]

    def explain(self, change: Change) -> Change:
        """Name the line that was removed and the commit, or whatever gave it where all its lines are still there."""
        formerly = [why for why in change.why if why.text.startswith(REMOVED)]
        if not formerly:
            return change
        # Of each chain the first line that is gone: the others often go with it.
        removed = {why.text: why.place for why in reversed(formerly) if _was_removed(why, self.base)}
        if removed:
            told = tuple(_say(place, self.gone.get(place)) for place in reversed(removed.values()))
        else:
            told = tuple(Why(f"no longer {why.text.removeprefix(REMOVED)}", self._person(change)) for why in formerly)
        rest = tuple(why for why in change.why if why not in formerly)
        return replace(change, why=tuple(dict.fromkeys((*rest, *told))))

    def _person(self, change: Change) -> Place:
        """Return where the holder is written, if that is what was changed."""
        edited = is_edited(self.base.company, self.head, change.holder)
        return self.head.people[change.holder].place if edited else NOWHERE


def _look_up(blame: Blame, places: Iterable[Place]) -> dict[Place, Provenance]:
    """Ask about lines of the work tree, a file at a time."""
    wanted = list(dict.fromkeys(place for place in places if place.line))[:MOST]
    found: dict[Place, Provenance] = {}
    for path, listed in _by_file(wanted).items():
        origins = blame.origins(path, {place.line for place in listed})
        found.update((place, _provenance(origins[place.line])) for place in listed if place.line in origins)
    return found


def _look_up_removals(plan: Plan, base: Base, blame: Blame) -> dict[Place, Provenance]:
    """Ask which commits removed the lines of the base that gave what a pull request takes away."""
    places = (why.place for change in plan.changes() for why in change.why if _was_removed(why, base))
    found: dict[Place, Provenance] = {}
    for path, listed in _by_file(list(dict.fromkeys(places))[:MOST]).items():
        origins = blame.removals(path, {place.line for place in listed}, base.commit)
        found.update((place, _provenance(origins[place.line])) for place in listed if place.line in origins)
    return found


def _was_removed(why: Why, base: Base) -> bool:
    return why.text.startswith(REMOVED) and base.edits.takes(why.place.file, why.place.line)


def _say(place: Place, by: Provenance | None) -> Why:
    commit = f", {by.commit[:_SHORT]}" if by else ""
    return Why(f"removed from git ({place.short}{commit})", place)


def _places(app: AppPlan) -> Iterator[Place]:
    """Yield the places in the work tree that the plan of an app names."""
    for change in app.changes:
        yield from (why.place for why in change.why if not why.text.startswith("removed from git"))
    for finding in app.findings:
        yield finding.place
        yield from (why.place for why in finding.why)


def _by_file(places: Iterable[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.file, []).append(place)
    return found


def _provenance(origin: Origin) -> Provenance:
    return Provenance(origin.commit, origin.author, origin.at, origin.pull_request)
