"""Success that was none: what could not be read, what was refused, what was answered and not done."""

import pytest
from faulty_server import FaultyServer
from pains_company import Company
from pains_server import accept, id_of, members, refuse, writes

WORDS = "the licence does not allow this: contact sales"


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("collection", ["/Users", "/Groups"])
def test_a_collection_that_cannot_be_read_is_not_an_empty_one(
    hub: Company, server: FaultyServer, collection: str, status: int
) -> None:
    """No group is planned to be made, no account to be created or forgotten: exit 5, with the reason."""
    hub.settle()
    hub.grants((["omar", "ana", "lee"], {"hub": ["group:eng"]}))
    server.log.clear()
    refuse(server, lambda request: request.line.startswith(f"GET {collection}"), WORDS, status)
    planned, done = hub.plan(), hub.apply()
    assert planned.code == 5, planned.said
    assert str(status) in planned.out
    assert done.code in {4, 5}, done.said
    assert not any("entitlement" in change for change in hub.changes())
    assert not [line for line in writes(server) if "Groups" in line]
    assert len(server.store.groups["g-00001"]["members"]) == 3


def test_a_server_in_trouble_is_not_an_empty_one(hub: Company, server: FaultyServer) -> None:
    """A gateway that answers 502 to every reading, after all retries: exit 5, and nothing is written."""
    hub.settle()
    server.log.clear()
    refuse(server, lambda request: request.method == "GET", WORDS, 502)
    done = hub.apply()
    assert done.code == 5
    assert "502" in done.out
    assert writes(server) == []


def test_one_group_that_cannot_be_read_stops_only_what_is_in_it(hub: Company, server: FaultyServer) -> None:
    """A 403 on a single group: nothing about its members, everything about the others; exit 5."""
    server.store.group("ops")
    hub.grants((["ana"], {"hub": ["group:eng", "group:ops"]}))
    hub.settle()
    hub.grants((["ana", "kim"], {"hub": ["group:eng", "group:ops"]}))
    server.habits.members = "single"
    server.habits.forbid = {"/Groups/g-00001"}
    planned = hub.plan()
    assert planned.code == 5
    assert "hub/grant/kim/group:ops" in hub.changes()
    assert "hub/grant/kim/group:eng" not in hub.changes()


def test_refused_removals_are_failures_in_the_vendors_words(hub: Company, server: FaultyServer) -> None:
    """Both of them: exit 4, nothing counted as done, and the next plan has them again."""
    hub.settle()
    hub.grants((["omar"], {"hub": ["group:eng"]}))
    wanted = hub.changes()
    refuse(server, lambda request: request.method == "PATCH", WORDS)
    done = hub.apply()
    assert done.code == 4
    assert WORDS in done.out
    assert "4 failed" in done.out
    assert "done and verified" not in done.out.partition("Applied:")[2]
    accept(server)
    assert hub.changes() == wanted
    hub.settle()


def test_half_a_failure_is_told_apart_from_a_whole_one(hub: Company, server: FaultyServer) -> None:
    """One of two suspensions is refused: exit 4; the other is verified, and only one is left to do."""
    hub.settle()
    hub.grants((["omar"], {"hub": ["group:eng"]}))
    ana = id_of(server, "ana")
    refuse(server, lambda request: request.line == f"PATCH /Users/{ana}", WORDS)
    done = hub.apply()
    assert done.code == 4
    assert "1 failed" in done.out
    assert WORDS in done.out
    accept(server)
    assert hub.changes() == ["hub/suspend-account/ana"]


def test_an_exception_while_planning_is_no_empty_plan(hub: Company, server: FaultyServer) -> None:
    """Neither an answer that is no JSON, nor a value of the wrong type, nor a missing list counts as `no changes`."""
    hub.settle()
    for raw in ("not json", {"Resources": "none"}, {"Resources": [{"id": 7, "userName": ["x"]}]}, [], {"detail": "x"}):
        server.serve = lambda _, raw=raw: (200, raw, {})  # type: ignore[method-assign]
        planned = hub.plan()
        assert planned.code == 5, (raw, planned.said)
        assert "nothing to do" not in planned.out
        assert "Traceback" not in planned.said


@pytest.mark.parametrize("mode", [200, 204])
def test_an_answer_of_success_that_changed_nothing_is_not_done(hub: Company, server: FaultyServer, mode: int) -> None:
    """Suspension and revoke are answered with success and ignored: exit 4, and both are in the next plan."""
    hub.settle()
    hub.grants((["omar", "ana"], {"hub": ["group:eng"]}))
    server.habits.patch_does_nothing, server.habits.patch_status = True, mode
    done = hub.apply()
    assert done.code == 4, done.said
    assert "verified" not in done.out.partition("Applied:")[2]
    assert hub.changes() == ["hub/revoke/kim/group:eng", "hub/suspend-account/kim"]
    server.habits.patch_does_nothing = False
    hub.settle()


def test_a_grant_that_was_answered_and_ignored_is_not_done(hub: Company, server: FaultyServer) -> None:
    """Accounts are created, members are not added: exit 4, and the grants are planned again."""
    server.habits.patch_does_nothing = True
    done = hub.apply()
    assert done.code == 4, done.said
    assert [change for change in hub.changes() if "grant" not in change] == []
    assert len(hub.changes()) == 3


@pytest.mark.parametrize("form", ["ignore_array_removal", "ignore_filter_removal"])
def test_the_wrong_form_of_removal_is_noticed(hub: Company, server: FaultyServer, form: str) -> None:
    """A server that ignores one form of member removal never leaves the member in unnoticed."""
    hub.hub(server.url, accounts={"to": {"everyone": True}})
    hub.settle()
    hub.grants((["omar", "ana"], {"hub": ["group:eng"]}))
    setattr(server.habits, form, True)
    done = hub.apply()
    still = id_of(server, "kim") in members(server)
    assert done.code == (4 if still else 0), done.said
    if still:
        assert "is still a member" in done.out
        assert hub.changes() == ["hub/revoke/kim/group:eng"]


def test_a_closed_ticket_is_a_claim_that_a_reading_must_bear_out(company: Company) -> None:
    """The ticket says done, the export says otherwise: the ticket is opened again, and never called done."""
    company.people("omar", "ana")
    company.wiki("1,omar@acme.example,active\n2,ana@acme.example,active\n", "1,team:eng,\n")
    company.edit("apps/wiki.yaml", "writable: true", "writable: false")
    company.grants((["ana", "omar"], {"wiki": ["team:eng"]}))
    done = company.apply()
    assert "1 ticket open" in done.out
    assert done.code == 0
    [ticket] = (company.folder / "tickets").glob("*.md")
    text = ticket.read_text()
    ticket.write_text(text.replace("status: open", "status: done").replace("attested_by:", "attested_by: lee", 1))
    again = company.plan()
    assert again.code == 2, again.said
    assert "wiki/grant/ana/team:eng" in company.changes()
    company.write("wiki-grants.csv", company.read("wiki-grants.csv") + "2,team:eng,\n")
    assert company.plan().code == 0


def test_an_app_of_tickets_alone_is_never_called_verified(company: Company) -> None:
    """What only people can see is attested by name in the end, and said to be so."""
    company.people("omar", "ana")
    company.app("figma")
    company.grants((["ana"], {"figma": ["license:pro"]}))
    done = company.apply()
    assert done.code == 0
    assert "verified" not in done.out.replace("attested by tickets, not verified", "")
    pending = company.plan()
    assert pending.code == 0
    assert len(company.findings("pending")) == 2, pending.out
    assert len(list((company.folder / "tickets").glob("*.md"))) == 1
    assert company.apply().code == 0
    assert len(list((company.folder / "tickets").glob("*.md"))) == 1


def test_a_ticket_for_a_removal_does_not_count_as_removed(company: Company) -> None:
    """A leaver in an export that nobody may write: an open ticket, still live, and shown in every plan."""
    company.people("omar", "ana", sam={"last_day": "2020-01-31"})
    company.wiki("1,omar@acme.example,active\n3,sam@acme.example,active\n", "1,team:eng,\n")
    company.edit("apps/wiki.yaml", "writable: true", "writable: false")
    company.grants((["omar"], {"wiki": ["team:eng"]}))
    done = company.apply()
    assert done.code == 0
    assert "ticket open" in done.out
    assert company.plan().code == 0
    assert any("sam" in found for found in company.findings("pending"))
    assert "3,sam@acme.example,active" in company.read("wiki.csv")


def test_a_lost_answer_is_looked_up_and_not_guessed(hub: Company, server: FaultyServer) -> None:
    """The connection breaks after the server did the work: found, not created twice."""
    server.habits.lose_answers = 2
    done = hub.apply()
    assert done.code == 0, done.said
    assert len(server.store.users) == 3
    assert hub.plan().code == 0


def test_a_lost_request_is_sent_again_or_told(hub: Company, server: FaultyServer) -> None:
    """The connection breaks before anything was done: nothing is claimed that is not true."""
    server.habits.lose_requests = 1
    hub.apply()
    assert hub.apply().code == 0
    assert len(server.store.users) == 3
    assert len(server.store.members("g-00001")) == 3
    assert hub.plan().code == 0


def test_a_read_back_that_fails_leaves_nothing_verified(hub: Company, server: FaultyServer) -> None:
    """Everything was done, and then nobody could look: said so, exit 4, and settled by the next run."""
    refuse(server, lambda request: request.method == "GET" and server.requests("PATCH"), WORDS)
    done = hub.apply()
    assert "could not be read back" in done.said
    assert "verified" not in done.out.partition("Applied:")[2].replace("not verified", "")
    accept(server)
    assert hub.settle().code == 0
