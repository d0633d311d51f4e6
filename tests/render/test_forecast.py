"""Who waits long is told before it begins."""

from dataclasses import replace

from big_plans import big_plan
from sample_plans import design_plan

from reconciler.provider.snapshot import Completeness
from reconciler.render.forecast import estimate_seconds, wait_words


def test_a_long_apply_says_how_long_and_for_how_much() -> None:
    """All apps are changed at the same time: the largest one counts."""
    assert wait_words(big_plan(720, apps=2)) == "this takes about 3 min for 720 operations"


def test_a_short_one_says_nothing() -> None:
    """Nobody needs to be told of seconds."""
    assert wait_words(design_plan()) == ""


def test_an_app_that_is_read_without_any_request_takes_no_time() -> None:
    """A file is written at once, however much is changed in it."""
    plan = big_plan(720, apps=1)
    (app,) = plan.apps
    assert (
        estimate_seconds(replace(plan, apps=(replace(app, collections={"accounts": Completeness(complete=True)}),)))
        == 0
    )
