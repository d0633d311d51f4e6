"""Problems of the YAML as a compiler would print them: one a line, sorted by place, counted at the end."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.problems import Problem, Severity
from reconciler.render.colours import palette
from reconciler.render.data import place_data
from reconciler.render.escape import visible
from reconciler.render.words import number


def render_problems(problems: Sequence[Problem], *, colour: bool) -> Iterator[str]:
    """Yield `people.yaml:3:5: error: …`, its hint beneath, and the count as the last line; nothing without problems."""
    paint = palette(colour=colour)
    codes = {Severity.ERROR: paint.remove, Severity.WARNING: paint.change}
    for problem in sorted(problems):
        where = f"{visible(str(problem.place))}: " if problem.place.file else ""
        severity = paint.paint(codes[problem.severity], f"{problem.severity}:")
        yield f"{paint.paint(paint.strong, where)}{severity} {visible(problem.message)}"
        if problem.hint:
            yield f"    {paint.paint(paint.quiet, visible(problem.hint))}"
    if problems:
        yield count_problems(problems)


def count_problems(problems: Sequence[Problem]) -> str:
    """Return `2 errors, 1 warning`."""
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    counted = ((errors, "error"), (len(problems) - errors, "warning"))
    return ", ".join(number(count, noun) for count, noun in counted if count)


def problem_data(problem: Problem) -> dict[str, Any]:
    """Return a problem as data: `{severity, message, hint, place}`."""
    return {
        "severity": problem.severity.value,
        "message": problem.message,
        "hint": problem.hint,
        "place": place_data(problem.place),
    }
