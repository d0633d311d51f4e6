"""Only what changed behind git's back."""

from dataclasses import replace

from sample_plans import design_plan, empty_plan, every_row_plan
from syrupy.assertion import SnapshotAssertion

from reconciler.provider.change import Cause
from reconciler.render.drift import drift_in, has_drift, render_drift


def test_what_git_changed_is_no_drift(snapshot: SnapshotAssertion) -> None:
    """Rows that come from the YAML are left out."""
    text = "\n".join(render_drift(drift_in(every_row_plan()), width=120, colour=False))
    assert "role:create-vendor" not in text
    assert text == snapshot


def test_a_plan_without_drift_says_so() -> None:
    """One clear line."""
    drift = drift_in(empty_plan())
    assert not has_drift(drift)
    assert list(render_drift(drift, width=80, colour=False)) == ["no drift: every app is as it was last applied"]


def test_what_was_lost_changed_or_is_unmanaged_is_drift() -> None:
    """Each of the causes outside git counts."""
    plan = design_plan()
    github = plan.apps[1]
    for cause in (Cause.LOST, Cause.DRIFTED, Cause.CONFLICT):
        changed = replace(github, findings=(), changes=(replace(github.changes[0], cause=cause),))
        assert has_drift(drift_in(replace(plan, apps=(changed,)))), cause
    assert has_drift(drift_in(replace(plan, apps=(replace(github, changes=()),))))
    assert not has_drift(drift_in(replace(plan, apps=(replace(github, findings=(), changes=github.changes[:1]),))))


def test_drift_has_no_digest_and_cannot_be_taken_for_a_plan() -> None:
    """Only a whole plan can be applied."""
    assert drift_in(design_plan()).digest == ""
