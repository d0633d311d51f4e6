"""Where something was written, and what is wrong with it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Place(NamedTuple):
    """Where a value was written.

    `file` is relative to the repository's root, with forward slashes; line and column count from 1, and 0 means that
    the value was written nowhere (a default).
    """

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    @property
    def short(self) -> str:
        """The place without its column, as plans show it."""
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = Place("", 0)


class Severity(StrEnum):
    """How bad a problem is: an error stops the run, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in what people wrote.

    Attributes:
        place: where.
        severity: error or warning.
        message: what is wrong: lower case, naming the thing.
        hint: what to do next; may be empty.
    """

    place: Place
    severity: Severity
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{self.place}: {self.severity}: {self.message}{hint}"
