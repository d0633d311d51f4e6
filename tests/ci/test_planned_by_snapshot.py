"""An app whose only credential writes is planned without it, by what the last apply kept; the apply asks it anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from life import KIM, PIN, Life
from test_life import propose_kim

from reconciler.load.company import load_company
from reconciler.run.snapshots import load_kept
from reconciler.state.open import open_state
from reconciler.state.snapshots import keep_read, load_read

pytestmark = pytest.mark.slow


@pytest.fixture
def blind(life: Life) -> Life:
    """The company, whose plans may not ask the app; `init` was run again, and everything applied."""
    life.begin("snapshot")
    life.replace("apps/chat.yaml", "    owner: lee", "    owner: lee\n    plans: snapshot")
    assert life.command("init", "--actions", PIN).returncode == 0
    plan = (life.desk / ".github/workflows/access-plan.yml").read_text(encoding="utf-8")
    apply = (life.desk / ".github/workflows/access-apply.yml").read_text(encoding="utf-8")
    assert ("CHAT_TOKEN" in plan, "CHAT_TOKEN" in apply) == (False, True)
    life.push("main", "Plan by snapshots")
    done = life.command("apply", "--yes")
    assert done.returncode == 0, done.stderr
    return life


def test_a_change_lives_without_its_plan_ever_asking_the_app(blind: Life) -> None:
    """The plan tells the age of what it is made of; the apply keeps a newer one, which the next plan is made of."""
    number = propose_kim(blind)
    planned = blind.plan(number)
    assert planned.code == 0, planned.log
    told = blind.comment(number, "plan")
    assert "chat is planned by its snapshot of" in told
    assert "0 hours old" in told
    assert "1 to add" in told
    blind.github.review(number, "lee")
    merged = blind.merge(number)
    assert merged.code == 0, merged.log
    assert "kim@acme.example" in blind.users()
    blind.begin("more")
    blind.write(more=KIM.replace("Kim Lee", "Kim Lee-Ruiz"))
    blind.push("more")
    number = blind.propose("more")
    assert blind.plan(number).code == 0
    assert "1 to change" in blind.comment(number, "plan")
    assert "snapshot kept" in blind.command("audit", "show", "--json").stdout


def test_what_the_app_says_by_now_is_not_applied_unless_it_was_reviewed(blind: Life) -> None:
    """Somebody made the account meanwhile: the plan was honest about its age, and another one is due."""
    number = propose_kim(blind)
    assert blind.plan(number).code == 0
    kim = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "kim@acme.example"}
    kim |= {"displayName": "Somebody", "emails": [{"value": "kim@acme.example"}], "active": True}
    made = httpx.post(f"{blind.chat.url}/Users", headers=blind.chat.headers, json=kim)
    assert made.status_code == 201, made.text
    blind.github.review(number, "lee")
    merged = blind.merge(number)
    assert merged.code == 3, merged.log
    assert "the plan that was reviewed is" in blind.comment(number, "apply")
    assert blind.users()["kim@acme.example"]["displayName"] == "Somebody"


def test_without_a_snapshot_nothing_is_planned(life: Life) -> None:
    """Unknown is not empty: the plan says what is missing, and ends as one that could not read."""
    life.begin("snapshot")
    life.replace("apps/chat.yaml", "    owner: lee", "    owner: lee\n    plans: snapshot")
    done = life.command("plan")
    assert done.returncode == 5, done.stdout
    assert "no snapshot was kept yet" in done.stdout


def test_a_snapshot_that_is_old_or_not_the_one_of_the_trail_is_refused(blind: Life) -> None:
    """Whoever can write rows of a state still cannot make plans of them."""
    settings = load_company(blind.desk, moment=datetime.now(UTC), cache=None).company
    apps, now = settings.apps.values(), datetime.now(UTC)
    with open_state(settings.settings) as state:
        assert load_kept(state, apps, doubted=False, now=now).reads.keys() == {"chat"}
        old = load_kept(state, apps, doubted=False, now=now + timedelta(days=4))
        assert "is 4 days old, and at most 3 days are allowed" in old.refused["chat"]
        assert "in doubt" in load_kept(state, apps, doubted=True, now=now).refused["chat"]
        kept = load_read(state, "chat")
        assert kept is not None
        kept.ways["0 scim"].accounts.pop()
        keep_read(state, "chat", kept)
        forged = load_kept(state, apps, doubted=False, now=now)
        assert "not the one that the audit trail tells of" in forged.refused["chat"]
        assert not forged.reads
