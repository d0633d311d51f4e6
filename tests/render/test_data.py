"""A plan as data for machines."""

import json
from collections.abc import Callable

import pytest
from sample_plans import design_plan, empty_plan, every_row_plan, future_plan, hostile_plan
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from reconciler.plan.plan import Plan
from reconciler.render.data import plan_data

PLANS = {"design": design_plan, "every_row": every_row_plan, "empty": empty_plan, "future": future_plan}


@pytest.mark.parametrize("name", PLANS)
def test_the_data_of_a_plan_stays_as_it_was(name: str, snapshot: SnapshotAssertion) -> None:
    """The shape is a promise to whoever parses it."""
    assert plan_data(PLANS[name]()) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("make", [*PLANS.values(), hostile_plan])
def test_the_data_is_made_of_json_types_only(make: Callable[[], Plan]) -> None:
    """It survives a way through JSON unchanged."""
    data = plan_data(make())
    assert json.loads(json.dumps(data)) == data


def test_the_summary_counts_what_the_picture_shows() -> None:
    """Tickets are counted as tickets only."""
    summary = plan_data(design_plan())["summary"]
    assert {name: count for name, count in summary.items() if count} == {
        "add": 2,
        "change": 1,
        "remove": 1,
        "tickets": 1,
        "people": 3,
        "unmanaged": 1,
    }
