"""A plan is made true, and what is told about it is true."""

from pathlib import Path

from pretend_app import PretendApp, answer_and_do_nothing, contents, refuse
from world import APPS, COMPANY, details, make_world, outcomes

from reconciler.provider.change import Cause, Operation, Outcome
from reconciler.provider.snapshot import AccountStatus


def test_a_first_apply_makes_everything_true_and_the_next_plan_is_empty(tmp_path: Path) -> None:
    """Accounts, entitlements, grants with levels, a team on a repository, a leaver: all seen, and nothing remains."""
    world, code = make_world(tmp_path)
    report = world.apply()
    for receipt in report.receipts:
        print(receipt.change.id, receipt.outcome, receipt.detail)
    assert report.exit_code == 0
    assert contents(code) == {
        "accounts": {
            "ana": ("active", {"title": "Engineer"}),
            "bob": ("active", {"title": "Designer"}),
            "omar": ("active", {"title": "Lead"}),
            "zoe": ("suspended", {}),
        },
        "entitlements": {"team:core": {"description": "Core"}, "repo:web": {}},
        "grants": {
            ("ana", "team:core"): None,
            ("bob", "team:core"): None,
            ("omar", "team:core"): None,
            ("ana", "repo:web"): "write",
            ("team:core", "repo:web"): "read",
        },
    }
    again = world.plan()
    assert list(again.changes()) == []
    assert again.apps[0].adoption.__class__() == again.apps[0].adoption
