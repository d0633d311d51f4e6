"""A text as lines: where each begins and ends, what is blank, what is a comment, which line breaks it uses."""

import re
from bisect import bisect_right

_BREAK = re.compile(r"\r\n|\n|\r")


class Lines:
    """A text and its lines, numbered from 0.

    Attributes:
        newline: the line break that most lines end with.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = [(found.start(), found.end()) for found in _BREAK.finditer(text)]
        self._starts = [0, *(end for _, end in breaks)]
        self._ends = [*(start for start, _ in breaks), len(text)]
        windows = text.count("\r\n")
        self.newline = "\r\n" if windows * 2 > len(breaks) else "\n"

    def number(self, offset: int) -> int:
        """Return the number of the line that an offset is in."""
        return bisect_right(self._starts, offset) - 1

    def column(self, offset: int) -> int:
        """Return how many characters stand before an offset in its line."""
        return offset - self._starts[self.number(offset)]

    def start(self, line: int) -> int:
        """Return where a line begins; the end of the text for the line after the last."""
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def end(self, line: int) -> int:
        """Return where a line ends, before its break."""
        return self._ends[line]

    def content(self, line: int) -> str:
        """Return a line without its break; nothing for one that there is not."""
        return self.text[self._starts[line] : self._ends[line]] if 0 <= line < len(self._starts) else ""

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and a column, both from 0."""
        return self.start(line) + column

    def exists(self, line: int) -> bool:
        """Say whether there is such a line; what follows the last line break is none if it is empty."""
        return 0 <= line < len(self._starts) and (line < len(self._starts) - 1 or self.start(line) < len(self.text))

    def is_blank(self, line: int) -> bool:
        """Say whether a line is there, and empty."""
        return self.exists(line) and not self.content(line).strip()

    def is_comment(self, line: int) -> bool:
        """Say whether a line holds a comment and nothing else (for lines that are in no scalar)."""
        return self.content(line).lstrip(" \t").startswith("#")

    def indent(self, line: int) -> int:
        """Return how many spaces a line begins with."""
        content = self.content(line)
        return len(content) - len(content.lstrip(" "))

    def begins(self, offset: int) -> bool:
        """Say whether nothing but spaces stands before an offset in its line."""
        return not self.text[self._starts[self.number(offset)] : offset].strip(" ")

    def after(self, offset: int, column: int) -> int:
        """Return the last line of what ends at an offset: comments below that are indented further than a column too.

        Blank lines between are stepped over only where such a comment follows them.
        """
        last = line = self.number(offset)
        while self.is_blank(line + 1) or (self.is_comment(line + 1) and self.indent(line + 1) > column):
            line += 1
            if self.is_comment(line):
                last = line
        return last
