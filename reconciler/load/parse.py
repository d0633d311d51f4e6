"""One file's content becomes a `FileRecord` with every fault in it; nothing but the content decides what comes out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from reconciler.load.access import read_grant, read_role
from reconciler.load.apps import read_app
from reconciler.load.faults import Fault, Faults
from reconciler.load.identities import read_group, read_person, read_service_account
from reconciler.load.kinds import Reading
from reconciler.load.policies import read_policy
from reconciler.load.records import FileRecord
from reconciler.load.scalars import is_null
from reconciler.load.suggest import suggest
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import Entry, read_entries

Reader = Callable[[Reading, Entry], Any]

SECTIONS: Mapping[str, Reader] = {
    "people": read_person,
    "service_accounts": read_service_account,
    "groups": read_group,
    "apps": read_app,
    "roles": read_role,
    "grants": read_grant,
    "policies": read_policy,
}
_LISTS = frozenset({"grants"})
_LOOSE = frozenset({"people", "grants"})
_FOREIGN = "a YAML file that is not for this tool goes under `ignore` in reconciler.yaml"


def parse_file(content: bytes, *, private: bool = False) -> FileRecord:
    """Return what a file says, and in `faults` what is wrong with it.

    The first reading keeps no positions inside entries; only where something is found wrong is the file read again with
    all of them.

    Args:
        content: the file's bytes.
        private: it was encrypted: no value of it appears in a message.
    """
    record = _parse(content, _LOOSE, private=private)
    return _parse(content, (), private=private) if record.faults else record


def _parse(content: bytes, loose: Collection[str], *, private: bool) -> FileRecord:
    faults = Faults(private=private)
    reading = Reading(faults)
    found: dict[str, list[Any]] = {name: [] for name in SECTIONS}
    sections: dict[str, tuple[int, int]] = {}
    try:
        _read_all(reading, read_entries(content, faults, loose=loose), found, sections)
    except UnreadableError as error:
        faults.error(error.mark, error.message, error.hint)
        sections[""] = (error.mark.line + 1, error.mark.column + 1)
    if faults.untold:
        faults.found.append(Fault(1, 1, error=True, message=f"and {faults.untold:,} more errors in this file"))
    return FileRecord(
        **found, wanted=reading.wording.table, sections=sections, faults=faults.found, providers=reading.providers
    )


def _read_all(
    reading: Reading,
    entries: Iterable[Entry],
    found: Mapping[str, list[Any]],
    sections: dict[str, tuple[int, int]],
) -> None:
    """Read each entry by its section."""
    name, reader, append = "", None, found["people"].append
    for entry in entries:
        if entry[0] is not name:
            name = entry[0]
            reader = _begin(reading, entry, sections)
            append = found[name].append if reader else append
        if reader is None:
            continue
        if entry.position < 0 or (name in _LISTS) == bool(entry.key):
            _complain_of_shape(reading, entry)
        elif (record := reader(reading, entry)) is not None:
            append(record)


def _begin(reading: Reading, entry: Entry, sections: dict[str, tuple[int, int]]) -> Reader | None:
    """Return what reads a section; None where nobody knows it."""
    name, mark = entry.section, entry.section_mark
    reader = SECTIONS.get(name)
    if name in sections:
        return reader
    sections[name] = (mark.line + 1, mark.column + 1)
    if reader is None:
        hint = suggest(name, SECTIONS) or f"there are: {', '.join(SECTIONS)}; {_FOREIGN}"
        reading.faults.error(mark, f"no section is called {reading.faults.show_key(name)}", hint)
    return reader


def _complain_of_shape(reading: Reading, entry: Entry) -> None:
    """Note a section that is no mapping of names, or no list; an empty one is fine."""
    node = entry.node
    if entry.position < 0 and (is_null(node) if isinstance(node, str) else not node.items):
        return
    shape = (
        "a list: begin each with `- to:`"
        if entry.section in _LISTS
        else "a mapping of names: write `name:` before each"
    )
    mark = entry.node_mark if entry.position < 0 else entry.mark
    reading.faults.error(mark, f"{entry.section} is {shape}")
