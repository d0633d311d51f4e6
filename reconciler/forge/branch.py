"""A branch for a pull request, made without a checkout: work tree, index and local branches stay as they are.

Contents become blobs, an index of our own becomes a tree, the tree a commit, and the commit is pushed by its id
(https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    import git

_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
_PATIENCE: Final = 120.0
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_REGULAR: Final = "100644"
_NO_TEXT: Final = 128
"""From this exit code on `git merge-file` failed; below it is the number of conflicts."""
_NOBODY: Final = {"NAME": "reconciler", "EMAIL": "reconciler@localhost"}


class Base(NamedTuple):
    """What a pull request starts from: the branch's name and its newest commit."""

    branch: str
    commit: str


class Clone:
    """The git repository around a folder; paths are relative to that folder.

    Args:
        root: a folder in its work tree.

    Raises:
        ConfigurationError: there is no repository.
    """

    def __init__(self, root: Path) -> None:
        import git  # noqa: PLC0415 - takes long to import, and only what proposes changes needs it

        try:
            self._repo = git.Repo(root, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise ConfigurationError(
                f"{root} is in no git repository", hint="run it in a clone, or change the files only: --local"
            ) from error
        self._root = root
        self._prefix = self._git("rev-parse", "--show-prefix").decode().strip("\n")

    @cached_property
    def remote(self) -> str:
        """Return the remote's name: `origin`, or the only one.

        Raises:
            ConfigurationError: none is the obvious one.
        """
        return _choose_remote(self._repo)

    def history(self) -> Iterator[str]:
        """Yield the commits that led here, the newest first, of those that changed something in the folder."""
        answer = self._git("rev-list", "--first-parent", "HEAD", "--", ".")
        yield from answer.decode().split()

    def close(self) -> None:
        """End what git still runs."""
        self._repo.close()

    def base(self, branch: str = "") -> Base:
        """Return the newest commit of a branch of the remote, fetched; of its default branch where none is named.

        Raises:
            ConfigurationError: there is no such branch, or the remote does not answer.
        """
        branch = branch or self._default_branch()
        commit = self.newest(branch)
        if not commit:
            raise ConfigurationError(f"{self.remote} has no branch {branch!r}", hint="name another one: --base BRANCH")
        if self._run("cat-file", "-e", f"{commit}^{{tree}}")[0]:
            depth = ["--depth=1"] if self._git("rev-parse", "--is-shallow-repository").strip() == b"true" else []
            fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=")
            self._git(*fetch, *depth, self.remote, f"refs/heads/{branch}", network=True)
        return Base(branch, commit)

    def _default_branch(self) -> str:
        answer = self._git("ls-remote", "--symref", self.remote, "HEAD", network=True).decode()
        found = re.match(r"ref: refs/heads/(\S+)\tHEAD\n", answer)
        if not found:
            raise ConfigurationError(f"{self.remote} has no default branch", hint="name one: --base BRANCH")
        return found[1]

    def newest(self, branch: str) -> str:
        """Return the id of the newest commit of a branch of the remote; empty if there is no such branch."""
        answer = self._git("ls-remote", self.remote, f"refs/heads/{branch}", network=True)
        return answer.split()[0].decode() if answer.strip() else ""

    def files(self, commit: str) -> "RevisionContents":
        """Return the files of a commit under the folder."""
        tree = f"{commit}:{self._prefix}".rstrip("/") if self._prefix else commit
        entries = self._git("ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape").split("\0")
        found = (entry.partition("\t") for entry in entries if entry)
        return RevisionContents(self, {path: about.split()[2] for about, _, path in found if about.startswith("100")})

    def read(self, blobs: Sequence[str]) -> list[bytes]:
        """Return the contents of blobs, all of them by one process."""
        answer = self._git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode())
        found, start = [], 0
        for _ in blobs:
            end = answer.index(b"\n", start)
            size = int(answer[start:end].split()[2])
            found.append(answer[end + 1 : end + 1 + size])
            start = end + size + 2
        return found

    def holds(self, branch: str, changes: Mapping[str, bytes], base: str) -> bool:
        """Say whether a branch of the remote has the given files, and is one commit that changes nothing else.

        Args:
            branch: its name.
            changes: path → content.
            base: the commit that the branch must have begun at, or before.
        """
        commit = self.base(branch).commit
        there = self.files(commit)
        if any((there.get(path) or b"") != content for path, content in changes.items()):
            return False
        if self._run("rev-parse", "--verify", "--quiet", f"{commit}^")[0]:
            return True  # of a shallow clone no more is known
        if self._run("merge-base", "--is-ancestor", f"{commit}^", base)[0]:
            return False
        changed = self._git("diff-tree", "-r", "-z", "--no-renames", "--name-only", f"{commit}^", commit)
        names = set(changed.decode("utf-8", "surrogateescape").split("\0")) - {""}
        return names == {f"{self._prefix}{path}" for path in changes}

    def remove(self, branch: str) -> None:
        """Delete a branch of the remote; it is fine if it is gone already.

        Raises:
            ConfigurationError: the remote does not accept it.
        """
        if there := self.newest(branch):
            lease = f"--force-with-lease=refs/heads/{branch}:{there}"
            self._git("push", "--quiet", "--no-verify", lease, self.remote, f":refs/heads/{branch}", network=True)

    def commit(self, parent: str, changes: Mapping[str, bytes], message: str) -> str:
        """Make a commit with other contents of some files, and return its id; nothing points to it yet.

        Args:
            parent: the commit that it continues.
            changes: path → its content; a file that holds nothing any more is gone.
            message: of the commit.
        """
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("read-tree", parent, env=index)
            entries = "".join(
                f"{self._mode(parent, path)} {self._blob(data)}\t{self._prefix}{path}\0"
                if data
                else f"0 {'0' * len(parent)}\t{self._prefix}{path}\0"
                for path, data in changes.items()
            )
            self._git("update-index", "-z", "--index-info", stdin=entries.encode(), env=index)
            tree = self._git("write-tree", env=index).decode().strip()
        return (
            self._git("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode(), env=self._author())
            .decode()
            .strip()
        )

    def merge(self, ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
        """Return a file with what two sides made of it since they parted; None where they contradict each other.

        Raises:
            ConfigurationError: it cannot be merged at all: it is no text.
        """
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
            for path, content in zip(paths, (ours, base, theirs), strict=True):
                path.write_bytes(content)
            status, answer, said = self._run("merge-file", "--stdout", "--quiet", *map(str, paths))
        if status >= _NO_TEXT:
            raise ConfigurationError(f"git cannot merge it: {said.strip() or status}", hint="change it by hand")
        return None if status else answer

    def _mode(self, parent: str, path: str) -> str:
        about = self._git("ls-tree", "-z", "--full-tree", parent, f":(literal){self._prefix}{path}").decode()
        return about.split()[0] if about else _REGULAR

    def _blob(self, content: bytes) -> str:
        return self._git("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def _author(self) -> dict[str, str]:
        """Return who commits: git knows, or nobody in particular (a runner)."""
        known = all(self._run("var", f"GIT_{role}_IDENT")[0] == 0 for role in ("AUTHOR", "COMMITTER"))
        if known:
            return {}
        return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _NOBODY.items()}

    def push(self, commit: str, branch: str) -> None:
        """Make a commit the newest of a branch of the remote, whatever an earlier try left there.

        Raises:
            ConfigurationError: the remote does not accept it.
        """
        there = self.newest(branch)
        lease = f"--force-with-lease=refs/heads/{branch}:{there}"
        self._git("push", "--quiet", "--no-verify", lease, self.remote, f"{commit}:refs/heads/{branch}", network=True)

    def _git(
        self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, network: bool = False
    ) -> bytes:
        status, answer, said = self._run(*arguments, stdin=stdin, env=env, network=network)
        if status:
            raise ConfigurationError(
                f"git {arguments[0]}: {said or f'exit code {status}'}",
                hint="check the remote, the network and the credentials of git here",
            )
        return answer

    def _run(
        self, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, network: bool = False
    ) -> tuple[int, bytes, str]:
        """Run git and return its exit code, its output, and the last line that it complained with."""
        more: dict[str, Any] = {"kill_after_timeout": _PATIENCE} if network else {}
        with tempfile.TemporaryFile() as given:
            given.write(stdin or b"")
            given.seek(0)
            done: Any = self._repo.git.execute(
                ["git", "-C", str(self._root), *arguments],
                istream=given,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env={**_ENVIRONMENT, **(env or {})},
                **more,
            )
        status, output, said = done
        lines = [line for line in str(said).splitlines() if line.strip() and not line.startswith("hint:")]
        return int(status), bytes(output), _PASSWORD.sub("", lines[-1].strip()) if lines else ""


class RevisionContents(Mapping[str, bytes]):
    """The YAML files of a commit, all of them read when one is first asked for."""

    def __init__(self, clone: Clone, blobs: Mapping[str, str]) -> None:
        self._clone = clone
        self._blobs = {path: blob for path, blob in blobs.items() if path.endswith((".yaml", ".yml"))}

    def __getitem__(self, path: str) -> bytes:
        return self._contents[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        return dict(zip(self._blobs, self._clone.read(list(self._blobs.values())), strict=True))


def _choose_remote(repo: "git.Repo") -> str:
    names = [remote.name for remote in repo.remotes]
    if "origin" in names or len(names) == 1:
        return "origin" if "origin" in names else names[0]
    said = f"several remotes ({', '.join(names)}), and none is called origin" if names else "no remote"
    raise ConfigurationError(
        f"the repository has {said}: nowhere to push to", hint="change the files only, and commit yourself: --local"
    )


def write_branch_name(prefix: str, words: str, digest: str) -> str:
    """Return a branch's name: `request/give-ana-figma-role-admin-1a2b3c4d`, of letters and digits only.

    Args:
        prefix: its folder.
        words: what it is about, for people.
        digest: hex, which tells two of them apart; may be empty.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", words.casefold())[:80].strip("-")
    return f"{prefix}/{slug}-{digest[:8]}" if digest else f"{prefix}/{slug}"
