"""What came of an apply, told truthfully."""

import json

from sample_plans import every_row_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion

from reconciler.apply.report import Report
from reconciler.provider.change import Outcome, Receipt
from reconciler.render.report import render_report, report_data


def mixed_report() -> Report:
    """Return a report in which everything happened that can happen."""
    changes = list(every_row_plan().changes())
    outcomes = [
        (Outcome.DONE, ""),
        (Outcome.VERIFIED, ""),
        (Outcome.TICKET, "tickets/0009.md"),
        (Outcome.FAILED, "403: the app says \x1b[31mno\x1b[0m"),
        (Outcome.UNKNOWN, "the answer was lost after the request was sent"),
        (Outcome.NOT_ATTEMPTED, "not attempted because lea could not be suspended"),
        (Outcome.DONE, ""),
    ]
    receipts = [Receipt(change, *outcome) for change, outcome in zip(changes, outcomes, strict=False)]
    rest = [Receipt(change, Outcome.VERIFIED, requests=1) for change in changes[len(outcomes) :]]
    problems = ("zoom: could not be read back: 503",)
    return Report("0a1b2c", (*receipts, *rest), problems=problems, adopted=3, cancelled=1)


def text_of(report: Report, *, width: int = 100, verbose: bool = False) -> str:
    """Return a report's text."""
    return "\n".join(render_report(report, width=width, colour=False, verbose=verbose))


def test_what_needs_a_look_is_listed_and_the_rest_counted(snapshot: SnapshotAssertion) -> None:
    """Failures, unknowns, unverified ones and tickets have rows; verified changes are a number."""
    text = text_of(mixed_report())
    assert "403: the app says" in text
    assert "tickets/0009.md" in text
    assert "project:CORE" not in text
    assert text == snapshot


def test_verbose_lists_every_receipt(snapshot: SnapshotAssertion) -> None:
    """Also what went well."""
    text = text_of(mixed_report(), verbose=True)
    assert "project:CORE" in text
    assert text == snapshot


def test_a_partial_apply_is_never_called_applied() -> None:
    """The summary tells whole from part."""
    assert "Applied in part:" in text_of(mixed_report())
    whole = Report("r", tuple(Receipt(change, Outcome.VERIFIED) for change in every_row_plan().changes()))
    assert "Applied: " in text_of(whole)


def test_an_apply_in_which_nothing_went_well_says_so() -> None:
    """No success is claimed."""
    failed = Report("r", tuple(Receipt(change, Outcome.FAILED, "no") for change in every_row_plan().changes()))
    assert "Nothing was applied:" in text_of(failed)


def test_an_apps_own_words_cannot_steer_the_terminal() -> None:
    """Details and names are escaped."""
    receipts = tuple(Receipt(change, Outcome.FAILED, "\x1b[2J\n") for change in hostile_plan().changes())
    text = text_of(Report("r", receipts, problems=("\x07",)))
    assert all(character.isprintable() or character == "\n" for character in text)


def test_the_data_of_a_report_is_json() -> None:
    """Every receipt with its outcome, and the exit code."""
    data = json.loads(json.dumps(report_data(mixed_report())))
    assert data["exit_code"] == 4
    assert {receipt["outcome"] for receipt in data["receipts"]} == {outcome.value for outcome in Outcome}
