"""Parsed files are kept by the hash of their content, so that what did not change is not parsed again.

An entry is typed data (msgpack), never anything that could run; one that is damaged, foreign or of another version is
ignored. A folder that others can write to is not used at all. Losing the cache costs time only.
"""

import hashlib
import os
import stat
from array import array
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import time

import msgspec

from reconciler.load.records import FileRecord, WantedRecord
from reconciler.version import tool_version

SCHEMA_VERSION = 4
MAX_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 20_000

_ENDING = ".record"
_FRESH = 60.0


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """What stands in a file of the cache: what it is for, and the record."""

    key: str
    record: FileRecord


class Cache:
    """Keeps the records of files in a folder, and in memory for as long as it lives (base and head of a pull request).

    Args:
        folder: where; made if it is missing. None keeps them in memory only.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder if folder and _prepare(folder) else None
        self.memory: dict[str, FileRecord] = {}
        self._salt = f"{SCHEMA_VERSION}\0{tool_version()}\0".encode()
        self._written = False

    def key(self, digest: bytes) -> str:
        """Return the key of a content, by its SHA-256."""
        return hashlib.sha256(self._salt + digest).hexdigest()

    def get(self, key: str) -> FileRecord | None:
        """Return the record of a key, if there is one that can be used."""
        record = self.memory.get(key)
        if record is None and self.folder:
            record = self._read(self.folder / f"{key}{_ENDING}", key)
            if record is not None:
                self.memory[key] = record
        return record

    def put(self, key: str, record: FileRecord, *, private: bool = False) -> None:
        """Keep a record; in memory only if it is private or has faults that are errors."""
        self.memory[key] = record
        if self.folder and not private and not any(fault.error for fault in record.faults):
            self._write(self.folder, key, record)

    def _read(self, path: Path, key: str) -> FileRecord | None:
        try:
            content = path.read_bytes()
            kept = msgspec.msgpack.decode(content, type=_Kept)
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
            return None
        usable = kept.key == key and is_sound(kept.record) and are_installed(kept.record.providers)
        return kept.record if usable else None

    def _write(self, folder: Path, key: str, record: FileRecord) -> None:
        """Write an entry whole or not at all; a full disk is no reason to stop."""
        self._written = True
        with suppress(OSError), NamedTemporaryFile(dir=folder, prefix="new-", delete=False) as file:
            try:
                file.write(msgspec.msgpack.encode(_Kept(key, record)))
                file.close()
                os.replace(file.name, folder / f"{key}{_ENDING}")  # noqa: PTH105 - the file has a name only
            except OSError:
                os.unlink(file.name)  # noqa: PTH108 - the file has a name only
                raise

    def trim(self) -> None:
        """Remove the oldest entries where there are too many; does nothing unless something was written."""
        if self._written and self.folder:
            with suppress(OSError):
                _trim(self.folder)


def _prepare(folder: Path) -> bool:
    """Make the folder, and say whether only we can write to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
        ours = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
        if ours and about.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError:
        return False
    return ours


def _trim(folder: Path) -> None:
    entries = []
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False):
            about = entry.stat(follow_symlinks=False)
            if entry.name.startswith("new-") and about.st_mtime > time() - _FRESH:
                continue
            entries.append((entry.name.endswith(_ENDING), about.st_mtime, about.st_size, entry.path))
    size = sum(entry[2] for entry in entries)
    entries.sort()
    for position, (known, _, bytes_, path) in enumerate(entries):
        if known and size <= MAX_BYTES and len(entries) - position <= MAX_ENTRIES:
            break
        os.unlink(path)  # noqa: PTH108 - a text already
        size -= bytes_


def are_installed(distributions: Mapping[str, str]) -> bool:
    """Say whether what checked a file's routes is still installed, in the same versions."""
    if not distributions:
        return True
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - costs 16 ms, for files with routes

    try:
        return all(version(name) == known for name, known in distributions.items())
    except (PackageNotFoundError, ValueError):
        return False


def is_sound(record: FileRecord) -> bool:
    """Say whether the columns of a record fit together, which types alone do not tell."""
    size = len(record.wanted)
    grants = (block.grants for blocks in (record.roles, record.grants) for block in blocks)
    return all(_fits(wanted, size) for one in grants for wanted in one.values())


def _fits(wanted: WantedRecord, size: int) -> bool:
    if len(wanted.indexes) != len(wanted.lines) or len(wanted.indexes) % array("I").itemsize:
        return False
    return not wanted.indexes or max(memoryview(wanted.indexes).cast("I")) < size
