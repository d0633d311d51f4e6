"""Where the lines behind a plan come from, for readers: the commit, who made it as git has it, the pull request."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from reconciler.plan.plan import Plan, Provenance
from reconciler.problems import Place
from reconciler.render.words import instant

_SHORT = 7
_MOST_PLACES = 8


def origins_of(plan: Plan) -> dict[Place, Provenance]:
    """Return place → the commit that it comes from."""
    return dict(plan.provenance)


def short_commit(commit: str) -> str:
    """Return a commit as code, as short as git shows it."""
    return f"`{commit[:_SHORT]}`" if commit.isalnum() else ""


def origin_lines(plan: Plan, code: Callable[[str], str]) -> Iterator[str]:
    """Yield a table row for each commit: author, instant, pull request, and the places that come from it."""
    places: defaultdict[Provenance, list[Place]] = defaultdict(list)
    for place, origin in plan.provenance:
        places[origin].append(place)
    for origin, found in places.items():
        told = [code(place.short) for place in found[:_MOST_PLACES]]
        if len(found) > len(told):
            told.append(f"and {len(found) - len(told):,} more")
        request = code(f"#{origin.pull_request}") if origin.pull_request else ""
        cells = (short_commit(origin.commit), code(origin.author), instant(origin.at), request, ", ".join(told))
        yield f"| {' | '.join(cells)} |"
