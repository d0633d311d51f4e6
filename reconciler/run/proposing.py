"""A draft becomes a pull request, or files of the work tree."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from reconciler.errors import ConfigurationError, EditError, ReconcilerError
from reconciler.forge.branch import Base, Clone
from reconciler.forge.github import GitHub, open_forge
from reconciler.model.company import Settings


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a pull request will be.

    Attributes:
        branch: its name, the same for the same request.
        title: one line.
        body: Markdown.
        message: of the commit.
        changes: path → content.
        reviewers: usernames in the forge.
        refresh: whether one that is open already gets these contents, where its own are others.
    """

    branch: str
    title: str
    body: str
    message: str
    changes: Mapping[str, bytes]
    reviewers: tuple[str, ...] = ()
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """A pull request that is open now.

    Attributes:
        address: where to read it.
        found: whether it was open before.
        refused: reviewers that could not be asked.
    """

    address: str
    branch: str
    found: bool
    refused: tuple[str, ...] = ()


def propose(settings: Settings, clone: Clone, base: Base, proposal: Proposal) -> Proposed:
    """Open a pull request, unless the same one is open already.

    Args:
        settings: of the base: where the forge is.
        clone: the repository here; its work tree and index are not touched.
        base: what the changes were made on.
        proposal: what to propose.

    Raises:
        ConfigurationError: nothing says which forge, or git cannot push.
        TransportError: the forge does not answer, or refuses.
    """
    forge = open_forge(settings)
    return asyncio.run(_propose(forge, clone, base, proposal))


async def _propose(forge: GitHub, clone: Clone, base: Base, proposal: Proposal) -> Proposed:
    async with forge:
        there = [pull for pull in await forge.pulls.find(head=proposal.branch) if pull.base == base.branch]
        if there:
            if proposal.refresh and not clone.holds(proposal.branch, proposal.changes, base.commit):
                _push(clone, base, proposal)
                await forge.pulls.update(there[0].number, title=proposal.title, body=proposal.body)
            return Proposed(there[0].url, proposal.branch, found=True)
        _push(clone, base, proposal)
        try:
            pull = await forge.pulls.open(
                title=proposal.title, head=proposal.branch, base=base.branch, body=proposal.body
            )
            refused = await forge.pulls.request_reviewers(pull.number, _others(proposal.reviewers, pull.author))
        except ReconcilerError as error:
            raise ConfigurationError(
                f"the branch {proposal.branch} is pushed, but its pull request is not as it should be: {error.message}",
                hint=error.hint or "run it again: what is there is found",
            ) from error
        return Proposed(pull.url, proposal.branch, found=False, refused=refused)


def _push(clone: Clone, base: Base, proposal: Proposal) -> None:
    clone.push(clone.commit(base.commit, proposal.changes, proposal.message), proposal.branch)


def _others(reviewers: Sequence[str], author: str) -> list[str]:
    """Return those who can be asked: nobody reviews what is their own."""
    return [one for one in reviewers if one.casefold() != author.casefold()]


def write_locally(root: Path, contents: Mapping[str, bytes], changes: Mapping[str, bytes]) -> None:
    """Write files of the work tree, each whole or not at all.

    Args:
        root: what paths are relative to.
        contents: path → what the changes were made on; a file that is no longer so is not overwritten.
        changes: path → what to write.

    Raises:
        EditError: a file has changed meanwhile, leads out of the folder, or cannot be written.
    """
    targets = {path: _target(root, path) for path in changes}
    for path, target in targets.items():
        there = _safely(path, lambda target=target: target.read_bytes() if target.exists() else b"")  # type: ignore[misc] # bound now
        if there != contents.get(path, b""):
            raise EditError(f"{path} was changed meanwhile", hint="run it again")
    for path, target in targets.items():
        _safely(path, lambda target=target, path=path: _replace(target, changes[path]))  # type: ignore[misc] # bound now


def _target(root: Path, path: str) -> Path:
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise EditError(f"{path} leads out of the repository", hint="write the file there by hand")
    return target


def _safely(path: str, work: Callable[[], bytes]) -> bytes:
    try:
        return work()
    except OSError as error:
        raise EditError(f"{path} cannot be written: {error.strerror}", hint="nothing of it was changed") from None


def _replace(target: Path, content: bytes) -> bytes:
    """Replace a file, keeping who may read it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    with NamedTemporaryFile(dir=target.parent, prefix=".reconciler-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(mode)
            Path(file.name).replace(target)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    return content


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
