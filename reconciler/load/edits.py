"""The lines of YAML that lie between a commit and the work tree, whatever stands around them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reconciler.load.repository import Repository

_DIFF = (
    *("-c", "core.quotePath=false", "diff-index", "--patch", "--unified=0", "--no-renames", "--no-color"),
    *("--no-ext-diff", "--no-textconv", "--diff-algorithm=myers", "--no-indent-heuristic", "--relative"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--diff-filter=M"),
)


@dataclass(frozen=True, slots=True)
class Edits:
    """What a pull request changes in the YAML.

    Attributes:
        digest: SHA-256 (hex) over the lines that come and go, file by file, without their numbers.
        removed: path → the numbers of the commit's lines that are gone or changed; None for a whole file.
    """

    digest: str = ""
    removed: Mapping[str, tuple[range, ...] | None] = field(default_factory=dict)

    def takes(self, path: str, line: int) -> bool:
        """Say whether a line of the commit is gone or changed."""
        ranges = self.removed.get(path, ())
        return ranges is None or any(line in one for one in ranges)


def read_edits(repository: Repository, commit: str, before: Mapping[str, bytes], now: Mapping[str, bytes]) -> Edits:
    """Return what the work tree adds to a commit's YAML and takes from it.

    Args:
        repository: around the folder of `reconciler.yaml`.
        commit: empty for the one before the first.
        before: path → SHA-256 of the commit's files.
        now: path → SHA-256 of the work tree's.
    """
    changed = sorted(path for path in before.keys() & now.keys() if before[path] != now[path])
    patches = _patches(repository, commit, changed) if changed else {}
    digest = hashlib.sha256()
    removed: dict[str, tuple[range, ...] | None] = {}
    for path in sorted({path for path in {*before, *now} if before.get(path) != now.get(path)}):
        patch = patches.get(path)
        if patch is None:
            lines: Iterable[bytes] = (before.get(path, b"none"), now.get(path, b"none"))
            removed[path] = None
        else:
            lines = [line for line in patch if line[:1] in {b"+", b"-"}]
            removed[path] = tuple(_ranges(patch))
        digest.update(b"%d:%s\0" % (len(path.encode()), path.encode()))
        digest.update(hashlib.sha256(b"\n".join(lines)).digest())
    return Edits(digest.hexdigest(), removed)


def _patches(repository: Repository, commit: str, paths: Iterable[str]) -> dict[str, list[bytes]]:
    """Return path → the hunks of its patch; a path that git has to quote is left out."""
    answer = repository.run(*_DIFF, commit, "--", *_folders(paths))
    found: dict[str, list[bytes]] = {}
    head: list[bytes] = []
    lines: list[bytes] | None = None
    for line in answer.split(b"\n"):
        if line.startswith(b"diff --git "):
            head, lines = [], None
        elif lines is None and line.startswith(b"+++ b/"):
            name = line[6:].rstrip(b"\t").decode("utf-8", "surrogateescape")
            lines = found.setdefault(name, [])
        elif lines is None:
            head.append(line)
        elif line:
            lines.append(line)
    return found


def _folders(paths: Iterable[str]) -> list[str]:
    """Return the paths, or the folders around them where there are many: a command line has an end."""
    listed = [f":(literal){path}" for path in paths]
    if len(listed) <= 500:  # noqa: PLR2004 - far below the bound of any system
        return listed
    return sorted({f":(literal){PurePosixPath(path).parts[0]}" for path in paths})


def _ranges(patch: Iterable[bytes]) -> Iterator[range]:
    for line in patch:
        if line.startswith(b"@@ -"):
            start, _, count = line[4:].split(b" ", 1)[0].partition(b",")
            yield range(int(start), int(start) + int(count or 1))
