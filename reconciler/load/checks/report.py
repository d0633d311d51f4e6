"""Collects what checks find, and puts each at the exact place of the value that is wrong."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from reconciler.load.faults import Faults, Mark, quote
from reconciler.load.suggest import suggest
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import Map, Node, Seq, read_entries
from reconciler.problems import Place, Problem, Severity

_MAX_SUGGESTED = 50


class Spot(NamedTuple):
    """Where a value is: the place of its entry, and the way from there (keys, and elements of lists)."""

    place: Place
    steps: tuple[str, ...] = ()

    def at(self, *steps: str) -> "Spot":
        """Return a spot further inside."""
        return Spot(self.place, self.steps + steps)


@dataclass(slots=True)
class Report:
    """Problems whose exact place is not known yet.

    Attributes:
        today: the date of the moment, in the organization's time zone.
        found: the value's spot, and what is wrong with it.
        private: files that were encrypted: no value of theirs appears in a message.
        complete: whether every file could be read; if not, that nobody has a name proves nothing.
    """

    today: date
    private: Collection[str] = ()
    complete: bool = True
    found: list[tuple[Spot, Problem]] = field(default_factory=list)
    _suggested: dict[tuple[str, str], str] = field(default_factory=dict)

    def error(self, spot: Spot, message: str, hint: str = "") -> None:
        """Note an error."""
        self.found.append((spot, Problem(spot.place, Severity.ERROR, message, hint)))

    def warn(self, spot: Spot, message: str, hint: str = "") -> None:
        """Note a warning."""
        self.found.append((spot, Problem(spot.place, Severity.WARNING, message, hint)))

    def miss(self, spot: Spot, noun: str, name: str, known: Collection[str], hint: str = "") -> None:
        """Note a name that nobody has; silent where a file is missing that may define it."""
        if self.complete:
            meant = "" if spot.place.file in self.private else self._suggest(noun, name, known)
            self.error(spot, f"no {noun} is called {self.show(spot, name)}", meant or hint)

    def show(self, spot: Spot, value: object) -> str:
        """Return a value that is written at a spot, for a message."""
        return "what is written here" if spot.place.file in self.private else quote(value)

    def _suggest(self, noun: str, name: str, known: Collection[str]) -> str:
        """Suggest a name, once for each, and not for thousands of them."""
        key = (noun, name)
        if key not in self._suggested:
            if len(self._suggested) >= _MAX_SUGGESTED:
                return ""
            self._suggested[key] = suggest(name, known)
        return self._suggested[key]


def locate(report: Report, read: Callable[[str], bytes | None]) -> list[Problem]:
    """Return the problems of a report at their exact places.

    Args:
        report: what was found.
        read: gives the content of a file as it was loaded, or None where it is not to be had any more.
    """
    files: dict[str, dict[tuple[int, int], list[tuple[Spot, Problem]]]] = {}
    for spot, problem in report.found:
        file, line, column = spot.place
        files.setdefault(file, {}).setdefault((line, column), []).append((spot, problem))
    problems: list[Problem] = []
    for path, wanted in files.items():
        content = read(path) if any(spot.steps for found in wanted.values() for spot, _ in found) else None
        problems.extend(_locate_all(content, wanted))
    return problems


def _locate_all(
    content: bytes | None, wanted: Mapping[tuple[int, int], Sequence[tuple[Spot, Problem]]]
) -> list[Problem]:
    """Return the problems of one file."""
    problems = {position: [problem for _, problem in found] for position, found in wanted.items()}
    try:
        for entry in read_entries(content or b"", Faults()):
            position = entry.mark.line + 1, entry.mark.column + 1
            if found := wanted.get(position):
                problems[position] = [_move(problem, entry.node, entry.mark, spot.steps) for spot, problem in found]
    except UnreadableError:
        pass  # it changed since it was loaded: the places of the entries are near enough
    return [problem for found in problems.values() for problem in found]


def _move(problem: Problem, node: Node, mark: Mark, steps: Sequence[str]) -> Problem:
    """Return a problem at the value that steps lead to, or as near as they lead."""
    for step in steps:
        if isinstance(node, Map):
            found = next(((at, value_at, value) for key, at, value, value_at in node.pairs() if key == step), None)
            if found is None:
                return _move_to_text(problem, node, mark, step)
            key_mark, value_mark, node = found
            mark = value_mark if isinstance(node, str) else key_mark
        elif isinstance(node, Seq):
            if step not in node.items:
                break
            mark = node.marks[node.items.index(step)]
            node = step
    return _at(problem, mark)


def _move_to_text(problem: Problem, node: Map, mark: Mark, word: str) -> Problem:
    """Return a problem at the first text of a mapping that holds a word: a template, for what it reads."""
    texts = (at for _, _, value, at in node.pairs() if isinstance(value, str) and word in value)
    return _at(problem, next(texts, mark))


def _at(problem: Problem, mark: Mark) -> Problem:
    return replace(problem, place=Place(problem.place.file, mark.line + 1, mark.column + 1))
