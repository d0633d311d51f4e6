"""Sections of lines cut to a size by importance: the most important lines of all sections stay, the rest is counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

_BREAKS = 2
_MORE = 80


class Rank(IntEnum):
    """How important a line is; what comes first here is cut last."""

    REFUSAL = 0
    PRIVILEGED = 1
    LEAVER = 2
    COUNTS = 3
    URGENT = 4
    CHANGE = 5
    TICKET = 6
    NOTICED = 7
    BEFORE = 8
    ORIGIN = 9


PRECIOUS = Rank.COUNTS
"""Up to here lines are made short before one of them is cut."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of Markdown.

    Attributes:
        short: what is shown instead where not even the precious lines fit in full; empty for the same.
    """

    text: str
    rank: Rank
    short: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a page, told whole, in part, or not at all.

    Attributes:
        head: heading and head of the table, or the whole text of a section without lines, which is always told.
        lines: rows of a table or items of a list.
        noun: what a line is one of, for counting what was cut.
        folded: the summary beneath which the lines are folded, or empty.
    """

    head: str = ""
    lines: tuple[Line, ...] = ()
    noun: str = "line"
    folded: str = ""

    def render(self, lines: Iterable[str], more: int = 0) -> str:
        """Return the section with these lines, and how many more there would be."""
        body = "\n".join([*([self.head] if self.head else []), *lines])
        if more:
            body += f"\n\n_{more:,} more left out here_"
        return fold(self.folded, body) if self.folded else body


@dataclass
class Fitted:
    """What was kept of sections: per section, line number → text; and what was cut, by noun."""

    sections: Sequence[Section]
    kept: list[dict[int, str]]
    cut: Counter[str] = field(default_factory=Counter)
    lost: int = 0

    def texts(self) -> Iterator[str]:
        """Yield what is left of each section."""
        for section, kept in zip(self.sections, self.kept, strict=True):
            if not section.lines:
                yield section.render(())
            elif kept:
                yield section.render((kept[at] for at in sorted(kept)), len(section.lines) - len(kept))


def fold(summary: str, body: str) -> str:
    """Return a text that is shown when its summary is clicked."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def measure(text: str) -> int:
    """Return a size that is never less than the characters, the UTF-16 units or the UTF-8 bytes of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def render_whole(sections: Iterable[Section]) -> Iterator[str]:
    """Yield every section whole."""
    for section in sections:
        yield section.render(line.text for line in section.lines)


def fit(sections: Sequence[Section], room: int) -> Fitted:
    """Keep what fits into a number of bytes; sections without lines are kept in any case.

    Once a line does not fit, nothing that is less important is kept either: a reader may rely on the order.
    """
    room -= sum(measure(section.head) + _BREAKS for section in sections if not section.lines)
    ranked = sorted(
        ((line.rank, at, number) for at, section in enumerate(sections) for number, line in enumerate(section.lines))
    )
    fitted = _take(sections, ranked, room, short=False)
    return _take(sections, ranked, room, short=True) if fitted.lost else fitted


def _take(sections: Sequence[Section], ranked: Sequence[tuple[Rank, int, int]], room: int, *, short: bool) -> Fitted:
    fitted = Fitted(sections, [{} for _ in sections])
    full = False
    for rank, at, number in ranked:
        section = sections[at]
        line = section.lines[number]
        text = line.short or line.text if short and rank <= PRECIOUS else line.text
        frame = 0 if fitted.kept[at] else measure(section.render(())) + _BREAKS + _MORE
        size = measure(text) + 1 + frame
        full = full or size > room
        if full:
            fitted.cut[section.noun] += 1
            fitted.lost += rank <= PRECIOUS
            continue
        room -= size
        fitted.kept[at][number] = text
    return fitted
