"""Who does what, as a table of apps, as the operations of single apps with their reasons, and as data."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.plan.coverage import ANY, AppCoverage, Coverage, Covered, Extent
from reconciler.plan.inputs import TICKET
from reconciler.provider.snapshot import ACCOUNTS
from reconciler.render.colours import Palette, palette
from reconciler.render.escape import columns, pad, shorten, visible, wrap
from reconciler.render.words import number

_HEADINGS = {
    Extent.WHOLE: "automated: nobody is asked",
    Extent.PART: "in part: some operations become tickets",
    Extent.NONE: "by ticket: a person does everything",
}
_NAME, _ROUTE, _LEAST = 18, 18, 17
_GAP = "  "


def render_coverage(coverage: Coverage, *, width: int, colour: bool) -> Iterator[str]:
    """Yield a row an app, grouped by how much of it needs nobody, and the sum.

    Args:
        coverage: who does what.
        width: of the terminal in columns; 0 for no limit.
        colour: whether codes are used.
    """
    paint = palette(colour=colour)
    for extent, heading in _HEADINGS.items():
        apps = [app for app in coverage.apps if app.extent is extent]
        if apps:
            yield paint.paint(paint.strong, f"{heading} ({number(len(apps), 'app')})")
            yield from _rows(apps, width, paint)
            yield ""
    yield from _sum(coverage, width)


def _rows(apps: Sequence[AppCoverage], width: int, paint: Palette) -> Iterator[str]:
    head = ("app", "route", "by itself", "accounts", "tickets for")
    rows = [head, *map(_row, apps)]
    limits = (_NAME, _ROUTE) if width else (0, 0)
    cut = [tuple(_cut(cell, limit) for cell, limit in zip(row, (*limits, 0, 0, 0), strict=True)) for row in rows]
    widths = [max(map(columns, cells)) for cells in zip(*cut, strict=True)]
    left = sum(widths[:4]) + 5 * len(_GAP)
    for at, row in enumerate(cut):
        last = shorten(row[4], max(width - left, _LEAST)) if width else row[4]
        line = _GAP + _GAP.join((*(pad(cell, size) for cell, size in zip(row[:4], widths, strict=False)), last))
        yield paint.paint(paint.quiet, line.rstrip()) if at == 0 else line.rstrip()


def _cut(text: str, limit: int) -> str:
    return shorten(text, limit) if limit else text


def _row(app: AppCoverage) -> tuple[str, str, str, str, str]:
    done = len(app.asked) - len(app.tickets)
    everything = "everything" if app.extent is Extent.NONE else ", ".join(map(_name, app.tickets))
    return visible(app.app), _route(app), f"{done} of {len(app.asked)}", _reader(app), everything


def _route(app: AppCoverage) -> str:
    return " → ".join(map(visible, app.ways))


def _reader(app: AppCoverage) -> str:
    found = next(one for one in app.reads if one.collection == ACCOUNTS)
    return _reads(found)


def _reads(found: Covered) -> str:
    """Return who reads a collection; what only tickets tell is attested."""
    if found.by_ticket:
        return "attested"
    return visible(found.way) or "nowhere"


def _name(one: Covered) -> str:
    """Return `grant channel`, `suspend account`, `read accounts`, `read who holds channel`."""
    kind = "any kind" if one.kind == ANY else visible(one.kind)
    if one.operation is not None:
        return one.operation.value if one.kind == ACCOUNTS else f"{one.operation.value} {kind}"
    if one.kind == ACCOUNTS:
        return "read accounts"
    return f"read who holds {kind}" if one.collection.startswith("grants:") else f"list {kind}"


def _sum(coverage: Coverage, width: int) -> Iterator[str]:
    extents, ways = coverage.extents, coverage.ways
    total = sum(ways.values())
    told = [
        f"{extents[Extent.WHOLE]} automated",
        f"{extents[Extent.PART]} in part",
        f"{extents[Extent.NONE]} by ticket",
    ]
    sentences = [f"Of {number(len(coverage.apps), 'app')}: {', '.join(told)}."]
    if total:
        shares = ", ".join(f"{visible(way)} {_share(count, total)}" for way, count in ways.most_common())
        sentences.append(f"Of {number(total, 'operation')}: {shares}.")
    readers = coverage.readers
    seen = sum(count for way, count in readers.items() if way not in {TICKET, ""})
    sentences.append(f"Accounts are seen in {number(seen, 'app')}, and only attested by tickets in {readers[TICKET]}.")
    for sentence in sentences:
        yield from wrap(sentence, width) if width else [sentence]


def _share(count: int, total: int) -> str:
    """Return a share in whole percent; what is there is never 0 %, and what is not whole never 100 %."""
    percent = round(100 * count / total)
    if count:
        percent = max(percent, 1)
    if count < total:
        percent = min(percent, 99)
    return f"{percent} %"


def render_details(app: AppCoverage, *, width: int, colour: bool) -> Iterator[str]:
    """Yield each operation and each read of one app: by which way, and why not by an earlier one."""
    paint = palette(colour=colour)
    yield f"{paint.paint(paint.strong, visible(app.app))} ({_route(app)})"
    rows = [(_name(one), _doer(one), _why(one)) for one in app.operations]
    rows += [(_name(one), _reads(one), _why(one)) for one in app.reads]
    first, second = (max(columns(row[at]) for row in rows) for at in (0, 1))
    for name, doer, why in rows:
        start = f"{_GAP}{pad(name, first)}{_GAP}{pad(doer, second)}"
        lines = wrap(why, max(width - columns(start) - 2, _LEAST)) if width else [why]
        for at, line in enumerate(lines):
            lead = start if at == 0 else " " * columns(start)
            yield f"{lead}{_GAP}{paint.paint(paint.quiet, line)}".rstrip()


def _doer(one: Covered) -> str:
    return visible(one.way) or "nobody"


def _why(one: Covered) -> str:
    told = "; ".join(f"{visible(way)}: {visible(why)}" for way, why in one.missed)
    if one.operation is not None and not one.way:
        return f"only a default, so nobody is asked: {told}" if told else "only a default, so nobody is asked"
    return told


def coverage_data(coverage: Coverage) -> dict[str, Any]:
    """Return who does what as data: `{apps: [{app, owner, route, extent, operations, reads}], summary}`."""
    extents = coverage.extents
    return {
        "apps": [_app_data(app) for app in coverage.apps],
        "summary": {
            "apps": len(coverage.apps),
            "extents": {extent.value: extents[extent] for extent in Extent},
            "operations": dict(coverage.ways.most_common()),
            "accounts_from": {way: count for way, count in coverage.readers.most_common() if way},
            "accounts_unread": coverage.readers[""],
        },
    }


def _app_data(app: AppCoverage) -> dict[str, Any]:
    return {
        "app": app.app,
        "owner": app.owner,
        "route": list(app.ways),
        "extent": app.extent.value,
        "operations": [
            {"operation": str(one.operation), "kind": one.kind, "way": one.way or None, "missed": _missed(one)}
            for one in app.operations
        ],
        "reads": [
            {"collection": one.collection, "way": one.way or None, "attested": one.by_ticket, "missed": _missed(one)}
            for one in app.reads
        ],
    }


def _missed(one: Covered) -> list[dict[str, str]]:
    return [{"way": way, "why": why} for way, why in one.missed]
