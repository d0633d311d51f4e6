"""The folder of ticket files: read whole, written one file at a time and never over another."""

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from providers.ticket.fields import parse_record
from providers.ticket.header import MAX_CHARACTERS, HeaderError, edit_header, read_header
from providers.ticket.record import KEY_LENGTH, Record, RecordError
from reconciler.errors import ProviderError
from reconciler.items import Value

MAX_FILES = 200_000
SHOWN = 5
LEFT_SECONDS = 600.0
_OURS = re.compile(rf"-[0-9a-f]{{{KEY_LENGTH}}}\.md")


class TicketDirectory:
    """The ticket files under one folder, its subfolders too (closed ones may be moved there).

    Args:
        root: the folder of reconciler.yaml.
        path: the folder of tickets, relative to it.

    Raises:
        ProviderError: the folder leads out of the tree.
    """

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self._root = root.resolve()
        self._cleared = False
        self._folder = (root / path).resolve()
        if not self._folder.is_relative_to(self._root):
            raise ProviderError(f"{path} is outside of the folder of reconciler.yaml", hint="tickets stay in the tree")

    def records(self, app: str) -> list[Record]:
        """Return all tickets of an app, the oldest first.

        Raises:
            ProviderError: some cannot be read; the message names each with its line. Those of other apps do not count.
        """
        records: list[Record] = []
        faults: list[str] = []
        for file in self._files():
            text = self._read(file)
            if text is None or not (_OURS.search(file.name) or text.startswith("---")):
                continue
            try:
                if _names_app(text, app):
                    records.append(parse_record(text, self._address(file)))
            except HeaderError as error:
                if error.app in {app, ""}:
                    faults.append(f"{self._address(file)}:{error.line}: {error}")
            except RecordError as error:
                faults.append(f"{self._address(file)}:{_line_of(text, error.field)}: {error}")
        self._refuse([*faults, *_twice(records)])
        return sorted(records, key=lambda record: record.order)

    def _refuse(self, faults: list[str]) -> None:
        if faults:
            more = f"\n  and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
            raise ProviderError(
                "tickets that cannot be read:\n  " + "\n  ".join(faults[:SHOWN]) + more,
                hint="correct them, or take back the edit; a ticket is never skipped",
            )

    def _files(self) -> Iterator[Path]:
        """Yield every Markdown file, in order of name; links are not followed.

        Raises:
            ProviderError: the folder cannot be read, or holds too many.
        """
        count = 0
        for folder, folders, names in os.walk(self._folder, onerror=_fail):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if name.endswith(".md") and not name.startswith(".") and not file.is_symlink():
                    count += 1
                    if count > MAX_FILES:
                        raise ProviderError(f"{self.path} holds more than {MAX_FILES} files", hint="remove old ones")
                    yield file

    def _read(self, file: Path) -> str | None:
        """Return a file's text; None for one that is no ticket's by its name and cannot be read as text.

        Raises:
            ProviderError: a ticket's file is too large, or no UTF-8.
        """
        try:
            data = file.read_bytes()[: 4 * MAX_CHARACTERS]
        except OSError as error:
            raise ProviderError(f"{self._address(file)} cannot be read: {error.strerror}") from error
        try:
            text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
        except UnicodeDecodeError:
            text = None
        if text is not None and len(text) <= MAX_CHARACTERS:
            return text
        if not _OURS.search(file.name):
            return None
        what = "is no UTF-8 text" if text is None else f"has more than {MAX_CHARACTERS} characters"
        raise ProviderError(f"{self._address(file)} {what}", hint="a ticket is a small text file")

    def _address(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    def address_of(self, name: str) -> str:
        """Return the address that a new file has."""
        return self._address(self._folder / name)

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name, not in subfolders."""
        return (self._folder / name).exists()

    def create(self, name: str, text: str) -> str | None:
        """Write a new file, whole or not at all, and return its address; None if there is one of that name.

        Raises:
            ProviderError: it cannot be written.
        """
        target = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._clear_left()
            with _temporary(self._folder, text) as temporary:
                os.link(temporary, target)  # unlike a rename, never replaces what is there
            _sync(self._folder)
        except FileExistsError:
            return None
        except OSError as error:
            raise ProviderError(f"{self._address(target)} cannot be written: {error.strerror}") from error
        return self._address(target)

    def _clear_left(self) -> None:
        """Remove the temporary files of runs that were killed long ago; younger ones may still be written."""
        if self._cleared:
            return
        self._cleared = True
        for file in self._folder.glob(".ticket-*.tmp"):
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > LEFT_SECONDS:
                    file.unlink()

    def text(self, address: str) -> str:
        """Return a ticket's file.

        Raises:
            ProviderError: it is gone, or cannot be read.
        """
        try:
            return (self._root / address).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ProviderError(f"{address} is gone", hint="somebody removed the ticket") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ProviderError(f"{address} cannot be read: {error}") from error

    def edit(self, address: str, values: Mapping[str, Value], more: str = "") -> None:
        """Change fields in the head of a ticket and add to the end of its text, atomically, and nothing else.

        Raises:
            ProviderError: it is gone, or cannot be written.
        """
        target = self._root / address
        try:
            text = target.read_bytes().decode()
            with _temporary(target.parent, edit_header(text, values) + more) as temporary:
                Path(temporary).replace(target)
            _sync(target.parent)
        except FileNotFoundError:
            raise ProviderError(f"{address} is gone", hint="somebody removed the ticket") from None
        except OSError as error:
            raise ProviderError(f"{address} cannot be written: {error.strerror}") from error


class _temporary:  # noqa: N801 - reads as the function that it is used as
    """A file with a text, safely on disk, beside its final place; gone afterwards, unless it was renamed."""

    def __init__(self, folder: Path, text: str) -> None:
        self._folder = folder
        self._text = text

    def __enter__(self) -> str:
        handle, self._name = tempfile.mkstemp(prefix=".ticket-", suffix=".tmp", dir=self._folder)
        with os.fdopen(handle, "wb") as out:
            out.write(self._text.encode())
            out.flush()
            if os.name != "nt":
                os.fchmod(out.fileno(), 0o666 & ~_umask())
            os.fsync(out.fileno())
        return self._name

    def __exit__(self, *_: object) -> None:
        with suppress(FileNotFoundError):
            Path(self._name).unlink()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fail(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise ProviderError(f"{error.filename} cannot be read: {error.strerror}") from error


def _line_of(text: str, name: str) -> int:
    """Return the line of a field in a head; 1 where it has none."""
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(f"{name}:")), 1)


def _names_app(text: str, app: str) -> bool:
    return read_header(text)[0].get("app", app) == app


def _twice(records: list[Record]) -> Iterator[str]:
    """Yield a fault for each key that two files have."""
    seen: dict[str, str] = {}
    for record in records:
        if record.key in seen:
            yield f"{record.address}: the same ticket as {seen[record.key]}; remove one of them"
        seen.setdefault(record.key, record.address)
