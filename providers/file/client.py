"""Files as bytes and text: inside the tree, locked while they are written, replaced whole or not at all."""

import codecs
import hashlib
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import ProviderError

MAX_BYTES = 1 << 30
LOCK_SECONDS = 10.0
_MARK = codecs.BOM_UTF8
_OTHER_ENCODING = "export it as UTF-8, or say its `encoding:` (such as cp1252, which older Excels write)"

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, slots=True)
class Content:
    """One file as it was read.

    Attributes:
        path: as the configuration names it: what messages say.
        digest: SHA-256 of the bytes, as hex.
        modified: when it was last written.
        data: the bytes of a file that is no text; empty for text.
    """

    path: str
    text: str
    digest: str
    modified: datetime
    encoding: str
    data: bytes = b""


def locate(root: Path, path: str) -> Path:
    """Return where a configured path is.

    Raises:
        ProviderError: it is absolute, or leads out of the tree (also by a symbolic link).
    """
    target = (root / path).resolve()
    if Path(path).is_absolute() or not target.is_relative_to(root.resolve()):
        raise ProviderError(
            f"{path} is outside of the folder of reconciler.yaml", hint="use a path relative to it, without leaving it"
        )
    return target


def read_content(root: Path, path: str, encoding: str) -> Content:
    """Read and decode one file; a byte order mark is dropped.

    Raises:
        ProviderError: it is missing, no plain file, too large, empty or wrongly encoded; the message names the line.
    """
    data, modified = _read_bytes(locate(root, path), path)
    if not data.strip():
        raise ProviderError(
            f"{path} is empty: not even a header", hint="an export without accounts still has its header"
        )
    return Content(path, decode(data, path, encoding), hashlib.sha256(data).hexdigest(), modified, encoding)


def read_binary(root: Path, path: str) -> Content:
    """Read a file that is no text.

    Raises:
        ProviderError: it is missing, no plain file, or too large.
    """
    data, modified = _read_bytes(locate(root, path), path)
    return Content(path, "", hashlib.sha256(data).hexdigest(), modified, "", data)


def list_names(root: Path, path: str) -> list[str]:
    """Return the paths of the files that a path with a `*` in its name stands for, sorted.

    Raises:
        ProviderError: the folder is outside of the tree, or cannot be read.
    """
    folder, slash, name = path.rpartition("/")
    like = re.compile(re.escape(name).replace(r"\*", ".*"), re.DOTALL)
    try:
        found = sorted(entry.name for entry in locate(root, folder or ".").iterdir() if like.fullmatch(entry.name))
    except OSError as error:
        raise ProviderError(f"{folder or '.'} cannot be read: {error.strerror}") from error
    return [f"{folder}{slash}{one}" for one in found]


def _read_bytes(target: Path, path: str) -> tuple[bytes, datetime]:
    try:
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ProviderError(f"{path} is not a plain file")
        if status.st_size > MAX_BYTES:
            raise ProviderError(f"{path} is larger than {MAX_BYTES >> 20} MiB", hint="split the app, or export less")
        return target.read_bytes(), datetime.fromtimestamp(status.st_mtime, UTC)
    except FileNotFoundError:
        raise ProviderError(f"{path} does not exist", hint="export it from the app, or correct the path") from None
    except OSError as error:
        raise ProviderError(f"{path} cannot be read: {error.strerror}") from error


def decode(data: bytes, path: str, encoding: str) -> str:
    """Decode bytes strictly.

    Raises:
        ProviderError: the bytes are not in this encoding, or hold NUL (a sign of another one); names the line.
    """
    try:
        text = data.removeprefix(_MARK).decode() if _is_utf8(encoding) else data.decode(encoding)
    except LookupError:
        raise ProviderError(f"{path}: there is no encoding {encoding!r}") from None
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data.count(b"\n", 0, start) + 1
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        hint = "it begins like UTF-16: write `encoding: utf-16`" if utf16 else _OTHER_ENCODING
        raise ProviderError(f"{path}:{line}: this is not {encoding} (byte 0x{data[start]:02x})", hint=hint) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ProviderError(f"{path}:{line}: a NUL character", hint="the `encoding:` may be another, such as utf-16")
    return text


def digest_of(root: Path, path: str) -> str:
    """Return the SHA-256 of a file's bytes, as hex.

    Raises:
        ProviderError: it cannot be read.
    """
    return hashlib.sha256(_read_bytes(locate(root, path), path)[0]).hexdigest()


@contextmanager
def lock(root: Path, path: str) -> Iterator[None]:
    """Keep other writers of the same folder out, for as long as the context lasts. Dies with the process.

    Raises:
        ProviderError: somebody else holds it for longer than `LOCK_SECONDS`, or the system has no such locks.
    """
    if sys.platform == "win32":
        raise ProviderError(f"{path} cannot be locked on this system", hint="writable files need a POSIX system")
    folder = os.open(locate(root, path).parent, os.O_RDONLY)
    try:
        _wait_for(folder, path)
        yield
    finally:
        os.close(folder)


def _wait_for(folder: int, path: str) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ProviderError(f"{path} is being written by somebody else", hint="try again") from None
            time.sleep(0.02)
        else:
            return


def replace(root: Path, path: str, text: str, before: Content) -> Content:
    """Replace a file's content atomically: it holds the old text or the new one, at every moment, also after a crash.

    Keeps the encoding, the byte order mark and the permissions. The lock must be held.

    Raises:
        ProviderError: the file is no longer what was read before, or cannot be written.
    """
    target = locate(root, path)
    old, _ = _read_bytes(target, path)
    if hashlib.sha256(old).hexdigest() != before.digest:
        raise ProviderError(
            f"{path} was changed by somebody else since it was read", hint="nothing was written; plan again"
        )
    data = _encode(text, path, before.encoding, old)
    try:
        _write_beside(target, data)
    except OSError as error:
        raise ProviderError(f"{path} cannot be written: {error.strerror}") from error
    return Content(path, text, hashlib.sha256(data).hexdigest(), datetime.now(UTC), before.encoding)


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}


def _encode(text: str, path: str, encoding: str, old: bytes) -> bytes:
    try:
        data = text.encode("utf-8" if _is_utf8(encoding) else encoding)
    except UnicodeEncodeError as error:
        raise ProviderError(f"{path}: {text[error.start]!r} cannot be written in {encoding}") from None
    return _MARK + data if _is_utf8(encoding) and old.startswith(_MARK) else data


def _write_beside(target: Path, data: bytes) -> None:
    """Write a temporary file in the same folder, and rename it over the target once it is on disk."""
    prefix = f".{target.name}."
    for left in target.parent.glob(f"{glob_safe(prefix)}*.tmp"):
        with suppress(OSError):  # left by a run that was killed; we hold the lock, so nobody is writing it
            left.unlink()
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), stat.S_IMODE(target.stat().st_mode))
            os.fsync(out.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def glob_safe(text: str) -> str:
    """Escape what a glob pattern would take for more than itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
