"""The product of faults, operations and moments: every cell that is tried, and why the others cannot be."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from battle import OPERATIONS, Cell
from faults import always_closing, scim_faults
from memory import PostgresMemory
from moments import sort_of
from scene import APPS, Theatre

_TABLES = ["FOLDER/wiki/accounts.csv", "FOLDER/wiki/grants.csv"]
WOUNDS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "disk full": ("all", {"full": True}),
    "wiki read-only": ("wiki", {"forbid": ["FOLDER/wiki"], "unprivileged": True}),
    "tickets read-only": ("desk", {"forbid": ["FOLDER/tickets"], "unprivileged": True}),
    "state read-only": ("all", {"forbid": ["FOLDER/.reconciler"], "unprivileged": True}),
    "everything read-only": ("all", {"forbid": ["FOLDER"], "unprivileged": True}),
    "files edited meanwhile": ("wiki", {"rewrite": _TABLES}),
    "file cut off in a line": ("wiki", {"damage": [_TABLES[0], "cut"]}),
    "file emptied": ("wiki", {"damage": [_TABLES[0], "empty"]}),
    "file gone": ("wiki", {"damage": [_TABLES[0], "gone"]}),
    "web page in the place of a file": ("wiki", {"damage": [_TABLES[0], "page"]}),
    "grants cut off in a line": ("wiki", {"damage": [_TABLES[1], "cut"]}),
    "ticket cut off": ("desk", {"damage": ["FOLDER/tickets", "cut"]}),
    "clock jumps a day ahead": ("all", {"hours": 0, "jump": 26}),
    "clock jumps a day back": ("all", {"hours": 0, "jump": -26}),
    "clock jumps ten years ahead": ("all", {"hours": 0, "jump": 87_660}),
}
"""Name → the app that is struck, and how."""

STATE_WOUNDS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "postgres": {
        "database killed": {"signal": "POSTMASTER"},
        "connection to the database lost": {
            "sql": [
                "DSN",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reconciler'",
            ]
        },
    },
    "git": {
        "remote of the state gone": {"move": ["FOLDER/.remote.git", "FOLDER/.remote.away"]},
        "remote of the state refuses": {"hook": "FOLDER/.remote.git/hooks/update"},
    },
}
"""Back end → name → what happens to it while an apply runs."""

ADDRESSES = {
    "DNS failure": "https://no-such-host.invalid/v2",
    "TLS error": "https://127.0.0.1:{port}",
    "nobody listens": "http://127.0.0.1:9",
}
_QUIET = {f"{when} {what}" for when in ("before", "after") for what in ("os.fsync", "os.unlink", "open")}
"""Moments at which a wound would do nothing that it does not do at the one before or after."""

_NO_NETWORK = "files in the company's folder: there is no network, no server and no token between"
_NOT_OURS = "what it is kept in is the vendor's; the same is tried as an edit behind our back"
_ONE_APP = "it strikes the files of another app"


def all_cells(stage: Theatre) -> list[Cell]:
    """Return every cell: each fault in each operation at several of its requests, each wound at several moments."""
    return [*_scim_cells(stage), *_address_cells(stage), *_resolver_cells(stage), *_wound_cells(stage)]


def state_cells(stage: Theatre) -> list[Cell]:
    """Return the cells of what happens to a back end that others run, around each sort of write."""
    found = []
    for name, wound in STATE_WOUNDS[stage.memory.name].items():
        filled = dict(wound)
        if isinstance(stage.memory, PostgresMemory) and "sql" in wound:
            filled["sql"] = [stage.memory.server.dsn, *list(wound["sql"])[1:]]  # type: ignore[call-overload]
        sorts = [sort for sort in _numbers(stage) if sort not in _QUIET and not sort.endswith(("GET", "update-ref"))]
        found += _at_moments(stage, "all", name, filled, sorts)
    return found


def not_applicable(cells: Sequence[Cell]) -> dict[tuple[str, str], str]:
    """Return (fault, app) → why the fault is tried in no cell of that app."""
    tried: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        tried[cell.fault] |= set(APPS) if cell.app == "all" else {cell.app}
    return {(fault, app): _why_not(apps, app) for fault, apps in tried.items() for app in APPS if app not in apps}


def _why_not(struck: set[str], app: str) -> str:
    if "hub" in struck:
        return _NO_NETWORK
    return _NOT_OURS if app == "hub" else _ONE_APP


def _scim_cells(stage: Theatre) -> Iterator[Cell]:
    for fault in scim_faults(stage.launcher):
        for operation in OPERATIONS:
            last = stage.counts.get(operation, 0)
            assert last, f"no apply of this company would {operation}"
            for moment in sorted({(last + 1) // 2} if fault.costly else {1, (last + 1) // 2, last}):
                yield Cell("hub", fault.name, operation, moment, strike=fault)


def _address_cells(stage: Theatre) -> Iterator[Cell]:
    for name, address in ADDRESSES.items():
        yield Cell("hub", name, "everything", 1, address=address.format(port=stage.port))


def _resolver_cells(stage: Theatre) -> Iterator[Cell]:
    """Yield a name that can no longer be resolved, from a moment on: each request needs a connection of its own."""
    address = f"http://localhost:{stage.port}"
    sorts = ["before GET", "before PATCH", "before POST"]
    for cell in _at_moments(stage, "hub", "DNS failure from then on", {"unresolved": "localhost"}, sorts):
        yield Cell(cell.app, cell.fault, cell.operation, cell.moment, always_closing(), cell.wounds, address)


def _wound_cells(stage: Theatre) -> Iterator[Cell]:
    sorts = [sort for sort in _numbers(stage) if sort not in _QUIET]
    for name, (app, wound) in WOUNDS.items():
        yield from _at_moments(stage, app, name, wound, sorts)


def _at_moments(
    stage: Theatre, app: str, name: str, wound: Mapping[str, object], sorts: Sequence[str]
) -> Iterator[Cell]:
    """Yield a wound at the first, a middle and the last moment of each sort (`before COMMIT`, `after os.link`)."""
    numbered = _numbers(stage)
    for sort in sorts:
        numbers = numbered[sort]
        for at in sorted({numbers[0], numbers[len(numbers) // 2], numbers[-1]}):
            yield Cell(app, name, sort, at, wounds={"count": "FOLDER/.moments", "at": at, **wound})


def _numbers(stage: Theatre) -> dict[str, list[int]]:
    """Return sort → the numbers of its moments, in the order in which the sorts first come."""
    sorts: dict[str, list[int]] = defaultdict(list)
    for number, moment in enumerate(stage.moments, start=1):
        sorts[sort_of(moment)].append(number)
    return dict(sorts)
