"""Problems inside one file, before it is known under which path that file stands.

A parsed file is shared by everything that has the same content (two branches, two paths), so its problems carry only a
line and a column; `to_problem` adds the path.
"""

from typing import NamedTuple, Protocol

import msgspec

from reconciler.problems import Place, Problem, Severity

MAX_FAULTS = 1_000
_LONGEST_SHOWN = 60


class Mark(Protocol):
    """A position as the parser gives it: line and column, counted from 0."""

    @property
    def line(self) -> int:
        """The line, from 0."""

    @property
    def column(self) -> int:
        """The column, from 0, in characters."""


class Point(NamedTuple):
    """A mark of our own, counted from 0 like the parser's."""

    line: int
    column: int


class Fault(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One problem in a file.

    Attributes:
        line, column: where, counted from 1.
        also: a second position that the message ends with (`first at people.yaml:3:3`), or None.
    """

    line: int
    column: int
    error: bool
    message: str
    hint: str = ""
    also: tuple[int, int] | None = None

    def to_problem(self, file: str) -> Problem:
        """Return it as a problem of the file under this path."""
        message = self.message
        if self.also:
            message = f"{message}, first at {Place(file, *self.also)}"
        severity = Severity.ERROR if self.error else Severity.WARNING
        return Problem(Place(file, self.line, self.column), severity, message, self.hint)


class Faults:
    """Collects the faults of one file.

    Args:
        private: the file was encrypted: no value of it may appear in a message.
    """

    __slots__ = ("found", "private", "untold")

    def __init__(self, *, private: bool = False) -> None:
        self.found: list[Fault] = []
        self.private = private
        self.untold = 0

    def error(self, mark: Mark, message: str, hint: str = "", *, also: Mark | None = None) -> None:
        """Note an error."""
        second = (also.line + 1, also.column + 1) if also else None
        self._add(Fault(mark.line + 1, mark.column + 1, error=True, message=message, hint=hint, also=second))

    def warn(self, mark: Mark, message: str, hint: str = "") -> None:
        """Note a warning."""
        self._add(Fault(mark.line + 1, mark.column + 1, error=False, message=message, hint=hint))

    def show(self, value: object) -> str:
        """Return a value for a message: quoted, shortened, escaped; or `this value` where it is nobody's business."""
        return "this value" if self.private else quote(value)

    def show_key(self, key: str) -> str:
        """Return a key for a message; keys are never encrypted."""
        return quote(key)

    @property
    def broken(self) -> bool:
        """Whether there is an error among them."""
        return any(fault.error for fault in self.found)

    def _add(self, fault: Fault) -> None:
        if len(self.found) < MAX_FAULTS:
            self.found.append(fault)
        elif fault.error:
            self.untold += 1


def quote(value: object) -> str:
    """Return a value for a message: in double quotes, shortened, with everything unprintable escaped."""
    text = str(value)
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 1] + "…"
    return '"' + "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text) + '"'
