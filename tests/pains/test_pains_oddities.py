"""What no table lists: shared servers, odd names, things that vanish and come back, files that people edit by hand."""

from typing import Any

import pytest
from faulty_server import FaultyServer
from pains_company import Company
from pains_server import active, group_of, id_of, is_active, members, names, user_of, writes

AWKWARD = [
    "a/b",
    "a:b",
    "a:b/c:d",
    "Sales & Marketing",
    "Ärzte \u2013 Köln",
    "名前",
    'say "hi"',
    "back\\slash",
    "x' or '1' eq '1",
    "100%",
    "a,b;c",
    " padded",
    "e\u0301quipe",
    "🚀 team",
    "-dash",
    "#hash",
    "{brace}",
]


def test_two_apps_on_one_server_do_not_fight(hub: Company, server: FaultyServer) -> None:
    """One app has its people in one group, the other in another: both settle, and neither undoes the other."""
    server.store.group("ops")
    hub.hub(server.url, name="second")
    hub.grants((["ana", "kim"], {"hub": ["group:eng"]}), (["kim", "lee"], {"second": ["group:ops"]}))
    assert hub.apply().code in {0, 4}
    assert hub.apply().code == 0
    assert hub.plan().code == 0
    assert names(server) == ["ana@acme.example", "kim@acme.example"]
    assert names(server, "ops") == ["kim@acme.example", "lee@acme.example"]
    assert len(server.store.users) == 3


@pytest.mark.parametrize("name", [name for name in AWKWARD if name == name.strip()])
def test_groups_with_awkward_names_are_found_and_made_once(hub: Company, server: FaultyServer, name: str) -> None:
    """One that is there is found, one that is declared is made, and the second plan is empty."""
    server.store.group(name)
    made = f"{name} 2"
    hub.hub(server.url, entitlements={f"group:{made}": {}})
    hub.grants((["ana"], {"hub": [{"group": name}, f"group:{made}"]}))
    hub.settle()
    assert names(server, name) == names(server, made) == ["ana@acme.example"]
    assert len(server.store.groups) == 3


@pytest.mark.parametrize("name", AWKWARD)
def test_people_with_awkward_names_settle(hub: Company, server: FaultyServer, name: str) -> None:
    """A display name is what was written, whatever it is, and no noise follows."""
    hub.hub(server.url, accounts={"attributes": {"displayName": "{{ person.name }}", "title": "{{ person.title }}"}})
    hub.people("omar", "kim", "lee", ana={"name": name, "title": name})
    hub.settle()
    assert user_of(server, "ana")["title"].strip() == name.strip()


@pytest.mark.parametrize("username", ["ana/../kim", "ana?x=1", "ana#1", "ana b", "änä", 'a"b', "a\\b", "%2e%2e"])
def test_usernames_with_awkward_letters_are_looked_up_exactly(
    hub: Company, server: FaultyServer, username: str
) -> None:
    """Creation is answered 409, and the filter must find this one and no other."""
    hub.people("omar", "kim", "lee", ana={"usernames": {"hub": username}})
    server.habits.lose_answers = 3
    hub.settle()
    assert user_of(server, username)["emails"][0]["value"] == "ana@acme.example"
    assert len(server.store.users) == 3


def test_an_app_that_is_taken_out_of_the_yaml_is_left_alone_and_told(hub: Company, server: FaultyServer) -> None:
    """Nothing is read or removed in it; the plan warns, until it is forgotten by name."""
    hub.settle()
    (hub.folder / "apps" / "hub.yaml").unlink()
    (hub.folder / "grants.yaml").unlink()
    server.log.clear()
    done = hub.apply()
    assert done.code == 0, done.said
    assert "'hub' is no longer in the YAML" in done.said
    assert server.log == []
    assert hub.run("state", "forget", "hub", "--yes").code == 0
    assert "no longer in the YAML" not in hub.plan().said


def test_an_app_that_comes_back_remembers_what_was_its(hub: Company, server: FaultyServer) -> None:
    """Taken out and written again: nothing to do, and no second account."""
    hub.settle()
    text = hub.read("apps/hub.yaml")
    (hub.folder / "apps" / "hub.yaml").unlink()
    hub.grants()
    hub.plan()
    hub.write("apps/hub.yaml", text)
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:eng"]}))
    assert hub.plan().code == 0
    assert len(server.store.users) == 3


def test_an_app_under_a_new_name_takes_its_accounts_over(hub: Company, server: FaultyServer) -> None:
    """A renamed app adopts what is there: nothing is created, nothing removed."""
    hub.settle()
    (hub.folder / "apps" / "hub.yaml").unlink()
    hub.hub(server.url, name="portal")
    hub.grants((["ana", "kim", "omar"], {"portal": ["group:eng"]}))
    server.log.clear()
    assert hub.changes() == []
    assert hub.apply().code == 0
    assert writes(server) == []


def test_a_lost_state_treats_nothing_as_ours(hub: Company, server: FaultyServer) -> None:
    """The file is deleted: what git no longer has stays as unmanaged; leavers still go."""
    hub.settle()
    for path in (hub.folder / ".reconciler").glob("state.db*"):
        path.unlink()
    hub.grants((["omar"], {"hub": ["group:eng"]}))
    hub.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    done = hub.apply()
    assert is_active(server, "ana"), done.out
    assert "ana@acme.example" in names(server)
    assert not is_active(server, "kim"), done.out
    assert "left alone" in done.out


def test_a_damaged_state_is_an_error_and_not_an_empty_one(hub: Company, server: FaultyServer) -> None:
    """Neither plan nor apply goes on, and the file stays for whoever can repair it."""
    hub.settle()
    file = hub.folder / ".reconciler" / "state.db"
    file.write_bytes(b"not a database at all" * 100)
    server.log.clear()
    for arguments in (["plan"], ["apply", "--yes"], ["state", "list"]):
        done = hub.run(*arguments)
        assert done.code == 1, done.said
        assert "state" in done.err
        assert "a fault of" not in done.err
        assert "Traceback" not in done.err
    assert writes(server) == []
    assert file.read_bytes().startswith(b"not a database")


def test_an_until_in_the_past_gives_nothing_and_takes_away(hub: Company, server: FaultyServer) -> None:
    """Expired before it was ever applied: nothing; expired afterwards: the grant goes, with a warning and no error."""
    hub.grants((["ana"], {"hub": ["group:eng"]}), until="2020-01-01")
    done = hub.apply()
    assert done.code == 0, done.said
    assert server.store.users == {}
    hub.grants((["ana"], {"hub": ["group:eng"]}))
    hub.settle()
    hub.grants((["ana"], {"hub": ["group:eng"]}), until="2020-01-01")
    assert hub.run("validate").code == 0
    planned = hub.run("plan", "--json").data()
    assert [change["cause"] for change in planned["apps"][0]["changes"] if change["operation"] == "revoke"] == [
        "expired"
    ]


def test_a_person_who_has_not_started_gets_nothing_yet(hub: Company, server: FaultyServer) -> None:
    """And is in the plan of that day."""
    hub.people("omar", "kim", "lee", ana={"start": "2090-01-01"})
    hub.settle()
    assert active(server) == ["kim@acme.example", "omar@acme.example"]
    planned = hub.run("plan", "--at", "2090-01-02", "--json").data()
    assert {change["item"]["holder"] for change in planned["apps"][0]["changes"]} == {"ana"}


def test_a_csv_that_is_edited_between_plan_and_apply_is_refused(company: Company) -> None:
    """A row that matters: refused and named. A row that does not: applied."""
    company.people("omar", "ana")
    company.wiki("1,ana@acme.example,active\n2,omar@acme.example,active\n", "1,team:eng,\n")
    company.grants((["ana", "omar"], {"wiki": ["team:ops"]}))
    plan = str(company.folder / "plan.json")
    assert company.run("plan", "--out", plan).code == 0
    company.write("wiki-grants.csv", company.read("wiki-grants.csv") + "2,team:ops,\n")
    before = company.tree()
    done = company.run("apply", plan)
    assert done.code == 3
    assert "wiki/grant/omar/team:ops" in done.err
    assert company.tree() == before
    assert company.run("plan", "--out", plan).code == 0
    company.write("wiki-grants.csv", company.read("wiki-grants.csv") + "2,team:eng,\n")
    assert company.run("apply", plan).code == 0
    assert "1,team:ops," in company.read("wiki-grants.csv")
    assert "2,team:eng," in company.read("wiki-grants.csv")


def test_a_csv_keeps_what_is_not_ours(company: Company) -> None:
    """Other columns, their order, quoting of other rows, and a last line without an end survive."""
    company.people("omar", "ana")
    company.wiki("", "")
    rows = 'note,id,email,status,extra\n"a, ""b""",1,ana@acme.example,active,"x\ny"\nplain,2,z@other.example,active,'
    company.write("wiki.csv", rows)
    company.grants((["ana", "omar"], {"wiki": ["team:ops"]}))
    company.settle()
    text = company.read("wiki.csv")
    assert text.startswith('note,id,email,status,extra\n"a, ""b""",1,ana@acme.example,active,"x\ny"\nplain,2,')
    assert "omar@acme.example" in text


@pytest.mark.parametrize(
    "damage",
    ["deleted", "emptied", "no head", "unknown status", "duplicated", "retitled", "merge conflict", "binary"],
)
def test_a_tickets_folder_that_was_edited_by_hand_is_no_disaster(company: Company, damage: str) -> None:
    """Either it is read right, or it is told with its file: never a traceback, never silently done."""
    company.people("omar", "ana")
    company.app("figma")
    company.grants((["ana"], {"figma": ["license:pro"]}))
    assert company.apply().code == 0
    ticket = min((company.folder / "tickets").glob("figma-*.md"))
    text = ticket.read_text()
    match damage:
        case "deleted":
            ticket.unlink()
        case "emptied":
            ticket.write_text("")
        case "no head":
            ticket.write_text("# I did it\n")
        case "unknown status":
            ticket.write_text(text.replace("status: open", "status: finished"))
        case "duplicated":
            ticket.with_name("copy-of-" + ticket.name).write_text(text)
        case "retitled":
            ticket.rename(ticket.with_name("renamed.md"))
        case "merge conflict":
            ticket.write_text(
                text.replace("status: open", "<<<<<<< HEAD\nstatus: open\n=======\nstatus: done\n>>>>>>> x")
            )
        case "binary":
            ticket.write_bytes(b"\xff\xfe\x00" * 50)
    planned, done = company.plan(), company.apply()
    assert "a fault of" not in planned.said + done.said
    assert "Traceback" not in planned.said + done.said
    assert "verified" not in done.out.replace("attested by tickets, not verified", "")
    told = ticket.name in planned.said or "copy-of" in planned.said
    if planned.code == 5:
        assert told, planned.said
        assert done.code == 5
    else:
        assert company.plan().code == 0, company.plan().said


def test_an_open_ticket_is_withdrawn_when_git_changes_its_mind(company: Company) -> None:
    """Superseded, not deleted; asked for again it is opened anew."""
    company.people("omar", "ana", "kim")
    company.app("figma")
    company.grants((["ana", "kim"], {"figma": ["license:pro"]}))
    assert company.apply().code == 0
    company.grants((["kim"], {"figma": ["license:pro"]}))
    assert company.apply().code == 0
    texts = [path.read_text() for path in sorted((company.folder / "tickets").glob("*ana*.md"))]
    assert texts
    assert all("status: superseded" in text for text in texts)
    assert company.plan().code == 0
    company.grants((["ana", "kim"], {"figma": ["license:pro"]}))
    assert company.apply().code == 0
    assert "status: open" in "".join(path.read_text() for path in (company.folder / "tickets").glob("*ana*.md"))


def test_moving_somebody_between_groups_is_one_plan(hub: Company, server: FaultyServer) -> None:
    """In the new one before out of the old one, and the account is never suspended."""
    server.store.group("ops")
    hub.settle()
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}), (["kim"], {"hub": ["group:ops"]}))
    server.log.clear()
    hub.settle()
    assert [line for line in writes(server) if "Users" in line] == []
    assert names(server, "ops") == ["kim@acme.example"]
    assert "kim@acme.example" not in names(server)


def test_a_group_that_was_made_anew_is_not_mistaken_for_the_old_one(hub: Company, server: FaultyServer) -> None:
    """`eng` is deleted and somebody makes another `eng`: told before anybody is put in."""
    hub.settle()
    server.store.groups.clear()
    stranger = server.store.group("eng")
    server.log.clear()
    done = hub.apply()
    assert done.code in {3, 5}, done.said
    assert server.store.members(stranger) == []


def test_a_group_that_was_renamed_by_hand_is_followed_or_told(hub: Company, server: FaultyServer) -> None:
    """Its id is pinned: no second group is made, nobody is removed."""
    hub.settle()
    group_of(server)["displayName"] = "engineering"
    server.log.clear()
    done = hub.apply()
    assert len(server.store.groups) == 1, done.said
    assert len(server.store.members("g-00001")) == 3
    assert writes(server) in ([], ["PATCH /Groups/g-00001"])


def test_deleting_needs_a_grace_and_only_where_asked(hub: Company, server: FaultyServer) -> None:
    """A leaver is suspended first; with `delete_after: 0d` deleted by a later plan, without it never."""
    hub.settle()
    hub.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    hub.settle()
    kim = id_of(server, "kim")
    assert kim in server.store.users
    hub.hub(server.url, delete_after="30d")
    assert "hub/delete-account/kim" not in hub.changes()
    assert kim in server.store.users


def test_a_service_account_is_kept_apart_from_people(hub: Company, server: FaultyServer) -> None:
    """It gets grants, is matched by its email, and a review that is over only warns."""
    hub.dump(
        "bots.yaml",
        {"service_accounts": {"bot": {"owner": "omar", "email": "bot@acme.example", "review_by": "2020-01-01"}}},
    )
    hub.grants((["ana"], {"hub": ["group:eng"]}), ({"service_accounts": ["bot"]}, {"hub": ["group:eng"]}))
    done = hub.settle()
    assert "review" in done.said
    assert names(server) == ["ana@acme.example", "bot@acme.example"]


def test_the_same_person_by_two_roads_loses_only_one_road(hub: Company, server: FaultyServer) -> None:
    """Granted by a role and by a grant: taking one away changes nothing in the app."""
    hub.dump("roles.yaml", {"roles": {"dev": {"to": {"people": ["ana"]}, "grants": {"hub": ["group:eng"]}}}})
    hub.settle()
    hub.grants((["kim", "omar"], {"hub": ["group:eng"]}))
    server.log.clear()
    assert hub.plan().code == 0
    assert "ana@acme.example" in names(server)


def test_levels_at_odds_block_one_item_and_nothing_else(company: Company) -> None:
    """`half` and `full`, and nobody knows which is more: told, left as it is, the others go on."""
    company.people("omar", "ana", "kim")
    company.wiki("1,ana@acme.example,active\n", "1,seat:pro,half\n", "seat:pro\n")
    company.grants(
        (["ana"], {"wiki": [{"seat:pro": "half"}]}),
        (["ana", "kim"], {"wiki": [{"seat:pro": "full"}]}),
    )
    done = company.apply()
    assert done.code in {3, 4}, done.said
    assert "half, full" in done.out or "full, half" in done.out
    assert "1,seat:pro,half" in company.read("wiki-grants.csv")
    assert ",seat:pro,full" in company.read("wiki-grants.csv")


def test_never_together_blocks_the_person_and_not_the_company(hub: Company, server: FaultyServer) -> None:
    """Ana may not hold both: told with the policy's name; kim's change goes on."""
    server.store.group("pay")
    hub.policies(never_together={"pay-yourself": ["hub/group:eng", "hub/group:pay"]})
    hub.grants((["ana"], {"hub": ["group:eng", "group:pay"]}), (["kim"], {"hub": ["group:pay"]}))
    done = hub.apply()
    assert done.code in {3, 4}
    assert "pay-yourself" in done.out
    assert "kim@acme.example" in names(server, "pay")
    assert not (set(names(server)) & set(names(server, "pay")))


def test_a_hostile_remote_id_leads_nowhere_else(hub: Company, server: FaultyServer) -> None:
    """An id with slashes, dots and a query stays one segment of the path."""
    for remote_id, name in (("../Groups/g-00001", "ana"), ("x?y=1#z", "kim"), ("..", "omar")):
        server.store.users[remote_id] = user(remote_id, name)
    hub.settle()
    hub.people("lee", "omar", ana={"last_day": "2020-01-01"}, kim={"last_day": "2020-01-01"})
    hub.settle()
    assert active(server) == ["omar@acme.example"]
    assert "g-00001" in server.store.groups


def user(remote_id: str, name: str) -> dict[str, Any]:
    """A user with an id of its own choosing."""
    email = f"{name}@acme.example"
    meta = {"resourceType": "User", "version": 'W/"1"'}
    return {"id": remote_id, "userName": email, "active": True, "emails": [{"value": email}], "meta": meta}


def test_what_somebody_holds_by_nobodys_will_is_taken_by_everything_only(hub: Company, server: FaultyServer) -> None:
    """An undeclared membership of a known person: reported under `declared`, removed under `everything`."""
    server.store.group("ops")
    hub.settle()
    group_of(server, "ops")["members"] = [{"value": id_of(server, "ana")}]
    hub.settle()
    assert members(server, "ops")
    hub.hub(server.url, manage="everything")
    hub.settle()
    assert members(server, "ops") == []
    assert is_active(server, "ana")
