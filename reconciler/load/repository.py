"""The git repository around a folder: commits, their files by blob id, and what git says about lines. Reads only.

Nothing is checked out and no ref is moved; a commit that a shallow clone lacks is fetched, and only that one. Git's
plumbing: https://git-scm.com/docs/git-cat-file, https://git-scm.com/docs/git-ls-tree.
"""

import re
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from reconciler.errors import ConfigurationError

NOBODY: Final = re.compile(r"0{40}|0{64}")
"""What forges call the commit before the first one."""

_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
_PATIENCE: Final = 120.0
_HEX: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PARENT: Final = re.compile(r"(?:HEAD|@)(?:\^([12]?)|~1?)")
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")


class Entry(NamedTuple):
    """One file of a commit: its mode (`100644`, `120000` for a link) and the id of its content."""

    mode: str
    blob: str


class Repository:
    """The repository around a folder.

    Args:
        root: a folder in its work tree; paths are relative to it.

    Raises:
        ConfigurationError: there is no repository, or git does not want to use it.
    """

    def __init__(self, root: Path) -> None:
        import git  # noqa: PLC0415 - takes long to import, and only what compares revisions needs it

        try:
            self._repo = git.Repo(root, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise ConfigurationError(
                f"{root} is in no git repository", hint="run it in a clone of the repository that holds the YAML"
            ) from error
        self.root = root.resolve()

    def close(self) -> None:
        """End what git still runs."""
        self._repo.close()

    @cached_property
    def prefix(self) -> str:
        """Return the folder's path in the work tree, with a slash at its end, or empty."""
        return self.run("rev-parse", "--show-prefix").decode().strip("\n")

    @cached_property
    def shallow(self) -> frozenset[str]:
        """Return the commits whose parents are missing here."""
        path = Path(self.run("rev-parse", "--git-path", "shallow").decode().strip())
        path = path if path.is_absolute() else self.root / path
        return frozenset(path.read_text(encoding="ascii").split()) if path.is_file() else frozenset()

    @cached_property
    def head(self) -> str:
        """Return the commit that is checked out; empty where there is none yet."""
        status, answer, _ = self.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return "" if status else answer.decode().strip()

    def resolve(self, revision: str) -> str:
        """Return the id of a branch's, a tag's or any other commit, fetched where a shallow clone lacks it.

        Empty for the commit before the first one: `HEAD^` of a first commit, or nothing but zeros, as forges say it.

        Raises:
            ConfigurationError: there is no such revision.
        """
        if NOBODY.fullmatch(revision):
            return ""
        if not revision or revision.startswith("-"):
            raise ConfigurationError(f"{revision!r} is no revision", hint="name a branch, a tag or a commit")
        if (parent := _PARENT.fullmatch(revision)) and self.head:
            return self._parent(revision, int(parent[1] or 1))
        # A tag that somebody pushed under a branch's name does not stand in for the branch.
        for name in (f"refs/heads/{revision}", f"refs/remotes/origin/{revision}", revision):
            status, answer, _ = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if status == 0:
                return answer.decode().strip()
        return self._fetch(revision)

    def _parent(self, revision: str, number: int) -> str:
        parents = self.parents(self.head)
        if not parents and number == 1:
            return ""
        if len(parents) < number:
            raise ConfigurationError(f"{revision}: the commit has no such parent", hint="only a merge has a second one")
        return self._fetch(parents[number - 1])

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the parents that a commit names, also where a shallow clone lacks them."""
        head, _, _ = self.run("cat-file", "commit", commit).partition(b"\n\n")
        return tuple(line[7:].decode() for line in head.splitlines() if line.startswith(b"parent "))

    def _fetch(self, revision: str) -> str:
        """Get one commit from `origin`, without its history; nothing if it is here."""
        if _HEX.fullmatch(revision) and self.ask("cat-file", "-e", f"{revision}^{{tree}}")[0] == 0:
            return revision
        fetch = ("fetch", "--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules")
        refs = [revision] if revision.startswith("refs/") or _HEX.fullmatch(revision) else [f"refs/heads/{revision}"]
        remote = self._remote() if self.shallow or not _HEX.fullmatch(revision) else ""
        said = "the repository has no remote to get it from"
        if remote:
            # A fetch with a depth would make a whole clone shallow.
            words = fetch if self.shallow else tuple(word for word in fetch if not word.startswith("--depth"))
            status, _, said = self.ask(*words, remote, *refs, network=True)
            if status == 0:
                self.__dict__.pop("shallow", None)
                return self.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
        raise ConfigurationError(
            f"there is no revision {revision!r} here, and it cannot be fetched: {said}",
            hint="name an existing branch, tag or commit; in CI check out the whole history (fetch-depth: 0)",
        )

    def _remote(self) -> str:
        names = [remote.name for remote in self._repo.remotes]
        return "origin" if "origin" in names else names[0] if len(names) == 1 else ""

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit that both come from.

        Raises:
            ConfigurationError: there is none, or a shallow clone cannot tell.
        """
        if one == other or one in self.parents(other):
            return one
        status, answer, _ = self.ask("merge-base", one, other)
        if status == 0:
            return answer.decode().split()[0]
        if self.shallow:
            raise ConfigurationError(
                f"this clone is shallow: where {other[:12]} and {one[:12]} part cannot be seen",
                hint="check out the whole history (fetch-depth: 0, or `git fetch --unshallow`), or the merge commit",
            )
        raise ConfigurationError(
            f"{other[:12]} and {one[:12]} have no history in common", hint="name the branch that this one came from"
        )

    def files(self, commit: str) -> dict[str, Entry]:
        """Return the files of a commit under the folder, by their paths relative to it."""
        if not commit:
            return {}
        tree = f"{commit}:{self.prefix}" if self.prefix else commit
        if self.prefix and self.ask("rev-parse", "--verify", "--quiet", tree.rstrip("/"))[0]:
            # The folder came later; whether the commit itself is whole is another question.
            self.run("ls-tree", commit)
            return {}
        answer = self.run("ls-tree", "-r", "-z", "--full-tree", tree.rstrip("/"))
        entries = answer.decode("utf-8", "surrogateescape").split("\0")
        found = (entry.partition("\t") for entry in entries if entry)
        return {path: Entry(about.split()[0], about.split()[2]) for about, _, path in found}

    def read(self, blobs: Sequence[str]) -> list[bytes]:
        """Return contents by their ids, all of them by one process."""
        if not blobs:
            return []
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{blob}\n" for blob in blobs).encode())
            asked.seek(0)
            answer = self.run("cat-file", "--batch", stdin=asked)
        found, start = [], 0
        for blob in blobs:
            end = answer.index(b"\n", start)
            words = answer[start:end].split()
            if len(words) != 3:  # noqa: PLR2004 - id, type, size; `missing` in their place
                raise ConfigurationError(f"git has no object {blob}", hint="fetch it: check out the whole history")
            size = int(words[2])
            found.append(answer[end + 1 : end + 1 + size])
            start = end + size + 2
        return found

    def differing(self, commit: str) -> frozenset[str]:
        """Return the tracked paths under the folder whose files are not, or may not be, as a commit has them."""
        names = self.run("diff-index", "--name-only", "--no-renames", "-z", "--relative", commit, "--", ".")
        return frozenset(filter(None, names.decode("utf-8", "surrogateescape").split("\0")))

    def run(self, *arguments: str, stdin: BinaryIO | None = None) -> bytes:
        """Run git and return its output.

        Raises:
            ConfigurationError: git says no.
        """
        status, answer, said = self.ask(*arguments, stdin=stdin)
        if status:
            raise ConfigurationError(f"git {arguments[0]}: {said or f'exit code {status}'}")
        return answer

    def ask(self, *arguments: str, stdin: BinaryIO | None = None, network: bool = False) -> tuple[int, bytes, str]:
        """Run git and return its exit code, its output, and the last line that it complained with."""
        more: dict[str, Any] = {"kill_after_timeout": _PATIENCE} if network else {}
        done: Any = self._repo.git.execute(
            ["git", "-C", str(self.root), *arguments],
            istream=stdin,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            env=_ENVIRONMENT,
            **more,
        )
        status, output, said = done
        lines = [line for line in str(said).splitlines() if line.strip() and not line.startswith("hint:")]
        return int(status), bytes(output), _PASSWORD.sub("", lines[-1].strip()) if lines else ""


def is_in_git(folder: Path) -> bool:
    """Say whether a folder is in a work tree, without asking git."""
    return any((one / ".git").exists() for one in (folder, *folder.parents))


def link_target(path: str, target: str) -> str:
    """Return the path that a link leads to inside its tree, or empty where it leads out of it."""
    import posixpath  # noqa: PLC0415 - for the few links

    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return "" if found.startswith(("/", "../")) or found == ".." else found
