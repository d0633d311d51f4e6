"""A branch of a git repository as a place for files: read and replaced whole, one commit at a time.

The work tree, the index and every other branch stay as they are: commits are made by `git fast-import`
(https://git-scm.com/docs/git-fast-import) and pushed by their id. A push names what the branch must hold until then
(`--force-with-lease`), so that of two writers one is refused.
"""

import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import uuid4

from reconciler.errors import ConfigurationError, LockError, StateError

if TYPE_CHECKING:
    import git

_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_PATIENCE: Final = 120.0
_NEVER: Final = "0" * 40
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")


class MovedError(LockError):
    """Somebody else wrote to the branch since it was read."""


class RejectedError(StateError):
    """The remote does not accept the commit."""


class GitBranch:
    """One branch, of a remote or of the local repository.

    Args:
        root: a folder in the repository.
        branch: the branch's name, or a whole ref (`refs/tags/…`).
        remote: the remote's name; empty takes `origin`, or the only one, or the local repository where there is none.
        purpose: the setting that names it, for messages.

    Raises:
        ConfigurationError: there is no repository, no such remote, or none of several is the obvious one.
    """

    def __init__(self, root: Path, branch: str, remote: str = "", *, purpose: str = "state") -> None:
        import git  # noqa: PLC0415 - takes long to import, and only this back end needs it

        try:
            self._repo = git.Repo(root, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise ConfigurationError(
                f"{root} is in no git repository, and `{purpose}` names a branch",
                hint=f"run it in a clone, or let `{purpose}` name another place",
            ) from error
        self.name = branch.removeprefix("refs/heads/")
        self.remote = _choose_remote(self._repo, remote)
        self._ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        self._seen = f"refs/reconciler/{branch}"
        self._kept = f"refs/reconciler/kept/{branch}"
        self._shallow = self._git("rev-parse", "--is-shallow-repository").strip() == b"true"

    @property
    def address(self) -> str:
        """Return what users call it: the branch and where it is."""
        return f"branch {self.name} of {self.remote or 'the local repository'}"

    def newest(self) -> str:
        """Return the id of the branch's newest commit, fetched; empty if there is no such branch."""
        for _ in range(3):
            commit = self._ask()
            if not commit or self._has(commit):
                return commit
            depth = ["--depth=1"] if self._shallow else []
            fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *depth]
            self._git(*fetch, self.remote, self._ref, network=True)
            if self._has(commit):
                self._git("update-ref", self._seen, commit)
                return commit
        raise MovedError(f"the {self.address} changes faster than it can be read", hint="try again")

    def _ask(self) -> str:
        """Return the id of the branch's newest commit as the remote says it."""
        if self.remote:
            answer = self._git("ls-remote", "--quiet", self.remote, self._ref, network=True)
        else:
            answer = self._git("for-each-ref", "--format=%(objectname)", self._ref)
        return answer.split()[0].decode() if answer.strip() else ""

    def _has(self, commit: str) -> bool:
        return self._run("cat-file", "-e", f"{commit}^{{tree}}")[0] == 0

    def files(self, commit: str) -> dict[str, str]:
        """Return the files of a commit: path → id of its content."""
        entries = self._git("ls-tree", "-r", "-z", commit).decode().split("\0")
        found = (entry.partition("\t") for entry in entries if entry)
        return {path: about.split()[2] for about, _, path in found}

    def read(self, contents: Sequence[str]) -> list[bytes]:
        """Return contents by their ids."""
        if not contents:
            return []
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{content}\n" for content in contents).encode())
            asked.seek(0)
            answer = self._git("cat-file", "--batch", stdin=asked)
        found, start = [], 0
        for _ in contents:
            end = answer.index(b"\n", start)
            size = int(answer[start:end].split()[2])
            found.append(answer[end + 1 : end + 1 + size])
            start = end + size + 2
        return found

    def follows(self, commit: str, earlier: str) -> bool:
        """Say whether a commit has another one in its history; a shallow clone cannot tell, and believes it."""
        return commit == earlier or self._shallow or not self._run("merge-base", "--is-ancestor", earlier, commit)[0]

    def recall(self) -> str:
        """Return the commit that was remembered in this clone; empty if there is none."""
        return self._git("for-each-ref", "--format=%(objectname)", self._kept).strip().decode()

    def remember(self, commit: str) -> None:
        """Remember a commit in this clone."""
        self._git("update-ref", self._kept, commit)

    def commit(self, parent: str, changes: Mapping[str, bytes | str | None], message: str) -> str:
        """Make a commit and return its id; nothing points to it yet.

        Args:
            parent: what it continues; empty makes the first of a new history.
            changes: path → its content, the id of a content that is there, or None to remove it.
            message: one line.
        """
        temporary = f"refs/reconciler/new/{uuid4().hex}"
        with tempfile.TemporaryFile() as stream:
            stream.write(f"feature done\ncommit {temporary}\n".encode())
            stream.write(f"committer reconciler <reconciler@localhost> {int(time.time())} +0000\n".encode())
            _write_data(stream, message.encode())
            if parent:
                stream.write(f"from {parent}\n".encode())
            for path, content in sorted(changes.items()):
                _write_change(stream, path, content)
            stream.write(b"done\n")
            stream.seek(0)
            self._git("-c", "core.compression=1", "fast-import", "--quiet", "--force", stdin=stream)
        commit = self._git("rev-parse", temporary).strip().decode()
        self._git("update-ref", "-d", temporary)
        return commit

    def publish(self, expected: str, commit: str) -> None:
        """Make a commit the branch's newest, if the branch still holds what it held.

        Args:
            expected: what it must hold until then; empty if there must be no such branch.
            commit: from `commit`.

        Raises:
            MovedError: it holds something else.
            RejectedError: the remote does not accept the commit; the branch is as it was.
            StateError: nobody can tell what it holds now.
        """
        if self.remote:
            lease = f"--force-with-lease={self._ref}:{expected}"
            push = ["push", "--quiet", "--no-verify", lease, self.remote, f"{commit}:{self._ref}"]
            status, _, said = self._run(*push, network=True)
        else:
            status, _, said = self._run("update-ref", self._ref, commit, expected or _NEVER)
        if status:
            self._explain(expected, commit, said)
        self._run("update-ref", self._seen, commit)

    def _explain(self, expected: str, commit: str, said: str) -> None:
        """Find out what came of a push that did not succeed; return if it did after all."""
        now = self._ask()
        if now == commit:
            return
        if now != expected:
            raise MovedError(f"somebody else wrote to the {self.address} at the same time", hint="run it again")
        raise RejectedError(
            f"the {self.address} does not accept the commit: {said}",
            hint="whoever applies must be allowed to push to this branch",
        )

    def written_at(self, commit: str) -> int:
        """Return when a commit was made, in seconds since 1970."""
        return int(self._git("show", "--no-patch", "--format=%ct", commit).split()[0])

    def _git(self, *arguments: str, stdin: BinaryIO | None = None, network: bool = False) -> bytes:
        status, answer, said = self._run(*arguments, stdin=stdin, network=network)
        if status:
            raise StateError(
                f"the {self.address} cannot be used: git {arguments[0]}: {said or f'exit code {status}'}",
                hint="check the remote, the network and the credentials of git here",
            )
        return answer

    def _run(self, *arguments: str, stdin: BinaryIO | None = None, network: bool = False) -> tuple[int, bytes, str]:
        """Run git and return its exit code, its output, and the last line that it complained with."""
        more: dict[str, Any] = {"kill_after_timeout": _PATIENCE} if network else {}
        with _undisturbed():
            done: Any = self._repo.git.execute(
                ["git", *arguments],
                istream=stdin,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=_ENVIRONMENT,
                preexec_fn=None if sys.platform == "win32" else _ignore_interrupts,
                **more,
            )
        status, output, said = done
        lines = [line for line in str(said).splitlines() if line.strip() and not line.startswith("hint:")]
        return int(status), bytes(output), _PASSWORD.sub("", lines[-1].strip()) if lines else ""

    def close(self) -> None:
        """End what git still runs."""
        self._repo.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a Ctrl-C reach us only when git has ended: what came of it must be known."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_interrupts() -> None:
    """Let git live on: a terminal sends a Ctrl-C to it, too, and it would die in the middle of a push.

    What is ignored stays ignored in all that git starts; what is blocked does not, git unblocks it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _choose_remote(repo: "git.Repo", name: str) -> str:
    names = [remote.name for remote in repo.remotes]
    if name and name not in names:
        raise ConfigurationError(f"the repository has no remote {name}", hint=f"it has: {', '.join(names) or 'none'}")
    if name or not names:
        return name
    if "origin" in names or len(names) == 1:
        return "origin" if "origin" in names else names[0]
    raise ConfigurationError(
        f"the repository has several remotes ({', '.join(names)}), and none is called origin",
        hint="name the one that holds the state: `state: {git: {remote: …}}`",
    )


def _write_data(stream: BinaryIO, content: bytes) -> None:
    stream.write(f"data {len(content)}\n".encode())
    stream.write(content + b"\n")


def _write_change(stream: BinaryIO, path: str, content: bytes | str | None) -> None:
    if content is None:
        stream.write(f"D {path}\n".encode())
    elif isinstance(content, str):
        stream.write(f"M 100644 {content} {path}\n".encode())
    else:
        stream.write(f"M 100644 inline {path}\n".encode())
        _write_data(stream, content)
