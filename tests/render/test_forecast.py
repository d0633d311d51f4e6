"""Who waits long is told before it begins."""

from dataclasses import replace

from big_plans import big_plan
from sample_plans import design_plan

from reconciler.plan.digest import digest_plan
from reconciler.plan.file import decode_plan, encode_plan
from reconciler.plan.plan import Plan
from reconciler.provider.change import Operation
from reconciler.provider.pace import Pace, Speed
from reconciler.provider.rates import Rate, paces_of
from reconciler.provider.snapshot import Completeness
from reconciler.render.forecast import estimate_seconds, time_words, wait_words


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


def paced(changes: int, *paces: Pace, at_once: int = 8, batched: bool = False) -> Plan:
    """Return a plan of one app whose way has limits."""
    plan = big_plan(changes, apps=1)
    (app,) = plan.apps
    return replace(plan, apps=(replace(app, speeds={"scim": Speed(at_once, batched, paces)}),))


def test_what_is_in_flight_together_takes_less_time() -> None:
    """Eight at once are eight times as fast as one after the other."""
    assert estimate_seconds(paced(720)) == estimate_seconds(big_plan(720, apps=1)) / 8


def test_the_vendors_limit_counts_where_it_is_slower() -> None:
    """500 writes at 80 a minute take more than six minutes, however fast the app answers; a fast limit adds nothing."""
    assert wait_words(paced(500, Pace(80, at_once=1))) == (
        "this takes about 6 min for 500 operations, as fast as the vendors' limits allow"
    )
    assert "as fast as the vendors' limits allow" in time_words(paced(500, Pace(80, at_once=1)))
    assert wait_words(paced(500, Pace(6000, at_once=1))) == "this takes about 31 s for 500 operations"


def test_a_window_lets_all_its_requests_go_at_once() -> None:
    """Of 1,200 at 500 an hour, the last begin after two hours."""
    assert estimate_seconds(paced(1200, Pace(500, 3600))) == 7200


def test_a_limit_counts_only_what_it_is_about() -> None:
    """Revokes have a limit here, grants have another; the slower of both counts."""
    grants, revokes = Pace(10, at_once=1, operations=(Operation.GRANT,)), Pace(10, at_once=1, kinds=("accounts",))
    assert estimate_seconds(paced(300, grants, revokes)) == 99 * 6
    assert estimate_seconds(paced(300, revokes)) == estimate_seconds(paced(300))


def test_what_goes_in_batches_is_counted_as_one() -> None:
    """Grants of 97 teams, and their revokes: a request each at most."""
    assert estimate_seconds(paced(3000, Pace(60, at_once=1), batched=True)) == 2 * 97 - 1


def test_a_plan_file_keeps_what_the_estimate_is_made_of() -> None:
    """Who applies a plan that was written to a file is told the same."""
    plan = paced(3, Pace(80, 60, 20, (Operation.GRANT,), ("team",), 2))
    plan = replace(plan, digest=digest_plan(plan))
    assert decode_plan(encode_plan(plan)) == plan


def test_a_rate_class_is_as_fast_in_the_estimate_as_in_the_transport() -> None:
    """A bucket, a window, or both; what only the app's headers tell says nothing."""
    assert paces_of(Rate("write", 60, 1, 500, 3600), Operation.GRANT) == (
        Pace(60, at_once=1, operations=(Operation.GRANT,)),
        Pace(500, 3600, operations=(Operation.GRANT,)),
    )
    assert paces_of(Rate("reads")) == ()


def test_what_is_asked_for_alone_is_counted_alone() -> None:
    """Several people join a channel by one request, and leave it by one each."""
    revokes = Pace(60, at_once=1, operations=(Operation.REVOKE,), alone=True)
    assert estimate_seconds(paced(300, revokes, batched=True)) == 199
