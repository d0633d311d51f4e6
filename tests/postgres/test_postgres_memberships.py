"""Memberships with the options of PostgreSQL 16, and without them before."""

import pytest
from postgres_driving import grants_by_name, on_grant, perform, read
from postgres_harness import TOOL, PostgresApp

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")


def make(app: PostgresApp, *statements: str) -> None:
    """Run statements as the tool's own role would have, so that it may change what they make."""
    for statement in statements:
        app.run(f'SET ROLE "{TOOL}"; {statement}')


def test_a_membership_that_cannot_be_used_at_once_is_a_level_of_its_own(app: PostgresApp) -> None:
    """INHERIT FALSE and SET FALSE are read; a change in place makes it a plain membership."""
    make(app, "CREATE ROLE ana LOGIN", "CREATE ROLE team")
    if not app.is_new:
        make(app, "GRANT team TO ana")
        assert ("ana", "role:team", "member") in grants_by_name(read(app))
        return
    make(app, "GRANT team TO ana WITH INHERIT FALSE, SET FALSE, ADMIN TRUE")
    snapshot = read(app)
    assert ("ana", "role:team", "admin-noinherit-noset") in grants_by_name(snapshot)
    (receipt,) = perform(app, on_grant(snapshot, Operation.SET_LEVEL, "ana", "role:team", "member"))
    assert receipt.outcome is Outcome.DONE
    assert ("ana", "role:team", "member") in grants_by_name(read(app))


def test_options_are_set_where_the_server_has_them_and_refused_where_not(app: PostgresApp) -> None:
    """`member-noinherit` is granted on 16 and newer; an older server says what it needs, and grants nothing."""
    make(app, "CREATE ROLE ana LOGIN", "CREATE ROLE team")
    (receipt,) = perform(app, on_grant(read(app), Operation.GRANT, "ana", "role:team", "member-noinherit"))
    held = ("ana", "role:team", "member-noinherit") in grants_by_name(read(app))
    if app.is_new:
        assert receipt.outcome is Outcome.DONE
        assert held
    else:
        assert receipt.outcome is Outcome.FAILED
        assert "needs PostgreSQL 16" in receipt.detail
        assert not held
        assert (
            app.rows("SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE rolname = 'ana'") == []
        )


def test_a_level_changes_in_place_in_both_directions(app: PostgresApp) -> None:
    """The member is never without the role: there is one grant before, while and after."""
    make(app, "CREATE ROLE ana LOGIN", "CREATE ROLE team", "GRANT team TO ana")
    snapshot = read(app)
    for level in ("admin", "member"):
        change = on_grant(snapshot, Operation.SET_LEVEL, "ana", "role:team", level)
        assert [each.outcome for each in perform(app, change, change)] == [Outcome.DONE] * 2
        assert ("ana", "role:team", level) in grants_by_name(read(app))


def test_a_group_holds_a_group(app: PostgresApp) -> None:
    """Nesting is read and written, and a circle ends with the server's own words."""
    make(app, "CREATE ROLE inner_team", "CREATE ROLE outer_team")
    snapshot = read(app)
    there = on_grant(snapshot, Operation.GRANT, "role:inner_team", "role:outer_team", "member")
    back = on_grant(snapshot, Operation.GRANT, "role:outer_team", "role:inner_team", "member")
    done, circle = perform(app, there, back)
    assert done.outcome is Outcome.DONE
    assert circle.outcome is Outcome.FAILED
    assert "is a member of role" in circle.detail
    assert ("role:inner_team", "role:outer_team", "member") in grants_by_name(read(app))


def test_who_may_act_as_an_account_is_seen(app: PostgresApp) -> None:
    """An account that others are members of is a role to hold as well."""
    make(app, "CREATE ROLE ana LOGIN", "CREATE ROLE batch LOGIN", "GRANT batch TO ana")
    assert ("ana", "role:batch", "member") in grants_by_name(read(app))


def test_what_the_tool_gets_by_making_roles_is_not_taken_for_access(app: PostgresApp) -> None:
    """Since 16, the maker of a role is its administrator without having it; that is not shown as ours."""
    make(app, "CREATE ROLE team", "CREATE ROLE ana LOGIN")
    assert {key for holder, key, _ in grants_by_name(read(app)) if holder == TOOL and key.startswith("role:")} == {
        "role:pg_signal_backend"
    }


def test_a_membership_that_somebody_else_granted_is_not_called_revoked(app: PostgresApp) -> None:
    """Since 16 only who has the grantor's privileges can take it; the receipt has the server's words."""
    app.run("CREATE ROLE ana LOGIN")
    app.run("CREATE ROLE team")
    app.run("GRANT team TO ana")
    if app.is_new:
        app.run("GRANT team TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", TOOL)
    (receipt,) = perform(app, on_grant(read(app), Operation.REVOKE, "ana", "role:team"))
    held = ("ana", "role:team", "member") in grants_by_name(read(app))
    if app.is_new:
        assert receipt.outcome is Outcome.FAILED
        assert "permission denied" in receipt.detail
        assert held
    else:
        assert receipt.outcome is Outcome.DONE
        assert not held
