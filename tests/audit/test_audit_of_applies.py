"""What real applies leave in the trail."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from audit_worlds import verify_file
from pretend_app import PretendApp, TicketDesk
from world import World, block, make_world

from reconciler.audit.anchor import Anchored, Head
from reconciler.audit.export import Export, Question, make_export
from reconciler.audit.history import Period
from reconciler.audit.kinds import Kind
from reconciler.errors import AnswerError
from reconciler.plan.plan import Verdict
from reconciler.provider.change import Change, Receipt
from reconciler.state.contract import AuditEntry
from reconciler.state.sqlite import SqliteStore

CANARIES = {
    "token": "xoxb-123456789012-canary",
    "header": "Authorization: Bearer c4n4ryc4n4ryc4n4ry",
    "named": "password=c4n4ry-h1dd3n-v4lue",
    "address": "https://ana:c4n4ry-in-url@chat.example/x",
}
SECRETS = ("xoxb-123456789012-canary", "c4n4ryc4n4ryc4n4ry", "c4n4ry-h1dd3n-v4lue", "c4n4ry-in-url", "c4n4ry-attr")


def entries_of(world: World) -> list[AuditEntry]:
    """Return the trail."""
    with SqliteStore(world.folder / ".reconciler" / "state.db", read_only=True) as store:
        return list(store.audit())


def bodies(world: World, kind: Kind) -> list[dict[str, Any]]:
    """Return the bodies of one kind."""
    return [dict(entry.body) for entry in entries_of(world) if entry.kind == kind]


def export(world: World, period: Period | None = None, **last_days: date) -> Export:
    """Return everything that there is."""
    now = world.moment + timedelta(days=30)
    question = Question(period or Period(), last_days, timedelta(days=3), now, "1.0")
    entries = entries_of(world)
    return make_export(entries, Anchored((Head(entries[-1].number, entries[-1].digest),)), question)


def rows(found: Export, part: str, **wanted: Any) -> list[dict[str, Any]]:
    """Return the rows of a part in which these columns have these values."""
    return [dict(row) for row in found.parts[part] if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture
def applied(tmp_path: Path) -> World:
    """Return a company that was applied once."""
    world, _ = make_world(tmp_path, PretendApp())
    world.apply()
    return world


def test_every_change_is_told_from_request_to_verification(applied: World) -> None:
    """Asked with reasons and places, answered, seen; in this order, between the run's start and its end."""
    trail = entries_of(applied)
    assert (trail[0].kind, trail[-1].kind) == (Kind.STARTED, Kind.ENDED)
    asked = {entry.body["change"]: entry for entry in trail if entry.kind == Kind.ASKED}
    with applied.open_state() as state:
        assert set(asked) == {entry.change_id for entry in state.journal()}
    for change, entry in asked.items():
        later = [one.kind for one in trail if one.number > entry.number and one.body.get("change") == change]
        assert later == [Kind.ANSWERED, Kind.READ_BACK]
    assert any(place for entry in asked.values() for _, place in entry.body["why"])
    assert verify_file(applied.folder / ".reconciler" / "state.db").faults == ()


def test_an_export_tells_each_change_in_one_row(applied: World) -> None:
    """With who approved it, what was asked and why, what came back, when it was seen, and where that is written."""
    found = export(applied)
    with applied.open_state() as state:
        journal = state.journal()
    assert len(found.parts["changes"]) == len(journal)
    trail = {entry.number: entry for entry in entries_of(applied)}
    for row in found.parts["changes"]:
        assert (row["approval"], row["operator"], row["machine"]) == ("by hand", "ana", "laptop")
        assert row["outcome"] in {"done and verified", "done, not verified"}
        assert row["requested_at"] <= row["answered_at"]
        assert trail[row["request_entry"]].body["change"] == row["change"]
        assert row["verified_at"] == (trail[row["verified_entry"]].at.isoformat() if row["verified_entry"] else "")
    grants = rows(found, "changes", operation="grant")
    assert grants
    assert all(row["holder"] and ":" in row["entitlement"] and row["reasons"] for row in grants)


def test_populations_are_counted_and_proven(applied: World) -> None:
    """The counts are those of the parts; without an anchored head nothing is called complete."""
    found = export(applied)
    (entries,) = rows(found, "populations", population="audit entries")
    assert (entries["count"], entries["complete"]) == (len(entries_of(applied)), True)
    for part in ("runs", "changes", "leavers", "exceptions"):
        assert rows(found, "populations", population=part)[0]["count"] == len(found.parts[part])
    assert rows(found, "populations", app="code", population="live accounts")[0]["complete"]
    question = Question(Period(), {}, timedelta(), applied.moment, "1.0")
    unproven = make_export(entries_of(applied), Anchored(), question)
    assert not rows(unproven, "populations", population="audit entries")[0]["complete"]
    early = make_export(entries_of(applied), Anchored((Head(1, entries_of(applied)[0].digest),)), question)
    assert not rows(early, "populations", population="changes")[0]["complete"]
    broken = make_export(entries_of(applied)[:-1], Anchored((Head(*head_of(applied)),)), question)
    assert "cut off" in rows(broken, "populations", population="audit entries")[0]["detail"]


def head_of(world: World) -> tuple[int, str]:
    """Return the last entry's number and digest."""
    last = entries_of(world)[-1]
    return last.number, last.digest


def test_what_is_outside_of_the_period_is_left_out(applied: World) -> None:
    """A day later nothing was asked; a period that begins with the run has everything."""
    later = export(applied, Period(applied.moment + timedelta(days=1)))
    assert [later.parts[name] for name in ("runs", "changes", "exceptions")] == [[], [], []]
    within = export(applied, Period(applied.moment, applied.moment + timedelta(days=1)))
    assert within.parts["changes"] == export(applied).parts["changes"]


def test_a_second_run_adds_only_its_start_and_end(applied: World) -> None:
    """Nothing was asked, and nothing is told as if it was."""
    before = len(entries_of(applied))
    applied.apply()
    assert [entry.kind for entry in entries_of(applied)[before:]] == [Kind.STARTED, Kind.ENDED]


COMPANY = """\
people:
  ana: {name: Ana, email: ana@acme.example}
  sam: {name: Sam, email: sam@acme.example, last_day: 2026-02-10}
roles: {staff: {to: {people: [ana, sam]}, grants: {code: ["team:x"]}}}
"""
APPS = "apps: {code: {owner: ana, route: [file: {path: code.csv}]}}\n"


def leaver_world(folder: Path, app: PretendApp) -> World:
    """Return a company that somebody has left, whose account is still active."""
    for name in ("ana", "sam"):
        app.account(f"u-{name}", name)
    app.entitlement("team:x")
    world = World(folder, {"code": {"pretend": app}})
    world.write(COMPANY, APPS)
    return world


def test_a_leaver_is_told_with_the_last_day_and_when_it_was_seen(tmp_path: Path) -> None:
    """For each app, when the account was suspended, and when that was verified."""
    world = leaver_world(tmp_path, PretendApp())
    world.apply()
    found = export(world, ana=None, sam=date(2026, 2, 10))  # type: ignore[arg-type]
    (row,) = found.parts["leavers"]
    assert (row["person"], row["last_day"], row["app"], row["outcome"]) == (
        "sam", "2026-02-10", "code", "done and verified",
    )  # fmt: skip
    assert world.moment.isoformat() < row["suspended_at"] <= row["verified_at"]
    nobody = export(world, lee=date(2026, 2, 20))
    assert [row["outcome"] for row in rows(nobody, "leavers", person="lee")] == ["nothing was ever asked"]


def test_a_ticket_is_told_until_somebody_did_it(tmp_path: Path) -> None:
    """Opened, overdue after its deadline, and verified by the run that finds it done."""
    desk, app = TicketDesk(), PretendApp()
    app.capabilities = replace(app.capabilities, operations={}, kinds={})
    world = leaver_world(tmp_path, app)
    world.apps = {"code": {"pretend": app, "ticket": desk}}
    world.apply()
    assert bodies(world, Kind.TICKET)
    found = export(world, sam=date(2026, 2, 10))
    overdue = {row["change"] for row in rows(found, "exceptions", exception="ticket overdue")}
    assert "code/suspend-account/sam" in overdue
    assert rows(found, "leavers", person="sam")[0]["outcome"] == "ticket open"
    app.accounts["u-sam"]["status"] = "suspended"
    world.moment += timedelta(days=1)
    world.apply()
    suspended = rows(export(world, sam=date(2026, 2, 10)), "leavers", person="sam")[0]
    assert suspended["outcome"] == "seen later"
    assert suspended["verified_at"] >= world.moment.isoformat()


def test_an_adoption_is_counted(tmp_path: Path) -> None:
    """What is taken on without a change is told by numbers and, where they are few, by names."""
    world = leaver_world(tmp_path, PretendApp())
    world.apply()
    (adopted,) = bodies(world, Kind.ADOPTED)
    assert adopted["accounts"] >= 1
    assert ["account", "ana", "active"] in adopted["items"]


def test_guards_and_protections_are_exceptions(tmp_path: Path) -> None:
    """What was refused, what was lifted and why, and what a protection kept from being done."""
    world = leaver_world(tmp_path, PretendApp())
    plan = block(world.plan(), "code/suspend-account/sam", "sam is protected")
    lifted = Verdict("leavers", "", refused=False, text="9 of 3 leavers (overridden: agreed with lee)")
    refused = Verdict("removals_per_app", "code", refused=True, text="7 of 5 removals")
    world.apply(replace(plan, verdicts=(lifted, refused)), reason="agreed with lee")
    found = {row["exception"]: row for row in export(world).parts["exceptions"]}
    assert found["guard refused"]["detail"] == "removals_per_app: 7 of 5 removals"
    assert "agreed with lee" in found["override"]["detail"]
    assert (found["protection used"]["change"], found["protection used"]["detail"]) == (
        "code/suspend-account/sam", "sam is protected",
    )  # fmt: skip
    assert bodies(world, Kind.LIFTED)[0]["reason"] == "agreed with lee"
    refusals = rows(export(world), "changes", outcome="not attempted")
    assert any("refused by removals_per_app" in row["detail"] for row in refusals)


def test_a_cancelled_ticket_is_told(tmp_path: Path) -> None:
    """By the change that it was for, and the reason."""
    desk, app = TicketDesk(), PretendApp()
    app.capabilities = replace(app.capabilities, operations={}, kinds={})
    world = leaver_world(tmp_path, app)
    world.apps = {"code": {"pretend": app, "ticket": desk}}
    world.apply()
    stays = "grants: [{to: {people: [ana]}, grants: {code: []}}]\n"
    world.write(COMPANY.replace("[ana, sam]", "[sam]") + stays, APPS)
    world.apply()
    (told,) = bodies(world, Kind.CANCELLED)
    assert (told["change"], told["detail"]) == ("code/grant/ana/team:x", "no longer wanted")
    (row,) = rows(export(world), "changes", change="code/grant/ana/team:x")
    assert row["ticket_cancelled_at"]


class Blabbing(PretendApp):
    """An app whose answers hold secrets."""

    async def perform(self, change: Change) -> Receipt:
        """Refuse, and tell too much."""
        if change.holder == "sam":
            raise AnswerError(" ".join(CANARIES.values()), status=400)
        return replace(await super().perform(change), detail=" ".join(CANARIES.values()))


def test_no_planted_secret_gets_into_the_trail(tmp_path: Path) -> None:
    """Not from an app's words, a mapped attribute by its name, an override's reason or an approval."""
    world = leaver_world(tmp_path, Blabbing())
    people = COMPANY.replace("team:x", "team:y") + "grants: [{to: {people: [ana]}, grants: {code: ['team:x']}}]\n"
    world.write(people, APPS)
    plan = world.plan()
    secret = {"api_token": "c4n4ry-attr", "title": CANARIES["token"], "tags": (CANARIES["address"],)}
    changes = tuple(replace(change, after={**change.after, **secret}) for change in plan.apps[0].changes)
    world.apply(replace(plan, apps=(replace(plan.apps[0], changes=changes),)))
    text = "".join(path.read_text("latin-1") for path in [*tmp_path.rglob("state.db")])
    assert "audit" in text
    trail = json.dumps([dict(entry.body) for entry in entries_of(world)])
    assert "[secret]" in trail
    assert [secret for secret in SECRETS if secret in trail] == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_the_trail_of_a_killed_run_says_what_became_of_it(tmp_path: Path) -> None:
    """What was asked is there, the next run settles it, and the chain is whole all the time."""

    def die(after: int) -> Callable[[str], None]:
        left = iter(range(after))
        return lambda event: os.kill(os.getpid(), signal.SIGKILL) if event and next(left, None) is None else None

    for fatal in (3, 9, 15, 21):
        folder = tmp_path / str(fatal)
        folder.mkdir()
        world, app = make_world(folder, PretendApp(path=folder / "app.json"))
        process = os.fork()
        if process == 0:
            app.hook = die(fatal)
            world.apply()
            os._exit(99)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status), fatal
        asked = {body["change"] for body in bodies(world, Kind.ASKED)}
        answered = {body["change"] for body in bodies(world, Kind.ANSWERED)}
        again = World(folder, {"code": {"pretend": PretendApp(path=folder / "app.json")}})
        again.apply()
        assert verify_file(folder / ".reconciler" / "state.db").faults == ()
        settled = {body["change"]: body for body in bodies(again, Kind.SETTLED)}
        assert set(settled) == asked - answered
        assert all(body["run"] != body["by"] for body in settled.values())
        assert len(rows(export(again), "exceptions", exception="run never ended")) == 1
