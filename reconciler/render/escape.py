r"""Text from outside, made harmless and measured before it is shown: names, YAML values, an app's own words.

Nothing that a terminal or a reader's eye obeys gets through: control characters, ANSI sequences, line breaks, overrides
of the direction of writing and invisible characters are written as escapes (`\x1b`, `\u202e`), as in Python.
"""

import re
import unicodedata

_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Characters that count as printable and show nothing (fillers, joiners, variation selectors)."""


def visible(text: str) -> str:
    """Return a text with everything that does not simply print written as an escape."""
    if text.isascii():
        return text if text.isprintable() else "".join(map(_escape, text))
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable() and not _INVISIBLE.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")


def columns(text: str) -> int:
    """Return how many terminal columns a visible text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me") else 1


def pad(text: str, width: int) -> str:
    """Return a text filled up with spaces to a number of columns; a longer one as it is."""
    if text.isascii():
        return text.ljust(width)
    return text + " " * (width - columns(text))


def shorten(text: str, width: int) -> str:
    """Return a text cut to a number of columns, ending in `…` if anything was cut."""
    if columns(text) <= width:
        return text
    kept = 0
    for index, character in enumerate(text):
        kept += _columns_of(character)
        if kept > width - 1:
            return text[:index] + "…"
    return text


def wrap(text: str, width: int) -> list[str]:
    """Break a visible text at spaces into lines of at most a number of columns; a longer word keeps its own line."""
    if columns(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and columns(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]
