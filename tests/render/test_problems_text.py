"""Problems of the YAML, as a compiler prints them."""

from reconciler.problems import NOWHERE, Place, Problem, Severity
from reconciler.render.problems import problem_data, render_problems

PROBLEMS = [
    Problem(Place("roles.yaml", 9, 2), Severity.WARNING, "role engineer goes to nobody"),
    Problem(Place("people.yaml", 12, 3), Severity.ERROR, "manager `omr` does not exist", "did you mean `omar`?"),
    Problem(Place("people.yaml", 3, 5), Severity.ERROR, "a contractor must have a last_day"),
    Problem(NOWHERE, Severity.ERROR, "no person is declared at all"),
]


def test_problems_are_sorted_by_place_and_counted() -> None:
    """One line each, the hint beneath, the count at the end."""
    assert list(render_problems(PROBLEMS, colour=False)) == [
        "error: no person is declared at all",
        "people.yaml:3:5: error: a contractor must have a last_day",
        "people.yaml:12:3: error: manager `omr` does not exist",
        "    did you mean `omar`?",
        "roles.yaml:9:2: warning: role engineer goes to nobody",
        "3 errors, 1 warning",
    ]


def test_without_problems_nothing_is_printed() -> None:
    """No headline for nothing."""
    assert list(render_problems([], colour=True)) == []


def test_a_value_in_a_message_cannot_steer_the_terminal() -> None:
    """Messages quote what people wrote."""
    place = Place("a\x1b[2Jb.yaml", 1)
    hostile = Problem(place, Severity.ERROR, "no such app: \x1b[31m\n\u202e", "\x07")
    assert all(line.isprintable() for line in render_problems([hostile], colour=False))


def test_the_data_of_a_problem_names_its_place() -> None:
    """Machines get numbers, not text to take apart."""
    assert problem_data(PROBLEMS[2]) == {
        "severity": "error",
        "message": "a contractor must have a last_day",
        "hint": "",
        "place": {"file": "people.yaml", "line": 3, "column": 5},
    }
