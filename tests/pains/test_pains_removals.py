"""Removals that nobody wanted: short reads, strangers, ownership, limits, empty sides, overrides."""

import json

import pytest
from faulty_server import FaultyServer
from pains_company import Company
from pains_server import active, id_of, names, writes


def fill(company: Company, server: FaultyServer, count: int = 12) -> list[str]:
    """Have so many people in the group, all applied."""
    ids = ["omar", *(f"p{number:02}" for number in range(count - 1))]
    company.people(*ids)
    company.grants((ids, {"hub": ["group:eng"]}))
    company.settle()
    server.log.clear()
    return ids


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_short_page_removes_nothing_and_exits_with_5(hub: Company, server: FaultyServer, kept: int) -> None:
    """The server announces three users and sends fewer; a revoke that git wants waits until the list is whole."""
    hub.settle()
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    server.log.clear()
    server.habits.shorten = lambda start, length: min(length, max(0, kept - start + 1))
    planned, done = hub.plan(), hub.apply()
    assert (planned.code, done.code) == (5, 5)
    assert "accounts" in planned.out
    assert writes(server) == []
    assert len(active(server)) == len(names(server)) == 3


def test_an_empty_answer_that_calls_itself_whole_is_not_believed(hub: Company, server: FaultyServer) -> None:
    """Nothing is created again, nothing forgotten: once the server is well there is nothing to do."""
    hub.settle()
    server.log.clear()
    server.habits.shorten, server.habits.totals = lambda *_: 0, lambda *_: 0
    done = hub.apply()
    assert done.code == 5
    assert "only 0 where the last complete read had 3" in done.out
    assert writes(server) == []
    server.habits.shorten, server.habits.totals = lambda _, length: length, lambda total, _: total
    assert hub.plan().code == 0


def test_a_list_that_is_suddenly_much_smaller_is_not_believed_until_somebody_says_so(
    company: Company, server: FaultyServer
) -> None:
    """Twelve users become three: exit 5 with the way out; with `--trust-read` the nine are created again."""
    company.hub(server.url)
    server.store.group("eng")
    fill(company, server)
    for remote_id in list(server.store.users)[3:]:
        del server.store.users[remote_id]
    planned = company.plan()
    assert planned.code == 5
    assert "only 3 where the last complete read had 12; if so: --trust-read hub" in planned.out
    assert company.apply().code == 5
    assert writes(server) == []
    assert company.apply("--trust-read", "hub").code == 0
    assert len(active(server)) == 12


def test_an_empty_group_listing_removes_and_recreates_no_group(hub: Company, server: FaultyServer) -> None:
    """A 200 with no groups, where there were two, is unread: exit 5, no new group of the same name."""
    hub.hub(server.url, entitlements={"group:eng": {}, "group:ops": {}})
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:eng", "group:ops"]}))
    hub.settle()
    server.log.clear()
    kept, server.store.groups = server.store.groups, {}
    assert hub.apply().code == 5
    assert writes(server) == []
    server.store.groups = kept
    assert hub.plan().code == 0


def test_members_that_are_suddenly_hidden_are_not_granted_again(hub: Company, server: FaultyServer) -> None:
    """All groups look empty from one day to the next: unread, and not a reason to add or to forget anybody."""
    hub.settle()
    server.log.clear()
    server.habits.members = "empty"
    done = hub.apply()
    assert done.code == 5, done.said
    assert writes(server) == []


def test_accounts_of_strangers_are_reported_and_left_alone(hub: Company, server: FaultyServer) -> None:
    """Somebody else's account and membership survive any number of applies."""
    stranger = server.store.user("vendor-support", emails=[{"value": "help@vendor.example"}])
    server.store.groups["g-00001"]["members"].append({"value": stranger})
    done = hub.settle()
    assert "vendor-support" in done.out
    assert "left alone" in done.out
    assert "vendor-support" in active(server)
    assert "vendor-support" in names(server)


def test_managing_everything_removes_strangers_within_the_limits(hub: Company, server: FaultyServer) -> None:
    """It must be asked for; then it is in the plan like any other removal, and too many are refused."""
    hub.settle()
    for number in range(3):
        server.store.user(f"stranger{number}")
    assert hub.changes() == []
    hub.hub(server.url, manage="everything")
    assert hub.changes() == [f"hub/suspend-account/@{id_of(server, f'stranger{number}')}" for number in range(3)]
    hub.policies(limits={"removals_per_app": 2})
    server.log.clear()
    refused = hub.apply()
    assert refused.code == 3
    assert "3 of 2 removals" in refused.out
    assert writes(server) == []
    hub.policies(limits={"removals_per_app": 3})
    hub.settle()
    assert active(server) == ["ana@acme.example", "kim@acme.example", "omar@acme.example"]


@pytest.mark.parametrize(
    ("before", "after"), [("everything", "declared"), ("declared", "observe"), ("everything", "observe")]
)
def test_giving_authority_up_removes_nothing(hub: Company, server: FaultyServer, before: str, after: str) -> None:
    """Even together with the loss of every grant in the YAML, where the app is only observed from now on."""
    hub.hub(server.url, manage=before)
    hub.settle()
    hub.hub(server.url, manage=after)
    server.log.clear()
    assert hub.plan().code == 0
    if after == "observe":
        hub.grants((["omar"], {"hub": ["group:eng"]}))
        done = hub.apply()
        assert done.code == 0, done.said
        assert "only observed" in done.out
    assert writes(server) == []
    assert len(names(server)) == 3


def test_taking_authority_up_again_does_not_surprise(hub: Company, server: FaultyServer) -> None:
    """From observing to managing what is declared: what we applied and git no longer has goes, strangers stay."""
    server.store.user("stranger")
    hub.settle()
    hub.hub(server.url, manage="observe")
    hub.grants((["omar", "ana"], {"hub": ["group:eng"]}))
    assert hub.apply().code == 0
    hub.hub(server.url)
    assert hub.changes() == ["hub/revoke/kim/group:eng", "hub/suspend-account/kim"]


def test_a_reviewed_plan_is_bound_to_how_the_app_is_managed(hub: Company, server: FaultyServer) -> None:
    """Switching to `everything` between review and apply is refused by name."""
    assert hub.run("plan", "--out", str(hub.folder / "plan.json")).code == 0
    hub.hub(server.url, manage="everything")
    done = hub.run("apply", str(hub.folder / "plan.json"))
    assert done.code == 3
    assert "hub: how it is reached and managed" in done.err
    assert writes(server) == []


@pytest.mark.parametrize("manage", ["declared", "everything"])
def test_the_account_that_the_tool_acts_as_is_never_taken_away(hub: Company, server: FaultyServer, manage: str) -> None:
    """Neither as a stranger, nor when the person who owns it has left."""
    server.store.user("svc-scim", emails=[{"value": "svc@acme.example"}])
    hub.hub(server.url, scim={"own_username": "svc-scim"}, manage=manage)
    assert "this tool itself acts as" in hub.settle().out
    hub.people("omar", "ana", "kim", "lee", svc={"last_day": "2020-01-01"})
    server.log.clear()
    done = hub.apply()
    assert done.code == 3
    assert "the account that this tool itself acts as" in done.out
    assert writes(server) == []
    assert "svc-scim" in active(server)


@pytest.mark.parametrize(
    ("protected", "said"),
    [
        ({"people": ["kim"]}, "kim is protected"),
        ({"accounts": ["hub/KIM@acme.example"]}, "the account hub/kim@acme.example is protected"),
        ({"entitlements": ["hub/group:eng"]}, "hub/group:eng is protected"),
    ],
)
def test_what_is_protected_is_not_taken_away(
    hub: Company, server: FaultyServer, protected: dict[str, list[str]], said: str
) -> None:
    """Not by a removal from git: the change is shown, blocked, and the exit code is 3."""
    hub.settle()
    hub.policies(protected=protected)
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    server.log.clear()
    done = hub.apply()
    assert done.code == 3
    assert said in done.out
    assert writes(server) == []
    assert "kim@acme.example" in names(server)
    assert "kim@acme.example" in active(server)


@pytest.mark.parametrize("size", [2, 4, 6, 12])
def test_limits_hold_in_small_sets_too(company: Company, server: FaultyServer, size: int) -> None:
    """Nobody is too few to be guarded: two revokes where one is allowed are refused, whatever the size."""
    company.hub(server.url, accounts={"to": {"everyone": True}})
    company.policies(limits={"removals_per_app": 1})
    server.store.group("eng")
    ids = fill(company, server, size)
    company.grants(*([(ids[2:], {"hub": ["group:eng"]})] if ids[2:] else []))
    done = company.apply()
    assert done.code == 3
    assert "2 of 1 removal" in done.out
    assert writes(server) == []


def test_limits_count_every_kind_and_invited_accounts(company: Company) -> None:
    """An invitation is an account: withdrawing three of them is three removals."""
    company.people("omar")
    company.wiki("1,omar@acme.example,active\n", "1,team:eng,\n")
    company.grants((["omar"], {"wiki": ["team:eng"]}))
    company.settle()
    company.write("wiki.csv", company.read("wiki.csv") + "".join(f"{n},x{n}@acme.example,invited\n" for n in (5, 6, 7)))
    company.edit("apps/wiki.yaml", "owner: omar", "owner: omar\n    manage: everything")
    company.policies(limits={"removals_per_app": 2})
    done = company.apply()
    assert done.code == 3
    assert "3 of 2 removals" in done.out
    assert company.read("wiki.csv").count("invited") == 3


def test_an_app_whose_declared_side_is_suddenly_empty_loses_nothing(hub: Company, server: FaultyServer) -> None:
    """Deleting the file with the grants removes nobody: refused, however small the app is."""
    hub.settle()
    (hub.folder / "grants.yaml").unlink()
    server.log.clear()
    planned, done = hub.plan(), hub.apply()
    assert (planned.code, done.code) == (3, 3)
    assert "nothing is declared any more, where 6 items were applied" in planned.out
    assert writes(server) == []


def test_the_last_grant_of_an_app_may_expire(hub: Company, server: FaultyServer) -> None:
    """The YAML is not silent about it: an app in which everything was for a time ends empty, and nothing refuses."""
    hub.settle()
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:eng"]}), until="2020-01-01")
    hub.settle()
    assert names(server) == []
    assert active(server) == []


def test_a_lost_people_file_is_an_error_before_any_app_is_asked(hub: Company, server: FaultyServer) -> None:
    """Grants to people who do not exist are dangling, not removals."""
    hub.settle()
    (hub.folder / "people.yaml").unlink()
    server.log.clear()
    done = hub.apply()
    assert (done.code, done.out) == (1, "")
    assert "ana" in done.err
    assert server.log == []


def test_limits_are_lifted_for_one_plan_by_its_digest_and_a_reason(hub: Company, server: FaultyServer) -> None:
    """There is no general force; another digest, a short one, or no reason lifts nothing."""
    hub.settle()
    hub.policies(limits={"removals_per_app": 0})
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    server.log.clear()
    digest = hub.plan().digest()
    attempts: list[tuple[list[str], int]] = [
        (["--force"], 1),
        (["--override", digest], 1),
        (["--reason", "because"], 1),
        (["--override", digest, "--reason", "  "], 3),
        (["--override", digest[:6], "--reason", "because"], 3),
        (["--override", "0" * 12, "--reason", "because"], 3),
    ]
    for arguments, code in attempts:
        done = hub.apply(*arguments)
        assert done.code == code, (arguments, done.said)
    assert writes(server) == []
    assert hub.apply("--override", digest, "--reason", "kim moved on").code == 0
    assert names(server) == ["ana@acme.example", "omar@acme.example"]


def test_an_override_does_not_outlive_what_it_was_given_for(hub: Company, server: FaultyServer) -> None:
    """Something else moves in the app, and the digest is another one."""
    hub.settle()
    hub.policies(limits={"removals_per_app": 0})
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    digest = hub.plan().digest()
    server.store.groups["g-00001"]["members"] = server.store.groups["g-00001"]["members"][1:]
    server.log.clear()
    done = hub.apply("--override", digest, "--reason", "kim moved on")
    assert done.code == 3
    assert "look at this plan again" in done.err
    assert writes(server) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--yes"],
        ["plan", "--doit"],
        ["plan", "--trust-read", "hubb"],
        ["apply", "--yes", "--dry-run"],
        ["apply", "--yes", "--app", "hubb"],
        ["apply", "--yes", "--identity", "anna"],
        ["apply", "--yes", "--reactivate", "anna"],
        ["apply", "--yes", "--at", "2027-01-01"],
    ],
)
def test_an_unknown_or_unusable_safety_option_is_an_error(
    hub: Company, server: FaultyServer, arguments: list[str]
) -> None:
    """Nothing is applied by a command that was not understood."""
    done = hub.run(*arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert writes(server) == []


def test_a_leaver_counts_once_in_however_many_apps(hub: Company, server: FaultyServer) -> None:
    """One person with four removals in two apps is one of the one that may leave."""
    hub.people("omar", ana={"last_day": "2090-01-01"}, kim={"last_day": "2090-01-01"})
    hub.wiki("1,ana@acme.example,active\n2,omar@acme.example,active\n3,kim@acme.example,active\n", "1,team:eng,\n")
    hub.policies(limits={"leavers": 1, "removals_per_app": 0})
    hub.settle()
    hub.people("omar", ana={"last_day": "2020-01-01"}, kim={"last_day": "2090-01-01"})
    done = hub.settle()
    assert "1 of 1 leavers" in done.out
    assert "1,ana@acme.example,suspended" in hub.read("wiki.csv")
    assert active(server) == ["kim@acme.example", "omar@acme.example"]
    hub.people("omar", ana={"last_day": "2020-01-01"}, kim={"last_day": "2020-01-02"})
    assert hub.settle().code == 0
    assert active(server) == ["omar@acme.example"]


def test_a_plan_says_what_every_guard_counted(hub: Company) -> None:
    """A machine can read the verdicts: guard, app, counts."""
    hub.settle()
    hub.grants((["omar"], {"hub": ["group:eng"]}))
    verdicts = json.loads(hub.run("plan", "--json").out)["verdicts"]
    assert [(one["guard"], one["app"], one["refused"], one["text"]) for one in verdicts] == [
        ("removals_per_app", "hub", False, "2 of 5 removals")
    ]
