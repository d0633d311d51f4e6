"""The state's file: where it lies, who may read it, how it is opened, and what its faults mean to a user.

The file has a rollback journal (`journal_mode=TRUNCATE`) with `synchronous=FULL`: what a transaction returned from has
been synced. A write-ahead log would need files beside it even for reading, and planning must leave the folder alone.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconciler.errors import StateError
from reconciler.state.schema import STEPS, format_of, migrate

HOME: Final = ".reconciler"
"""The folder that holds everything that is ours and that git must not see."""

_WAIT: Final = 10.0
_NOT_OURS = "restore the file from a backup, or move it away: nothing will be treated as ours until it is adopted again"
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LEFT_OVER = frozenset({sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY})


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into a StateError that names the file and says what to do."""
    try:
        yield
    except StateError as error:
        if str(path) in error.message:
            raise
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error
    except sqlite3.Error as error:
        raise StateError(f"{path}: {error}", hint=_hint(error)) from error
    except OSError as error:
        raise StateError(f"{path}: {error.strerror or error}", hint="check the path and its permissions") from error


def _hint(error: sqlite3.Error) -> str:
    """Say what to do about an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return "another command is writing the state: try again when it is done"
    if code in _UNREADABLE:
        return _NOT_OURS
    if code == sqlite3.SQLITE_FULL:
        return "make room on the disk, then run it again"
    return "check the path, its permissions and the disk; `sqlite3 FILE 'PRAGMA integrity_check'` says more"


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, making it (mode 0600) and its folder (0700) where they are missing, and bring it up to date.

    Raises:
        StateError: it cannot be opened, is damaged, is not ours, or is newer than this tool.
    """
    with explaining(path):
        _prepare_folder(path.parent)
        path.touch(mode=0o600)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        database = _connect(f"{path.absolute().as_uri()}?mode=rw")
        try:
            _set_up(database)
            migrate(database)
            _check(database)
        except BaseException:
            database.close()
            raise
    return database


def _prepare_folder(folder: Path) -> None:
    """Make the folder private, and keep it out of git; a folder that was there before is left alone, except ours."""
    if folder.is_dir() and folder.name != HOME:
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file without ever writing to it or beside it. A missing file is an empty state, held in memory.

    A file that an interrupted writer left half-written is recovered in a copy; one of an older format is migrated in
    memory.

    Raises:
        StateError: it cannot be read, is damaged, is not ours, or is newer than this tool.
    """
    with explaining(path):
        if not path.exists():
            return _in_memory()
        database = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            outdated = format_of(database) < len(STEPS)
        except sqlite3.OperationalError as error:
            database.close()
            if error.sqlite_errorcode not in _LEFT_OVER:
                raise
            return _recover_in_memory(path)
        except BaseException:
            database.close()
            raise
        if not outdated:
            database.execute("PRAGMA query_only = ON")
            return database
        with closing(database):
            return _in_memory(database)


def _recover_in_memory(path: Path) -> sqlite3.Connection:
    """Roll back what an interrupted writer left, in a copy, and return that copy from memory."""
    with TemporaryDirectory(prefix="reconciler-state-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}-journal", f"{copy}-journal")
        with closing(_connect(copy.as_uri())) as recovered:
            _check(recovered)
            return _in_memory(recovered)


def empty_in_memory() -> sqlite3.Connection:
    """Return an empty state that refuses writes: there is none yet."""
    database = writable_in_memory()
    database.execute("PRAGMA query_only = ON")
    return database


def writable_in_memory() -> sqlite3.Connection:
    """Return an empty state in memory."""
    database = _connect(":memory:")
    migrate(database)
    return database


def _in_memory(source: sqlite3.Connection | None = None) -> sqlite3.Connection:
    """Return an up-to-date state in memory that refuses writes: a copy of another, or an empty one."""
    database = _connect(":memory:")
    try:
        if source is not None:
            source.backup(database)
        migrate(database)
    except BaseException:
        database.close()
        raise
    database.execute("PRAGMA query_only = ON")
    return database


def _connect(address: str) -> sqlite3.Connection:
    """Connect, with transactions in our own hands."""
    return sqlite3.connect(address, uri=address.startswith("file:"), timeout=_WAIT, isolation_level=None)


def _set_up(database: sqlite3.Connection) -> None:
    """Set what a writer relies on."""
    database.execute("PRAGMA journal_mode = TRUNCATE")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA cell_size_check = ON")
    database.execute("PRAGMA secure_delete = ON")  # who is forgotten is not left in free pages


def _check(database: sqlite3.Connection) -> None:
    """Refuse to write to a damaged file: a write could spread the damage."""
    answer = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    if answer != "ok":
        raise StateError(f"it is damaged: {answer}", hint=_NOT_OURS)
