"""The plain values between the core and a provider."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import CAN, Capabilities, cannot
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount, LiveEntitlement, SnapshotBuilder


def test_what_validate_needs_does_not_import_httpx() -> None:
    """The seam, secrets and the registry are loaded by every command; httpx costs more than all of them."""
    modules = ("change", "config", "contract", "redaction", "registry", "secret", "snapshot")
    code = "import sys\n" + "".join(f"import reconciler.provider.{module}\n" for module in modules)
    code += "print([name for name in ('httpx', 'stamina', 'jinja2', 'git', 'rich') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_ability_is_looked_up_by_kind_with_a_reason_where_it_lacks() -> None:
    """`*` stands for every kind that is not named; what is nowhere cannot be done, and says so."""
    capabilities = Capabilities(
        operations={Operation.CREATE_ACCOUNT: CAN},
        kinds={"team": {Operation.GRANT: cannot("teams are fixed")}, "*": {Operation.GRANT: CAN}},
    )
    assert capabilities.ability(Operation.CREATE_ACCOUNT, "accounts")
    assert capabilities.ability(Operation.GRANT, "channel")
    assert capabilities.ability(Operation.GRANT, "team").why == "teams are fixed"
    assert capabilities.ability(Operation.REVOKE, "team").why == "revoke is not supported for team"


def test_a_change_has_a_name_that_says_what_it_is() -> None:
    """The same operation on the same item has the same id in every plan."""
    grant = Change("github", Operation.GRANT, GrantItem("ana", "team:platform"), "github")
    assert (grant.id, grant.kind, grant.holder) == ("github/grant/ana/team:platform", "team", "ana")
    account = Change("github", Operation.CREATE_ACCOUNT, AccountItem("ana"), "scim", username="ana")
    assert (account.id, account.kind, account.entitlement) == ("github/create-account/ana", "accounts", "")
    team = Change("github", Operation.CREATE_ENTITLEMENT, EntitlementItem("team:a"), "github")
    assert (team.id, team.kind, team.holder) == ("github/create-entitlement/team:a", "team", "")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from([None, "read", "write"]))))
def test_grants_come_back_as_they_were_added(grants: list[tuple[int, int, str | None]]) -> None:
    """Columns of numbers hold the same as the tuples that went in, holders of both sorts included."""
    builder = SnapshotBuilder()
    for number in range(6):
        builder.account(LiveAccount(f"a{number}"))
    for number in range(4):
        builder.entitlement(LiveEntitlement(f"e{number}", f"team:{number}"))
    for holder, granted, level in grants:
        builder.grant(holder, granted, level)
    builder.grant(-1 - 2, 1)
    expected = [(f"a{holder}", f"team:{granted}", level) for holder, granted, level in grants]
    assert list(builder.snapshot.grants()) == [*expected, ("team:2", "team:1", None)]


def test_what_is_listed_twice_is_counted() -> None:
    """A page that repeats is noticed by who reads it; the snapshot holds each item once."""
    builder = SnapshotBuilder()
    first = builder.account(LiveAccount("a1", "ana"))
    assert builder.account(LiveAccount("a1", "ana")) == first
    builder.entitlement(LiveEntitlement("e1", "team:a"))
    builder.entitlement(LiveEntitlement("e1", "team:a"))
    assert builder.duplicates == ["a1", "e1"]
    assert (len(builder.snapshot.accounts), len(builder.snapshot.entitlements)) == (1, 1)
    assert (builder.account_number("a1"), builder.entitlement_number("nowhere")) == (0, None)


def test_completeness_is_said_for_each_collection() -> None:
    """Complete with its proof and its exceptions, or incomplete with its reason."""
    builder = SnapshotBuilder()
    builder.complete(ACCOUNTS, "107 of 107", unread=frozenset({"team:a"}))
    assert builder.snapshot.collections[ACCOUNTS].unread == {"team:a"}
    builder.incomplete(ACCOUNTS, "answered 403")
    assert not builder.snapshot.collections[ACCOUNTS].complete
