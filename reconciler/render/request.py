"""A request for its readers: what it changes, for whom, and why; on a terminal and in a pull request."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.render.escape import shorten, visible
from reconciler.render.inert import code, sentence

_LONGEST_TITLE = 200
_MOST_ROWS = 200


class Effect(Protocol):
    """What somebody gains or loses: see `run.drafting.Effect`."""

    @property
    def app(self) -> str:
        """In which app."""

    @property
    def holder(self) -> str:
        """Who."""

    @property
    def entitlement(self) -> str:
        """What; empty for the account."""

    @property
    def level(self) -> str:
        """At which level, if any."""

    @property
    def gained(self) -> bool:
        """Whether it is had afterwards."""


def title_of(words: str) -> str:
    """Return a title of one line that prints and is not too long."""
    return shorten(visible(words), _LONGEST_TITLE)


def effect_lines(effects: Sequence[Effect]) -> Iterator[str]:
    """Yield `+ ana  figma/role:admin` a line."""
    for effect in effects:
        what = visible(f"{effect.app}/{effect.entitlement}" if effect.entitlement else f"account in {effect.app}")
        level = f" at {visible(effect.level)}" if effect.level else ""
        yield f"  {'+' if effect.gained else '-'} {visible(effect.holder)}  {what}{level}"
    if not effects:
        yield "  nobody gains or loses anything at once"


def diff_lines(contents: Mapping[str, bytes], changes: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what changes in files, as `diff -u` shows it."""
    for path, content in changes.items():
        before = contents.get(path, b"")
        lines = difflib.unified_diff(
            _lines(before), _lines(content), f"a/{path}" if before else "/dev/null", f"b/{path}", lineterm=""
        )
        yield from map(visible, lines)


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


def request_body(words: str, reason: str, effects: Sequence[Effect], *, by: str = "", notes: Iterable[str] = ()) -> str:
    """Return the text of a pull request; nothing from outside can act on the page.

    Args:
        words: what is asked, in one line.
        reason: why, as somebody wrote it.
        effects: what changes for whom once it is merged and applied.
        by: who asked, where that is not whoever opens it.
        notes: what else a reviewer should know.
    """
    return "\n\n".join(_blocks(words, reason, effects, by, notes)) + "\n"


def _blocks(words: str, reason: str, effects: Sequence[Effect], by: str, notes: Iterable[str]) -> Iterator[str]:
    yield f"**{sentence(words)}**"
    if by:
        yield f"Asked by {code(by)}."
    if reason:
        yield f"Reason: {code(shorten(visible(reason), 2_000))}"
    if effects:
        yield "\n".join(["| | who | app | access |", "|---|---|---|---|", *_rows(effects)])
    yield from (sentence(note) for note in notes)
    yield "Merging this changes the YAML; the plan on this pull request shows what the apps will be asked to do."


def _rows(effects: Sequence[Effect]) -> Iterator[str]:
    for effect in effects[:_MOST_ROWS]:
        level = f" at {code(effect.level)}" if effect.level else ""
        access = f"{code(effect.entitlement)}{level}" if effect.entitlement else "account"
        yield f"| {'+' if effect.gained else '-'} | {code(effect.holder)} | {code(effect.app)} | {access} |"
    if len(effects) > _MOST_ROWS:
        yield f"| | … and {len(effects) - _MOST_ROWS:,} more | | |"
