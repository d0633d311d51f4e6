"""Random YAML documents in every style that people write them in, for properties that must hold for each."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

KEYS = ("ana", "ben", "kim", "last_day", "to", "grants", "until", "reason", "x y", "team:a", "ünï")
TEXTS = (
    "a",
    "Ana Ruiz",
    "2026-03-31",
    "role:admin",
    "NO",
    "0123",
    "12",
    "true",
    "",
    "it's",
    'say "hi"',
    "a, b",
    "é€😀",
)


@dataclass
class Style:
    """How the documents of one file are written."""

    draw: st.DrawFn
    newline: str
    comments: bool
    number: int = 0
    lines: list[str] = field(default_factory=list)

    def chance(self, of: int) -> bool:
        """Draw true once in so many times."""
        return self.draw(st.integers(0, of - 1)) == of - 1

    def note(self) -> str:
        """Return a comment that is there only once."""
        self.number += 1
        return f"# note {self.number}"


@st.composite
def documents(draw: st.DrawFn, *, comments: bool = True) -> tuple[str, dict[str, Any]]:
    """Draw a text and what it says, as texts, dicts and lists; the top is a mapping of sections."""
    style = Style(draw, draw(st.sampled_from(("\n", "\n", "\r\n"))), comments)
    data = draw(_mappings(3))
    _block(style, data, 0, depth=0)
    if style.chance(4):
        style.lines.append("")
    if comments and style.chance(4):
        style.lines.append(style.note())
    end = style.newline if style.draw(st.booleans()) else ""
    return style.newline.join(style.lines) + end, data


@st.composite
def _mappings(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True))
    return {key: draw(_values(depth - 1)) for key in keys}


def _values(depth: int) -> st.SearchStrategy[Any]:
    if not depth:
        return st.sampled_from(TEXTS)
    lists = st.lists(st.deferred(lambda: _values(depth - 1)), max_size=3)
    return st.one_of(st.sampled_from(TEXTS), _mappings(depth), lists)


def _block(style: Style, data: Any, indent: int, *, depth: int) -> None:
    """Write a mapping or a list as a block; `indent` is the column of its keys or dashes."""
    pairs = data.items() if isinstance(data, dict) else [(None, one) for one in data]
    roomy = style.chance(3)
    for number, (key, value) in enumerate(pairs):
        if number and roomy:
            style.lines.append("")
        if style.comments and style.chance(5):
            style.lines.append(" " * indent + style.note())
        lead = " " * indent + ("-" if key is None else f"{_scalar(style, key, flow=False)}:")
        trail = f"  {style.note()}" if style.comments and style.chance(5) else ""
        if isinstance(value, str) or not value or style.chance(3):
            style.lines.append(f"{lead} {_flow(style, value)}{trail}")
        elif key is None and isinstance(value, dict) and not style.chance(4):
            before = len(style.lines)
            _block(style, value, indent + 2, depth=depth + 1)
            _pull_up(style, before, indent)
        else:
            style.lines.append(lead + trail)
            step = 0 if isinstance(value, list) and key is not None and style.chance(2) else 2
            _block(style, value, indent + step, depth=depth + 1)
            if style.comments and style.chance(5):
                style.lines.append(" " * (indent + 2) + style.note())


def _pull_up(style: Style, before: int, indent: int) -> None:
    """Put a dash before the first key of a block, comments above it stay above."""
    for index in range(before, len(style.lines)):
        line = style.lines[index]
        if line.strip() and not line.lstrip().startswith("#"):
            style.lines[index] = line[:indent] + "-" + line[indent + 1 :]
            return
        style.lines[index] = line[2:]


def _flow(style: Style, value: Any) -> str:
    if isinstance(value, dict):
        inside = [f"{_scalar(style, key, flow=True)}: {_flow(style, one)}" for key, one in value.items()]
        return _brackets(style, "{", inside, "}")
    if isinstance(value, list):
        return _brackets(style, "[", [_flow(style, one) for one in value], "]")
    return _scalar(style, value, flow=True)


def _brackets(style: Style, opening: str, inside: list[str], closing: str) -> str:
    pad = " " if style.chance(4) else ""
    comma = "," if inside and style.chance(5) else ""
    if inside and style.chance(6):
        lead = style.newline + " " * 12
        return f"{opening}{lead}{f',{lead}'.join(inside)}{comma}{style.newline}          {closing}"
    return f"{opening}{pad}{', '.join(inside)}{comma}{pad}{closing}"


def _scalar(style: Style, text: str, *, flow: bool) -> str:
    how = style.draw(st.integers(0, 3))
    plain = text and text[0] not in "'\"" and ": " not in text and not (flow and set(text) & set(",[]{}"))
    if how < 2 and plain:
        return text
    if how == 2:
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
