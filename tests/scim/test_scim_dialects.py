"""Each dialect makes the requests that its vendor wants, against a server that enforces the vendor's rules."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from time import monotonic
from typing import Any

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import (
    create,
    grant,
    on_account,
    open_provider,
    perform_batch,
    perform_one,
    read,
    reread,
    revoke,
    suspend,
    update,
    use,
)

from providers.scim.config import ScimConfig
from providers.scim.dialect import Dialect
from providers.scim.dialects import DIALECTS
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import ACCOUNTS

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")

ANA = {"person.name": "Ana Ruiz", "person.given_name": "Ana", "person.family_name": "Ruiz"}
Rule = Callable[[Request], None]


def _create_ana(**more: Any) -> Any:
    return create("ana@acme.example", "ana@acme.example", "id-ana", **ANA, **more)


def _refuse_unless(condition: bool, detail: str, status: int = 400) -> None:
    if not condition:
        raise ScimError(status, detail, "invalidValue")


def _member_changes(request: Request) -> int:
    operations = request.body["Operations"]
    return sum(len(each["value"]) if isinstance(each.get("value"), list) else 1 for each in operations)


def test_every_dialect_has_a_name_and_notes_that_are_sentences() -> None:
    """The table is keyed by the names that the YAML uses."""
    assert set(DIALECTS) >= {"aws", "slack", "github-emu", "github-organization", "atlassian", "google", "salesforce"}
    assert set(DIALECTS) >= {"snowflake", "databricks", "miro", "figma", "gitlab", "zoom", "notion", "okta", "entra"}
    assert all(name == dialect.name for name, dialect in DIALECTS.items())
    known = {operation.value for operation in Operation}
    assert all(set(dialect.unsupported) <= known for dialect in DIALECTS.values())


def test_aws_pages_by_cursor_asks_for_members_and_changes_a_hundred_at_most(server: FaultyServer) -> None:
    """No index, no members in groups, filters `eq` only, one attribute in an operation, 100 changes in a request."""
    users = server.store.many(230)
    group = server.store.group("eng", tuple(users[:120]))
    server.habits.members = "empty"
    server.habits.cursors = True
    server.habits.page_cap = 100
    server.habits.totals = lambda _total, _page: None

    def rule(request: Request) -> None:
        _refuse_unless("startIndex" not in request.query, "startIndex is not supported")
        _refuse_unless("attributes" not in request.query, "attributes is not supported")
        expression = request.query.get("filter", "")
        _refuse_unless(" or " not in expression and " pr" not in expression, "only eq and and")
        if request.method == "PATCH" and request.path.startswith("/Groups"):
            _refuse_unless(_member_changes(request) <= 100, "too many membership changes")
        if request.method == "PATCH":
            _refuse_unless("if-match" not in request.headers, "no ETags")

    server.habits.before = rule
    snapshot = read(server.url, dialect="aws")
    assert len(snapshot.accounts) == 230
    assert len(list(snapshot.grants())) == 120
    assert all(part.complete for part in snapshot.collections.values())
    receipts = perform_batch(server.url, [grant(user, group) for user in users[120:]], dialect="aws")
    receipts = [*receipts, *perform_batch(server.url, [revoke(user, group) for user in users[:120]], dialect="aws")]
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert server.store.members(group) == users[120:]


def test_aws_needs_names_and_has_no_roles(server: FaultyServer) -> None:
    """What a new user must have is said before anything is sent; what AWS has not is not offered."""
    receipt = perform_one(server.url, create("ana", "ana@acme.example"), dialect="aws")
    assert "aws requires name.givenName, name.familyName" in receipt.detail
    assert server.log == []
    receipt = perform_one(server.url, _create_ana(roles="admin"), dialect="aws")
    assert receipt.outcome is Outcome.DONE
    assert "no such attribute: roles" in receipt.detail
    attributes = open_provider(server.url, dialect="aws").capabilities.attributes
    assert attributes is not None
    assert "department" in attributes
    assert "roles" not in attributes


def test_slack_is_asked_slowly_enough_and_never_deletes(server: FaultyServer) -> None:
    """180 user writes a minute with bursts of 20; pages of 1,000; DELETE would only deactivate."""
    dialect = DIALECTS["slack"]
    assert dialect.rate_of("POST", "Users", 10) == "POST Users"
    assert dialect.rate_of("PATCH", "Users", 10) == dialect.rate_of("PUT", "Users", 10) == "PUT|PATCH Users"
    assert next(rule for rule in dialect.rates if rule.name == "POST Users").per_minute == 180
    read(server.url, dialect="slack")
    assert server.requests("GET", "/Users")[0].query["count"] == "1000"
    ability = open_provider(server.url, dialect="slack").capabilities.ability(Operation.DELETE_ACCOUNT, "accounts")
    assert "only deactivates" in ability.why
    assert (
        perform_one(server.url, on_account(Operation.DELETE_ACCOUNT, "u-1"), dialect="slack").outcome is Outcome.FAILED
    )


def test_a_rate_holds_requests_back(server: FaultyServer) -> None:
    """A published limit is kept without being told by a 429."""
    rates = [{"methods": ["PATCH"], "collection": "Users", "per_minute": 600, "burst": 1}]
    users = server.store.many(4)
    begin = monotonic()

    async def work(provider: Any) -> None:
        await asyncio.gather(*(provider.perform(suspend(user)) for user in users))

    use(open_provider(server.url, dialect={"rates": rates}), work)
    assert monotonic() - begin >= 0.29


def test_github_managed_users_are_suspended_and_come_before_groups(server: FaultyServer) -> None:
    """A user agent, the API's version, and no deletion."""
    ana = server.store.user("ana")
    server.store.group("eng", (ana,))

    def rule(request: Request) -> None:
        _refuse_unless(request.headers.get("user-agent") == "identity-reconciler", "a user agent is needed", 403)
        _refuse_unless(request.headers.get("x-github-api-version") == "2022-11-28", "which version?")
        _refuse_unless(request.headers.get("accept") == "application/scim+json", "not acceptable", 406)

    server.habits.before = rule
    snapshot = read(server.url, dialect="github-emu")
    assert all(part.complete for part in snapshot.collections.values())
    assert server.requests("GET", "/Users")[0].query["excludedAttributes"] == "groups"
    assert perform_one(server.url, suspend(ana), dialect="github-emu").outcome is Outcome.DONE
    abilities = open_provider(server.url, dialect="github-emu").capabilities
    assert "cannot undo" in abilities.ability(Operation.DELETE_ACCOUNT, "accounts").why
    receipt = perform_one(server.url, create("ben", "ben@acme.example"), dialect="github-emu")
    assert "requires externalId" in receipt.detail


def test_users_are_written_before_groups_where_the_server_wants_it(server: FaultyServer) -> None:
    """A membership that is asked for at the same time waits for the user."""
    ana = server.store.user("ana")
    group = server.store.group("eng")

    async def work(provider: Any) -> None:
        await asyncio.gather(provider.perform(_create_ana()), provider.perform(grant(ana, group)))

    use(open_provider(server.url, dialect={"base": "github-emu", "check_members": 0}), work)
    assert [request.line for request in server.log] == ["POST /Users", f"PATCH /Groups/{group}"]


def test_a_github_organization_has_no_groups_and_forgets_whom_it_suspends(server: FaultyServer) -> None:
    """Operations without paths; 404 afterwards is success; back only by being invited again."""
    server.habits.users_hidden_when_inactive = True
    server.habits.forbid = {"/Groups"}
    ana = server.store.user("ana")

    def rule(request: Request) -> None:
        if request.method == "PATCH":
            _refuse_unless(all("path" not in each for each in request.body["Operations"]), "no paths")

    server.habits.before = rule
    snapshot = read(server.url, dialect="github-organization")
    assert set(snapshot.collections) == {ACCOUNTS}
    assert perform_one(server.url, suspend(ana), dialect="github-organization").outcome is Outcome.DONE
    again = perform_one(server.url, suspend(ana), dialect="github-organization")
    assert (again.outcome, again.detail) == (Outcome.DONE, "not found: suspended accounts are not shown")
    abilities = open_provider(server.url, dialect="github-organization").capabilities
    assert "created again" in abilities.ability(Operation.REACTIVATE_ACCOUNT, "accounts").why


@pytest.mark.parametrize("name", ["atlassian", "notion"])
def test_suspending_by_delete(server: FaultyServer, name: str) -> None:
    """DELETE deactivates, and the account then answers 404."""
    server.habits.delete_deactivates = True
    server.habits.users_hidden_when_inactive = True
    ana = server.store.user("ana")
    assert perform_one(server.url, suspend(ana), dialect=name).outcome is Outcome.DONE
    assert server.log[-1].method == "DELETE"
    assert server.store.users[ana]["active"] is False
    assert perform_one(server.url, suspend(ana), dialect=name).outcome is Outcome.DONE
    abilities = open_provider(server.url, dialect=name).capabilities
    assert not abilities.ability(Operation.DELETE_ACCOUNT, "accounts")


def test_atlassian_is_looked_up_by_eq_and_adopted(server: FaultyServer) -> None:
    """409 for an account of a verified domain: found by userName, taken."""
    there = server.store.user("ana@acme.example", externalId="id-ana")
    receipt = perform_one(server.url, _create_ana(), dialect="atlassian")
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, there)
    assert server.requests("GET", "/Users")[0].query["filter"] == 'userName eq "ana@acme.example"'


def test_google_is_asked_once_for_everything(server: FaultyServer) -> None:
    """No paging parameters at all, and no `If-Match`."""
    server.store.many(130)
    server.habits.no_paging = True

    def rule(request: Request) -> None:
        _refuse_unless("startIndex" not in request.query and "count" not in request.query, "no pagination")
        _refuse_unless("if-match" not in request.headers, "no ETags")

    server.habits.before = rule
    snapshot = read(server.url, dialect="google")
    assert len(snapshot.accounts) == 130
    assert len(server.requests("GET", "/Users")) == 1
    assert perform_one(server.url, suspend("u-00001", 'W/"1"'), dialect="google").outcome is Outcome.DONE


def test_salesforce_nests_members_and_deactivates_only(server: FaultyServer) -> None:
    """Members are inside of an object at the path `members`; discovery is at another path."""
    ana = server.store.user("ana")
    group = server.store.group("eng")

    def rule(request: Request) -> None:
        for operation in request.body["Operations"] if request.method == "PATCH" else ():
            assert operation["path"] == "members"
            operation["value"] = operation["value"]["members"]

    server.habits.before = rule
    assert perform_one(server.url, grant(ana, group), dialect="salesforce").outcome is Outcome.DONE
    assert server.store.members(group) == [ana]
    assert perform_one(server.url, revoke(ana, group), dialect="salesforce").outcome is Outcome.DONE
    assert server.store.members(group) == []
    assert DIALECTS["salesforce"].discovery_path == "ServiceProviderConfigs"
    abilities = open_provider(server.url, dialect="salesforce").capabilities
    assert "never deletes" in abilities.ability(Operation.DELETE_ACCOUNT, "accounts").why


def test_discovery_is_asked_where_the_dialect_says(server: FaultyServer) -> None:
    """`discovery_path` is another path, and `discovery: false` is none."""
    for dialect, expected in (({"discovery_path": "ServiceProviderConfigs"}, True), ({"discovery": False}, False)):
        server.log.clear()
        perform_one(server.url, create("ana"), bulk=True, dialect=dialect)
        assert bool(server.requests("GET", "/ServiceProviderConfigs")) is expected


def test_snowflakes_made_up_user_is_no_list(server: FaultyServer) -> None:
    """An unfiltered list that holds one synthetic user says nothing about the real ones."""
    server.store.user("synthesis_user", active=False)
    server.store.group("eng")
    snapshot = read(server.url, dialect="snowflake")
    assert snapshot.accounts == []
    assert not snapshot.collections[ACCOUNTS].complete
    assert "makes up" in snapshot.collections[ACCOUNTS].why
    server.store.users.clear()
    server.store.user("ana")
    assert read(server.url, dialect="snowflake").collections[ACCOUNTS].complete


def test_databricks_pages_by_a_hundred_and_splits_filters(server: FaultyServer) -> None:
    """Filters of at most 200 nodes: 130 accounts take three."""
    users = server.store.many(130)

    def rule(request: Request) -> None:
        _refuse_unless(request.query.get("filter", "").count(" eq ") <= 66, "INVALID_FILTER")
        _refuse_unless(int(request.query.get("count", "100")) <= 100, "count")

    server.habits.before = rule
    assert [each and each.remote_id for each in reread(server.url, *users, dialect="databricks")] == users
    assert len(server.log) == 3
    assert read(server.url, dialect="databricks", page_size=1000).collections[ACCOUNTS].complete


def test_miro_is_asked_in_requests_of_its_size_and_speed(server: FaultyServer) -> None:
    """8,000 members or 800,000 bytes at most; large PATCHes are another rate class; "not unique" is a conflict."""
    dialect = DIALECTS["miro"]
    assert dialect.rate_of("PATCH", "Groups", 501) != dialect.rate_of("PATCH", "Groups", 500) != ""
    users = server.store.many(1500)
    group = server.store.group("eng")
    receipts = perform_batch(server.url, [grant(user, group) for user in users], dialect="miro")
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert max(request.size for request in server.requests("PATCH")) < 800_000
    there = server.store.user("ana@acme.example")

    def rule(request: Request) -> None:
        if request.method == "POST":
            raise ScimError(400, "User name 'ana@acme.example' is invalid: 'not unique'", "invalidValue")

    server.habits.before = rule
    receipt = perform_one(server.url, _create_ana(), dialect="miro")
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, there)
    abilities = open_provider(server.url, dialect="miro").capabilities
    assert not abilities.ability(Operation.CREATE_ENTITLEMENT, "group")


def test_figma_has_seats_and_addresses_as_usernames(server: FaultyServer) -> None:
    """No emails are sent; the username is the address; a seat is a role of the type `seatType`."""
    seats = {"seat": {"attribute": "roles", "type": "seatType", "single": True, "values": ["View", "Dev", "Full"]}}

    def rule(request: Request) -> None:
        _refuse_unless(not isinstance(request.body, dict) or "emails" not in request.body, "no emails")

    server.habits.before = rule
    receipt = perform_one(server.url, _create_ana(), dialect="figma", value_kinds=seats)
    assert receipt.outcome is Outcome.DONE
    perform_one(server.url, grant(receipt.remote_id, "seat:Dev", "seat:Dev"), dialect="figma", value_kinds=seats)
    snapshot = read(server.url, dialect="figma", value_kinds=seats)
    assert snapshot.accounts[0].email == "ana@acme.example"
    assert [(key, level) for _, key, level in snapshot.grants()] == [("seat:Dev", None)]
    assert {each.key for each in snapshot.entitlements} == {"seat:View", "seat:Dev", "seat:Full"}


def test_gitlab_is_looked_up_by_its_id(server: FaultyServer) -> None:
    """GitLab's ids are the external ids, and its names may be written with a dot."""
    server.store.user("ana@acme.example")
    user = server.store.users.pop("u-00001")
    server.store.users["id-ana"] = {**user, "id": "id-ana", "externalId": "id-ana", "name.formatted": "Ana Ruiz"}
    receipt = perform_one(server.url, _create_ana(), dialect="gitlab")
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, "id-ana")
    assert server.requests("GET", "/Users")[0].query["filter"] == 'id eq "id-ana"'
    snapshot = read(server.url, dialect="gitlab")
    assert set(snapshot.collections) == {ACCOUNTS}
    assert snapshot.accounts[0].attributes["name.formatted"] == "Ana Ruiz"


def test_zoom_users_are_put_and_ask_for_scim_only(server: FaultyServer) -> None:
    """`Accept: application/scim+json`, and no PATCH of attributes."""
    ana = server.store.user("ana", title="Boss")
    server.habits.no_patch = ("Users",)

    def rule(request: Request) -> None:
        _refuse_unless(request.headers.get("accept") == "application/scim+json", "not acceptable", 406)

    server.habits.before = rule
    assert (
        perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}), dialect="zoom").outcome
        is Outcome.DONE
    )
    assert perform_one(server.url, suspend(ana), dialect="zoom").outcome is Outcome.DONE
    assert server.store.users[ana]["title"] == "Chief"
    assert server.store.users[ana]["active"] is False
    assert server.requests("PATCH") == []


def test_notions_silent_refusals_are_noticed(server: FaultyServer) -> None:
    """A name outside of a verified domain is answered 200 and not changed."""
    ana = server.store.user("ana", displayName="Ana")
    server.habits.patch_does_nothing = True
    server.habits.patch_status = 204
    receipt = perform_one(server.url, update(ana, {"displayName": "Ana"}, {"displayName": "Anna"}), dialect="notion")
    assert receipt.outcome is Outcome.FAILED
    assert "verified domains" in DIALECTS["notion"].notes[0]


def test_okta_reads_and_puts(server: FaultyServer) -> None:
    """As Okta's integrations do: `userName eq`, then PUT."""
    ana = server.store.user("ana@acme.example", title="Boss")
    server.habits.no_patch = ("Users", "Groups")
    group = server.store.group("eng")
    assert (
        perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}), dialect="okta").outcome
        is Outcome.DONE
    )
    assert perform_one(server.url, grant(ana, group), dialect="okta").outcome is Outcome.DONE
    receipt = perform_one(server.url, _create_ana(), dialect="okta")
    assert receipt.remote_id == ana


def test_entra_writes_titles_and_texts(server: FaultyServer) -> None:
    """`Replace`, `"False"`, and members removed by a list of values."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    perform_one(server.url, suspend(ana), dialect="entra")
    perform_one(server.url, revoke(ana, group), dialect="entra")
    assert server.requests("PATCH", "/Users")[0].body["Operations"] == [
        {"op": "Replace", "path": "active", "value": "False"}
    ]
    assert server.requests("PATCH", "/Groups")[0].body["Operations"] == [
        {"op": "Remove", "path": "members", "value": [{"value": ana}]}
    ]
    assert read(server.url).accounts[0].status == "suspended"


def test_a_dialect_is_adapted_field_by_field(server: FaultyServer) -> None:
    """`{base: slack, …}`: everything of Slack's but what is said."""
    config = ScimConfig.model_validate(
        {"url": server.url, "dialect": {"base": "slack", "page_size": 50, "op_case": "title"}}
    )
    assert config.dialect.page_size == 50
    assert config.dialect.op_case == "title"
    assert config.dialect.rates == DIALECTS["slack"].rates
    assert config.dialect.unsupported == DIALECTS["slack"].unsupported


@pytest.mark.parametrize(
    ("dialect", "check"),
    [
        ({"member_add": "no_path"}, lambda ops: ops[0] == {"op": "add", "value": {"members": [{"value": "u-1"}]}}),
        ({"group_members_type": True}, lambda ops: ops[0]["value"] == [{"value": "u-1", "type": "User"}]),
        ({"op_case": "title"}, lambda ops: ops[0]["op"] == "Add"),
    ],
)
def test_members_are_added_in_the_form_that_is_said(
    server: FaultyServer, dialect: dict[str, Any], check: Callable[[Any], bool]
) -> None:
    """Without a path, with a type, in another case."""
    group = server.store.group("eng")
    perform_one(server.url, grant("u-1", group), dialect={"check_members": 0, **dialect})
    assert check(server.requests("PATCH")[0].body["Operations"])


def test_attributes_are_patched_in_the_form_that_is_said(server: FaultyServer) -> None:
    """Without paths, so many attributes in an operation, so many operations in a request, booleans as text."""
    ana = server.store.user("ana")
    change = update(ana, {}, {"title": "Boss", "displayName": "Ana", "department": "Sales"})
    perform_one(server.url, change, dialect={"patch_paths": False})
    [request] = server.requests("PATCH")
    assert request.body["Operations"] == [
        {
            "op": "replace",
            "value": {
                "title": "Boss",
                "displayName": "Ana",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"},
            },
        }
    ]
    server.log.clear()
    perform_one(server.url, change, dialect={"patch_paths": False, "attributes_per_op": 1, "ops_per_request": 2})
    assert [len(each.body["Operations"]) for each in server.requests("PATCH")] == [2, 1]
    assert all(
        len(operation["value"]) == 1 for each in server.requests("PATCH") for operation in each.body["Operations"]
    )
    server.log.clear()
    perform_one(server.url, suspend(ana), dialect={"boolean": "lower"})
    assert server.requests("PATCH")[0].body["Operations"][0]["value"] == "false"


def test_attributes_that_a_server_calls_otherwise_or_has_not(server: FaultyServer) -> None:
    """Renamed ones go under the server's name, dropped ones not at all."""
    dialect = {
        "renamed": {"title": "jobTitle"},
        "dropped": ["nickName"],
        "required": {"locale": "en", "nick": "{username}"},
    }
    receipt = perform_one(server.url, create("ana", title="Boss", nickName="Annie"), dialect=dialect)
    made = server.store.users[receipt.remote_id]
    assert (made["jobTitle"], made["locale"], made["nick"]) == ("Boss", "en", "ana")
    assert "title" not in made
    assert "nickName" not in made
    assert "nickName" in receipt.detail
    assert read(server.url, dialect=dialect).accounts[0].attributes["title"] == "Boss"
    refused = perform_one(server.url, update(receipt.remote_id, {}, {"nickName": "Annie"}), dialect=dialect)
    assert "has no attribute nickName" in refused.detail


def test_what_a_new_account_starts_with_is_said(server: FaultyServer) -> None:
    """`initial` adds a title and a department, or leaves the names out."""
    person = {**ANA, "person.title": "Boss", "person.department": "Sales"}
    full = create("ana", "ana@acme.example", **person)
    made = server.store.users[perform_one(server.url, full, dialect={"initial": ["title", "department"]}).remote_id]
    assert made["title"] == "Boss"
    assert "name" not in made
    assert "emails" not in made
    assert "Sales" in json.dumps(made)


def test_case_counts_where_the_dialect_says_so(server: FaultyServer) -> None:
    """`case: exact`: Ana is not ana."""
    server.store.user("Ana")
    ignoring = perform_one(server.url, create("ana"))
    assert "adopted" in ignoring.detail
    exact = perform_one(server.url, create("ana"), dialect={"case": "exact"})
    assert exact.outcome is Outcome.FAILED


def test_errors_mean_what_the_dialect_says(server: FaultyServer) -> None:
    """A 422 that says "no such person" is a 404."""
    aliases = [{"status": 422, "means": "absent", "contains": "no such person"}]

    def rule(_: Request) -> None:
        raise ScimError(422, "No such person here")

    server.habits.before = rule
    receipt = perform_one(server.url, on_account(Operation.DELETE_ACCOUNT, "u-1"), dialect={"errors": aliases})
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "not found")
    assert perform_one(server.url, on_account(Operation.DELETE_ACCOUNT, "u-1")).outcome is Outcome.FAILED


def test_paths_headers_and_types_are_said(server: FaultyServer) -> None:
    """Other collections' paths, headers and content types."""
    original = server.serve

    def rename(request: Request) -> tuple[int, Any, dict[str, str]]:
        request.path = request.path.replace("/People", "/Users").replace("/Teams", "/Groups")
        return original(request)

    server.serve = rename  # type: ignore[method-assign]
    dialect = {"users_path": "People", "groups_path": "Teams", "content_type": "application/json"}
    config = {"headers": {"X-Tenant": "acme"}, "dialect": {**dialect, "headers": {"X-Vendor": "1"}}}
    receipt = perform_one(server.url, create("ana"), **config)
    assert receipt.outcome is Outcome.DONE
    assert server.log[-1].headers["content-type"] == "application/json"
    assert server.log[-1].headers["x-tenant"] == "acme"
    assert server.log[-1].headers["x-vendor"] == "1"
    assert all(part.complete for part in read(server.url, **config).collections.values())


def test_a_kind_that_a_server_never_tells_is_not_read(server: FaultyServer) -> None:
    """`members: never` leaves the reading of grants to another way."""
    abilities = open_provider(server.url, dialect={"members": "never"}).capabilities
    assert abilities.reads["entitlements:group"]
    assert "never tells" in abilities.reads["grants:group"].why
    server.store.group("eng")
    assert not read(server.url, dialect={"members": "never"}).collections["grants:group"].complete


def test_the_whole_dialect_can_be_written_in_yaml() -> None:
    """Every field is a plain value."""
    for dialect in DIALECTS.values():
        written = json.loads(json.dumps(asdict(dialect)))
        config = ScimConfig.model_validate({"url": "https://x.example", "dialect": written})
        assert config.dialect == dialect
    shown = ScimConfig.model_json_schema()["properties"]["dialect"]["anyOf"][1]["properties"]
    assert set(shown) == {field.name for field in fields(Dialect)} | {"base"}
