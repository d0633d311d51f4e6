"""Who does what in each app, from the capabilities of its ways: no app is asked."""

from collections import defaultdict
from collections.abc import Sequence

from reconciler.model.access import GrantBlock, Role, Wanted
from reconciler.model.company import Company
from reconciler.plan.coverage import Coverage, cover_app
from reconciler.plan.inputs import WayRead
from reconciler.run.session import Session
from reconciler.run.ways import open_ways


def cover(session: Session, apps: Sequence[str] = ()) -> Coverage:
    """Return who does what, in these apps or in all.

    Raises:
        ProviderError: a provider is not installed, or its configuration cannot work.
    """
    wanted = _wanted(session.company)
    found = []
    for name in dict.fromkeys(apps or sorted(session.company.apps)):
        app = session.company.apps[name]
        ways = [WayRead(way.name, way.version, way.capabilities) for way in open_ways(session, app, read_only=True)]
        found.append(cover_app(app, ways, wanted[name]))
    return Coverage(tuple(found))


def attested_in(session: Session, app: str) -> frozenset[str]:
    """Return the collections of an app that only closed tickets tell of, as its route says.

    Raises:
        ProviderError: a provider is not installed, or its configuration cannot work.
    """
    (covered,) = cover(session, [app]).apps
    return frozenset(one.collection for one in covered.reads if one.by_ticket)


def _wanted(company: Company) -> dict[str, set[Wanted]]:
    """Return what roles and grants give, by app."""
    found: dict[str, set[Wanted]] = defaultdict(set)
    blocks: list[Role | GrantBlock] = [*company.roles.values(), *company.grants]
    for block in blocks:
        for app, listed in block.grants.items():
            found[app].update(listed)
    return found
