"""Small files kept outside of a state, on a git ref that only grows: every change is a commit after the one before.

The ref may be a branch or a tag that nobody may push to by force. What was seen there last is remembered in this clone,
so that a ref that was rewritten is noticed where the clone outlives a run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from reconciler.errors import StateError
from reconciler.model.company import KeptRef
from reconciler.state.git_branch import GitBranch, MovedError

_TRIES: Final = 5
_LARGEST: Final = 16 * 1024 * 1024


class OutsideFiles:
    """The files of one ref.

    Args:
        root: a folder in the repository.
        kept: which ref of which remote.

    Raises:
        ConfigurationError: there is no repository or no such remote.
    """

    def __init__(self, root: Path, kept: KeptRef) -> None:
        self._branch = GitBranch(root, kept.ref, kept.remote, purpose="audit.anchor")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._branch.close()

    @property
    def address(self) -> str:
        """Return what users call it."""
        return self._branch.address

    def read(self, name: str) -> str:
        """Return a file; empty where there is none.

        Raises:
            StateError: it cannot be read, or the ref was rewritten since this clone saw it.
        """
        newest = self._branch.newest()
        self._check(newest)
        return self._text(newest, name)

    def _check(self, newest: str) -> None:
        seen = self._branch.recall()
        if seen and not (newest and self._branch.follows(newest, seen)):
            raise StateError(
                f"the {self.address} was rewritten: it no longer holds {seen[:12]}, which was there before",
                hint="find out who did that, and push that commit again",
            )
        if newest != seen:
            self._branch.remember(newest)

    def _text(self, commit: str, name: str) -> str:
        content = self._branch.files(commit).get(name) if commit else None
        if content is None:
            return ""
        found = self._branch.read([content])[0]
        try:
            if len(found) <= _LARGEST:
                return found.decode()
        except UnicodeDecodeError:
            pass
        raise StateError(f"{name} in the {self.address} is not ours", hint="name another ref in `audit: {anchor: …}`")

    def change(self, name: str, edit: Callable[[str], str], message: str) -> None:
        """Change a file by a commit that follows the newest; when this returns, the remote has it.

        Args:
            name: the file.
            edit: makes the new text from the present one; called again where somebody else was faster.
            message: one line.

        Raises:
            StateError: it cannot be read or pushed; the ref is as it was, or nobody can tell.
        """
        for attempt in range(_TRIES):
            newest = self._branch.newest()
            self._check(newest)
            before = self._text(newest, name)
            after = edit(before)
            if after == before:
                return
            commit = self._branch.commit(newest, {name: after.encode()}, message)
            try:
                self._branch.publish(newest, commit)
            except MovedError:
                if attempt == _TRIES - 1:
                    raise
            else:
                self._branch.remember(commit)
                return
