"""The state as files, and a copy of it in tables: what changed in the tables is found and written as few files.

Files are sorted lines of JSON, named so that people can read a difference::

    state.json  lock.json  README.md
    apps/<app>/{apps,accounts,entitlements,grants,counts,readings,held}.jsonl
    {runs,journal,audit}/<number>.jsonl

The grants of a large app are spread over 256 files by their holder.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha1, sha256
from itertools import groupby
from sqlite3 import Connection
from typing import Any, Final
from urllib.parse import quote, unquote
from zlib import crc32

import msgspec

from reconciler.collector import paused_collector
from reconciler.errors import StateError
from reconciler.state.names import FileNames
from reconciler.state.rows import FORMAT, TABLES, put_in, take_out

_AUDIT: Final = "audit"
_SPREAD: Final = frozenset({"grants", "held"})
_LARGE: Final = 8192
_SHARDS: Final = 256
_CHUNK: Final = 500
_EVENTS: Final = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}
_encode = msgspec.json.Encoder(order="sorted")
_decode = msgspec.json.Decoder()

README: Final = b"""# The state of `reconciler`

Written and read by the tool alone; do not edit or merge it. It lists the accounts, the entitlements and the grants that
the tool made or took on in every app, the journal of its applies, and the audit trail: personal data and a map of who
may do what. **Everybody who can read this repository can read it.** Where not all of them may, keep the state in
PostgreSQL, or in a repository of its own.

Only what applies (its deploy key or app) should be able to push to this branch. Its history is shortened from time to
time by replacing the branch, so that whoever was forgotten is gone from it. What that cannot reach: clones keep what
they fetched before, and a forge shows an old commit to whoever knows its id until it collects its garbage, which its
support can be asked for.
"""

Unit = tuple[str, str]
"""Rows that are written and read together: a table with an app's name, or with the number of a chunk."""


class StateFiles:
    """Keeps tables and files the same.

    Args:
        database: an empty state, of which this makes a copy of the files.
        names: its names.

    Attributes:
        files: path → id of the content, as it was last read or published.
        commits: how many commits there have been since the history began.
    """

    def __init__(self, database: Connection, names: FileNames) -> None:
        self._database = database
        self._names = names
        self.files: dict[str, str] = {}
        self.commits = 0
        _track(database)

    def take(self, files: Mapping[str, str], read: Callable[[Sequence[str]], list[bytes]]) -> None:
        """Make the tables what other files say; only those that differ are read.

        Args:
            files: path → id of the content.
            read: returns contents by their ids.

        Raises:
            StateError: they are no state, are damaged, or newer than this tool.
        """
        changed = {path for path in files.keys() | self.files.keys() if files.get(path) != self.files.get(path)}
        units = {unit for path in changed if (unit := _unit_of(path))}
        paths = [path for path in sorted(files) if _unit_of(path) in units or (path in changed and "/" not in path)]
        contents = dict(zip(paths, read([files[path] for path in paths]), strict=True))
        if "state.json" in contents:
            self._take_meta(contents["state.json"])
        elif files and "state.json" not in files:
            raise StateError("it holds files, but no state", hint="name another branch: `state: {git: {branch: …}}`")
        if "lock.json" in changed:
            self._take_lock(contents.get("lock.json"))
        parts: dict[Unit, list[bytes]] = {unit: [] for unit in sorted(units)}
        for path in paths:
            if unit := _unit_of(path):
                parts[unit].append(contents[path])
        _unwatch(self._database, TABLES)
        with paused_collector():
            for unit, listed in parts.items():
                self._take_unit(unit, listed)
        _watch(self._database, TABLES)
        self.files = dict(files)

    def _take_meta(self, content: bytes) -> None:
        data = _parse(content)
        found = data.get("format")
        if not isinstance(found, int) or found > FORMAT:
            raise StateError(
                f"it has format {found}; this tool knows formats up to {FORMAT}",
                hint="a newer reconciler wrote it: update the tool, and nothing is lost",
            )
        self.commits = int(data.get("commits", 0))
        self._database.execute("UPDATE meta SET lineage = ?, fence = ?", (data["lineage"], data["fence"]))

    def _take_lock(self, content: bytes | None) -> None:
        self._database.execute("DELETE FROM lock")
        if content is not None:
            query = "INSERT INTO lock (fence, owner, command, since) VALUES (:fence, :owner, :command, :since)"
            self._database.execute(query, _parse(content))

    def _take_unit(self, unit: Unit, contents: Iterable[bytes]) -> None:
        table, part = unit
        condition, arguments = self._condition(unit)
        self._database.execute(f"DELETE FROM {table} WHERE {condition}", arguments)  # noqa: S608 - our own tables
        own = [part] if TABLES[table].by_app else []
        try:
            rows = [[*own, *row] for content in contents for row in _decode.decode_lines(content)]
        except msgspec.DecodeError as error:
            raise StateError(f"a line of {table} is no JSON: {error}", hint="restore the branch") from error
        if table == _AUDIT:
            rows = _numbered_as_kept(rows)
        put_in(self._database, self._names, TABLES[table], rows)

    def _condition(self, unit: Unit) -> tuple[str, tuple[int, ...]]:
        table, part = unit
        if TABLES[table].by_app:
            return "app = ?", (self._names.number(part),)
        return "number BETWEEN ? AND ?", (int(part) * _CHUNK, int(part) * _CHUNK + _CHUNK - 1)

    @contextmanager
    def in_bulk(self, table: str, app: int) -> Iterator[None]:
        """Take it that every holder in a table of an app changes: noting a million rows one by one takes long."""
        _unwatch(self._database, [table])
        yield
        _watch(self._database, [table])
        query = f"INSERT INTO dirty SELECT DISTINCT '{table}', app, holder FROM {table} WHERE app = ?"  # noqa: S608 - ours
        self._database.execute(query, (app,))

    def changes(self) -> dict[str, bytes | None]:
        """Return the files that the tables changed since: path → content, None where it is no more."""
        found: dict[str, bytes | None] = {"README.md": README, "lock.json": self._lock()}
        rows = self._database.execute("SELECT DISTINCT part, a, b FROM dirty ORDER BY part, a").fetchall()
        with paused_collector():
            for (table, part), group in groupby(rows, key=lambda row: (row[0], row[1])):
                if TABLES[table].by_app:
                    found.update(self._app_files(table, part, [row[2] for row in group]))
                else:
                    unit = (table, str(part))
                    found[f"{table}/{part:06}.jsonl"] = self._lines(table, *self._condition(unit))
        changed = {path: content or None for path, content in found.items() if self._differs(path, content)}
        if changed:
            changed["state.json"] = self._meta(self.commits + 1)
        return changed

    def _differs(self, path: str, content: bytes | None) -> bool:
        old = self.files.get(path)
        return old != (identify(content, len(old or "")) if content else None)

    def _app_files(self, table: str, app: int, holders: Iterable[int]) -> Iterator[tuple[str, bytes | None]]:
        """Yield the files of a table of an app that have changed rows."""
        folder = f"apps/{quote(self._names.name(app), safe='')}"
        one, many = f"{folder}/{table}.jsonl", f"{folder}/{table}/"
        query = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE app = ? LIMIT {_LARGE + 1})"  # noqa: S608 - ours
        large = table in _SPREAD and self._database.execute(query, (app,)).fetchone()[0] > _LARGE
        was_large = any(path.startswith(many) for path in self.files)
        if not large:
            yield from ((path, None) for path in self.files if path.startswith(many))
            yield one, self._lines(table, "app = ?", (app,))
            return
        yield one, None
        texts = self._names.all()
        wanted = {_shard(texts[holder]) for holder in holders} if was_large else set(range(_SHARDS))
        query = f"SELECT DISTINCT holder FROM {table} WHERE app = ?"  # noqa: S608 - our own tables
        members = [holder for (holder,) in self._database.execute(query, (app,)) if _shard(texts[holder]) in wanted]
        listed = "app = ?" if len(wanted) == _SHARDS else f"app = ? AND holder IN ({', '.join('?' * len(members))})"
        arguments = (app,) if len(wanted) == _SHARDS else (app, *members)
        rows: dict[int, list[list[Any]]] = defaultdict(list)
        for row in take_out(self._database, self._names, TABLES[table], listed, arguments):
            rows[_shard(row[1])].append(row[1:])
        for shard in sorted(wanted):
            yield f"{many}{shard:02x}.jsonl", _encode.encode_lines(rows[shard]) if rows[shard] else None

    def _lines(self, table: str, condition: str, arguments: Sequence[Any]) -> bytes | None:
        rows = take_out(self._database, self._names, TABLES[table], condition, arguments)
        skip = 1 if TABLES[table].by_app else 0
        return _encode.encode_lines([row[skip:] for row in rows]) if rows else None

    def _lock(self) -> bytes | None:
        row = self._database.execute("SELECT fence, owner, command, since FROM lock").fetchone()
        return _encode.encode(dict(zip(("fence", "owner", "command", "since"), row, strict=True))) if row else None

    def _meta(self, commits: int) -> bytes:
        lineage, fence = self._database.execute("SELECT lineage, fence FROM meta").fetchone()
        return _encode.encode({"format": FORMAT, "lineage": lineage, "fence": fence, "commits": commits})

    def restarted(self, changes: Mapping[str, bytes | None]) -> dict[str, bytes | str | None]:
        """Return all files, for the first commit of a new history."""
        whole: dict[str, bytes | str | None] = {**self.files, **changes, "state.json": self._meta(1)}
        return {path: content for path, content in whole.items() if content is not None}

    def published(self, files: Mapping[str, str], commits: int) -> None:
        """Remember what is in the branch now."""
        self._database.execute("DELETE FROM dirty")
        self.files = dict(files)
        self.commits = commits


def identify(content: bytes, length: int) -> str:
    """Return the id that git gives to a content: by SHA-1, or SHA-256 where ids are that long."""
    digest = sha256 if length == sha256().digest_size * 2 else sha1
    return digest(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@cache
def _shard(holder: str | None) -> int:
    return crc32((holder or "").encode()) % _SHARDS


def _unit_of(path: str) -> Unit | None:
    """Return what a file holds rows of."""
    match path.removesuffix(".jsonl").split("/"):
        case ["apps", app, table] | ["apps", app, table, _] if table in TABLES:
            return table, unquote(app)
        case [table, part] if table in TABLES and part.isdecimal():
            return table, str(int(part))
    return None


def _numbered_as_kept(rows: list[list[Any]]) -> list[list[Any]]:
    """Return entries with their numbers in the order of the lines, so that checking the trail finds what was moved."""
    numbers = [row[0] for row in rows]
    if not all(type(number) is int for number in numbers):
        raise StateError("a line of audit has no number", hint="restore the branch")
    return [[number, *row[1:]] for number, row in zip(sorted(numbers), rows, strict=True)]


def _parse(content: bytes) -> dict[str, Any]:
    try:
        data = _decode.decode(content)
    except msgspec.DecodeError as error:
        raise StateError(f"a file in it is no JSON: {error}", hint="restore the branch") from error
    if not isinstance(data, dict):
        raise StateError("a file in it is no object", hint="restore the branch")
    return data


def _track(database: Connection) -> None:
    """Have the database note which parts of which tables change.

    The audit trail is read anew like any other table: what keeps its rows from being removed is for files that last.
    """
    for name in ("audit_is_not_changed", "audit_is_not_removed"):
        database.execute(f"DROP TRIGGER {name}")
    database.execute("CREATE TEMP TABLE dirty (part TEXT, a INTEGER, b INTEGER)")
    _watch(database, TABLES)


def _watch(database: Connection, tables: Iterable[str]) -> None:
    for table in map(TABLES.__getitem__, tables):
        for event, rows in _EVENTS.items():
            notes = " ".join(_note(table.name, row, by_app=table.by_app) for row in rows)
            name = f"{table.name}_{event}"
            database.execute(f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.{table.name} BEGIN {notes} END")


def _unwatch(database: Connection, tables: Iterable[str]) -> None:
    """Stop noting: what is read from files has not changed, and noting a million rows takes long."""
    for table in tables:
        for event in _EVENTS:
            database.execute(f"DROP TRIGGER temp.{table}_{event}")


def _note(table: str, row: str, *, by_app: bool) -> str:
    a = f"{row}.app" if by_app else f"{row}.number / {_CHUNK}"
    b = f"{row}.holder" if table in _SPREAD else "0"
    return f"INSERT INTO dirty VALUES ('{table}', {a}, {b});"  # noqa: S608 - our own tables
