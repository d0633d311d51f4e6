"""Which files of a folder are ours, and their content: nothing outside the folder, nothing that is no regular file."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from reconciler.problems import Place, Problem, Severity

SETTINGS_NAMES = ("reconciler.yaml", "reconciler.yml")
MAX_FILE = 256 * 1024 * 1024
MAX_FILES = 200_000
MAX_FOLDERS = 64

_ENDINGS = (".yaml", ".yml")
_SKIPPED = frozenset({"node_modules"})


@dataclass(slots=True)
class Found:
    """The files of a tree, and what is wrong with some: paths are relative to the root, with forward slashes."""

    paths: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, path: str, message: str, hint: str, *, error: bool = True) -> None:
        """Note what is wrong with a path."""
        shown = path.encode("utf-8", "backslashreplace").decode()
        severity = Severity.ERROR if error else Severity.WARNING
        self.problems.append(Problem(Place(_printable(shown), 1 if error else 0), severity, message, hint))


def find_files(root: Path, ignored: Sequence[str] = ()) -> Found:
    """Return the YAML files under a folder, sorted by path.

    Hidden folders and files, `node_modules`, `reconciler.yaml` of the root and what `ignored` matches are left out. A
    link to a file inside the root is read unless its target is read anyway; one that leads out is an error. Linked
    folders are not followed.

    Args:
        root: an existing folder.
        ignored: patterns as `matches_any` takes them.
    """
    found, links = Found(), []
    for path, entry in _walk(str(root), "", found, ignored, 0):
        if entry.is_symlink():
            links.append(path)
        elif entry.is_file(follow_symlinks=False):
            found.paths.append(path)
        else:
            found.complain(path, "this is no regular file", "remove it, or add it to `ignore` in reconciler.yaml")
        if len(found.paths) > MAX_FILES:
            found.complain(
                path, f"more than {MAX_FILES:,} YAML files", "is this the right folder? add others to `ignore`"
            )
            break
    _add_links(root.resolve(), links, found)
    found.paths.sort()
    return found


def _walk(
    root: str, folder: str, found: Found, ignored: Sequence[str], depth: int
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Yield the YAML entries of a folder and of those inside it."""
    if depth > MAX_FOLDERS:
        found.complain(
            folder, f"folders are nested more than {MAX_FOLDERS} deep", "move them up, or add them to `ignore`"
        )
        return
    try:
        entries = sorted(os.scandir(f"{root}/{folder}"), key=lambda entry: entry.name)
    except OSError as error:
        found.complain(
            folder or ".", f"this folder cannot be read: {error.strerror}", "make it readable, or add it to `ignore`"
        )
        return
    for entry in entries:
        name = entry.name
        if name[0] == "." or name in _SKIPPED:
            continue
        path = f"{folder}/{name}" if folder else name
        yaml = name.endswith(_ENDINGS)
        linked = entry.is_symlink()
        if entry.is_dir(follow_symlinks=False):
            if not matches_any(path, ignored):
                yield from _walk(root, path, found, ignored, depth + 1)
        elif (yaml or linked) and not matches_any(path, ignored) and path not in SETTINGS_NAMES:
            if linked and os.path.isdir(entry.path):  # noqa: PTH112 - unlike `entry.is_dir`, false for a link to itself
                found.complain(
                    path, "a link to a folder is not followed", "add it to `ignore` in reconciler.yaml", error=False
                )
            elif yaml and _is_nameable(path, found):
                yield path, entry


def _is_nameable(path: str, found: Found) -> bool:
    """Say whether a path can be shown in messages and kept in files."""
    if path.isprintable() and path.isascii():
        return True
    try:
        path.encode()
    except UnicodeEncodeError:
        found.complain(path, "the name of this file is not UTF-8", "rename it")
        return False
    if re.search(r"[\x00-\x1f\x7f-\x9f]", path):
        found.complain(path, "the name of this file holds control characters", "rename it")
        return False
    return True


def _add_links(root: Path, links: Sequence[str], found: Found) -> None:
    """Add the files that links inside the root lead to, unless they are read anyway."""
    known = {os.path.realpath(root / path) for path in found.paths} if links else set()
    for path in links:
        target = os.path.realpath(root / path)
        if not target.startswith(f"{root}{os.sep}"):
            found.complain(
                path, "this link leads out of the repository", "copy the file here, or add the link to `ignore`"
            )
        elif not os.path.isfile(target):  # noqa: PTH113 - a text already
            found.complain(path, "this link leads to no file", "remove it")
        elif target not in known:
            known.add(target)
            found.paths.append(path)


def read_content(path: str) -> bytes:
    """Return the content of a regular file within bounds; never waits for a pipe.

    Raises:
        OSError: it cannot be read, is no regular file, or is too large; the message is for people.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "this is no regular file")
        if about.st_size > MAX_FILE:
            raise OSError(0, f"this file is larger than {MAX_FILE // 1024 // 1024} MB")
        return _read_all(handle, about.st_size)
    finally:
        os.close(handle)


def _read_all(handle: int, size: int) -> bytes:
    """Read up to the end: a file may be read in parts, and may grow meanwhile."""
    parts = []
    while part := os.read(handle, size + 1):
        parts.append(part)
        size = max(size - len(part), 4096)
        if sum(map(len, parts)) > MAX_FILE:
            raise OSError(0, f"this file is larger than {MAX_FILE // 1024 // 1024} MB")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def is_ours(path: str, ignored: Sequence[str] = ()) -> bool:
    """Say whether a path (relative to the root) is one that `find_files` would find."""
    names = path.split("/")
    folders = ("/".join(names[:end]) for end in range(1, len(names)))
    return (
        names[-1].endswith(_ENDINGS)
        and path not in SETTINGS_NAMES
        and not any(name[:1] in {".", ""} or name in _SKIPPED for name in names)
        and not any(matches_any(one, ignored) for one in (path, *folders))
    )


def matches_any(path: str, patterns: Sequence[str]) -> bool:
    """Say whether a path is matched by a pattern, as .gitignore would.

    `*` and `?` match within one name and `**` across folders; a pattern without a slash matches a name anywhere; what
    matches a folder matches everything in it.
    """
    return any(_compile(pattern).match(path) for pattern in patterns)


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    anchored = "/" in pattern.rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    special = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(special.get(part, re.escape(part)) for part in parts)
    return re.compile(f"{'' if anchored else '(?:.*/)?'}{body}(?:/.*)?$", re.DOTALL)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
