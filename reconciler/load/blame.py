"""Who wrote a line of YAML, with which commit, by which pull request; and which commit took a line away.

`git blame` is asked once a file, and only for the lines that matter. What a shallow clone cannot know is left out: the
oldest commit that it has would be blamed for everything before it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from reconciler.load.repository import NOBODY, Repository

MOST_LINES: Final = 400
"""From how many places in one file on the whole file is asked about, or nothing where lines were removed."""

_NUMBERED: Final = re.compile(r"\(#(\d+)\)\s*$|\bpull request #(\d+)", re.IGNORECASE)
_COMMITS: Final = 5_000
_LONGEST: Final = 1_000
_BLAME: Final = ("-c", "blame.ignoreRevsFile=", "blame", "--porcelain")


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that a line comes from; `author` is whatever was written there."""

    commit: str
    author: str
    at: datetime
    pull_request: str = ""
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


class Blame:
    """Asks git about lines, and about each commit once.

    Args:
        repository: around the folder of `reconciler.yaml`.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._merged: Mapping[str, str] | None = None

    def origins(self, path: str, lines: Collection[int]) -> dict[int, Origin]:
        """Return line → its origin, of the lines of a file in the work tree that are committed and known."""
        ranges = _ranges(lines) if len(lines) <= MOST_LINES else ()
        status, answer, _ = self._repository.ask(*_BLAME, *ranges, "--", path)
        found = _parse(answer) if status == 0 else {}
        return {line: self._numbered(found[line]) for line in lines if line in found and self._is_known(found[line])}

    def removals(self, path: str, lines: Collection[int], base: str) -> dict[int, Origin]:
        """Return line of a file at `base` → the commit that took it away on the way to what is checked out."""
        head = self._repository.head
        if not base or not head or base == head or len(lines) > MOST_LINES:
            return {}
        asked = ("--reverse", f"{base}..{head}", *_ranges(lines), "--", path)
        status, answer, _ = self._repository.ask(*_BLAME, *asked)
        last = _parse(answer, original=True) if status == 0 else {}
        gone = {
            line: self._remover(origin.commit, path, origin.text)
            for line, origin in last.items()
            if origin.commit != head
        }
        known = {commit: self._commit(commit) for commit in sorted(set(filter(None, gone.values())))}
        return {line: self._numbered(known[commit]) for line, commit in gone.items() if commit in known}

    def _remover(self, commit: str, path: str, text: str) -> str:
        """Return the commit after one that had a line, among those that changed its file; not a merge, but its cause.

        A branch that parted before `commit` is not on the way from there; which of its commits took the line away is
        told by the line itself.
        """
        head = self._repository.head
        found = self._first("rev-list", "--reverse", "--topo-order", "--ancestry-path", f"{commit}..{head}", "--", path)
        found = found or self._first("rev-list", "--reverse", "--topo-order", "--ancestry-path", f"{commit}..{head}")
        if not found or len(self._repository.parents(found)) < 2:  # noqa: PLR2004 - a merge has two at least
            return found
        brought = ("log", "--no-merges", "--format=%H", f"{commit}..{found}")
        return self._first(*brought, f"-S{text[:_LONGEST]}", "--", path) or found

    def _first(self, *arguments: str) -> str:
        status, answer, _ = self._repository.ask(*arguments)
        return answer.decode().split("\n", 1)[0] if status == 0 else ""

    def _commit(self, commit: str) -> Origin:
        answer = self._repository.run("show", "--no-patch", "--format=%an%x00%at%x00%s", commit)
        author, at, subject = answer.decode("utf-8", "replace").rstrip("\n").split("\0")
        return Origin(commit, author, datetime.fromtimestamp(int(at), UTC), subject=subject)

    def _is_known(self, origin: Origin) -> bool:
        return not NOBODY.fullmatch(origin.commit) and origin.commit not in self._repository.shallow

    def _numbered(self, origin: Origin) -> Origin:
        """Add the number of the pull request: from the commit's own subject, or from the merge that brought it."""
        number = _number(origin.subject)
        if not number:
            if self._merged is None:
                self._merged = _merged_by(self._repository)
            number = self._merged.get(origin.commit, "")
        return replace(origin, pull_request=number)


def _ranges(lines: Iterable[int]) -> tuple[str, ...]:
    """Return the `-L` options for some lines; neighbours go together."""
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return tuple(f"-L{start},{end}" for start, end in found)


def _parse(answer: bytes, *, original: bool = False) -> dict[int, Origin]:
    """Return line → origin; the format is that of https://git-scm.com/docs/git-blame#_the_porcelain_format."""
    commits: dict[str, dict[str, str]] = {}
    lines: dict[int, str] = {}
    texts: dict[int, str] = {}
    commit = ""
    for line in answer.split(b"\n"):
        if line.startswith(b"\t"):
            texts[next(reversed(lines))] = line[1:].decode("utf-8", "replace")
            commit = ""
        elif not commit:
            words = line.decode().split()
            if words:
                commit = words[0]
                lines[int(words[1 if original else 2])] = commit
                commits.setdefault(commit, {})
        else:
            key, _, value = line.decode("utf-8", "replace").partition(" ")
            commits[commit][key] = value
    made = {name: _origin(name, about) for name, about in commits.items()}
    return {line: replace(made[name], text=texts.get(line, "")) for line, name in lines.items()}


def _origin(commit: str, about: Mapping[str, str]) -> Origin:
    at = datetime.fromtimestamp(int(about.get("author-time", "0")), UTC)
    return Origin(commit, about.get("author", ""), at, subject=about.get("summary", ""))


def _number(subject: str) -> str:
    found = _NUMBERED.search(subject)
    return (found[1] or found[2]) if found else ""


def _merged_by(repository: Repository) -> dict[str, str]:
    """Return commit → the number of the pull request whose merge commit brought it to the branch."""
    layout = "--format=%H%x00%P%x00%s"
    status, answer, _ = repository.ask("log", "--topo-order", "-n", str(_COMMITS), layout, "HEAD")
    rows = [row.split("\0") for row in answer.decode("utf-8", "replace").splitlines()] if status == 0 else []
    parents = {commit: above.split() for commit, above, _ in rows}
    subjects = {commit: subject for commit, _, subject in rows}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for commit in reversed(list(_mainline(repository.head, parents))):
        seen.add(commit)
        number = _number(subjects[commit])
        for brought in _brought(parents[commit][1:], parents, seen):
            found[brought] = number
    return {commit: number for commit, number in found.items() if number}


def _mainline(head: str, parents: Mapping[str, list[str]]) -> Iterator[str]:
    commit = head
    while commit in parents:
        yield commit
        commit = parents[commit][0] if parents[commit] else ""


def _brought(starts: Iterable[str], parents: Mapping[str, list[str]], seen: set[str]) -> Iterator[str]:
    """Yield what is reachable from a merge's further parents and was not on the branch before."""
    waiting = list(starts)
    while waiting:
        commit = waiting.pop()
        if commit in parents and commit not in seen:
            seen.add(commit)
            yield commit
            waiting.extend(parents[commit])
