"""What is particular on OpenLDAP: groups that need a member, entries that are hidden, names that look like syntax."""

from contextlib import suppress
from math import ceil

import ldap3
import pytest
from ldap_driving import Place, drive, grant, on_account, on_group, perform, read

from providers.ldap.provider import LdapProvider
from reconciler.errors import ProviderError, ReconcilerError
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = [
    pytest.mark.evidence("ldap, OpenLDAP", against="real product", of="OpenLDAP 2.5"),
    pytest.mark.xdist_group("openldap"),
]


def test_a_read_takes_the_least_number_of_requests(place: Place) -> None:
    """Pages of people and pages of groups; members cost nothing more."""
    people = [place.add_person(f"p{number}") for number in range(250)]
    for number in range(30):
        place.add_group(f"g{number}", *people[number::30])
    snapshot = read(place, page=100)
    assert snapshot.requests == ceil(250 / 100) + ceil(30 / 100)
    assert len(list(snapshot.grants())) == 250
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_the_last_member_can_leave_and_another_can_come(place: Place) -> None:
    """The schema wants a member: one of no name stands in, and is nobody's grant."""
    ana, sam = place.add_person("ana"), place.add_person("sam")
    group = place.add_group("engineers", ana)
    (left,) = perform(place, grant(place, ana, group, Operation.REVOKE))
    assert left.outcome is Outcome.DONE
    assert place.members(group) == []
    assert list(read(place).grants()) == []
    (came,) = perform(place, grant(place, sam, group))
    assert came.outcome is Outcome.DONE
    assert place.entry(group)["member"] == [sam]


def test_groups_hold_groups(place: Place) -> None:
    """A nested group is held by the group, not by its members once more."""
    ana = place.add_person("ana")
    inner = place.add_group("inner", ana)
    outer = place.add_group("outer")
    change = grant(place, inner, outer, account_id="", holder_entitlement_id=place.id(inner))
    assert perform(place, change)[0].outcome is Outcome.DONE
    assert set(read(place).grants()) == {(place.id(ana), "group:inner", None), ("group:inner", "group:outer", None)}


@pytest.mark.parametrize("name", ["Sales, EMEA", 'a "quoted" one', "C++ = fun", " both ends ", "#first", "a\\b*(c)"])
def test_a_name_that_looks_like_syntax_is_only_a_name(place: Place, name: str) -> None:
    """In a DN (RFC 4514) and in a filter (RFC 4515): made once, found again, and a member gets in."""
    ana = place.add_person("ana")
    made, again = perform(place, *[on_group(Operation.CREATE_ENTITLEMENT, f"group:{name}")] * 2)
    assert (made.outcome, again.outcome) == (Outcome.DONE, Outcome.DONE), (made.detail, again.detail)
    assert made.remote_id == again.remote_id
    change = grant(place, ana, place.groups, entitlement_id=made.remote_id)
    assert perform(place, change)[0].outcome is Outcome.DONE
    assert [key.removeprefix("group:").strip() for _, key, _ in read(place).grants()] == [name.strip()]


@pytest.mark.parametrize("name", ["*", "*)(uid=*", "ana)(|(uid=*", "\\2a"])
def test_a_username_cannot_change_what_is_asked(place: Place, name: str) -> None:
    """Somebody else is there; a username of wildcards and brackets finds nobody, and becomes one of its own."""
    place.add_person("ana", "ana@acme.example")
    after = {"username": name, "email": "new@acme.example"}
    (receipt,) = perform(place, on_account(Operation.CREATE_ACCOUNT, "new", after=after))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert sorted(account.username for account in read(place).accounts) == sorted(["ana", name])


def test_a_name_of_two_groups_gives_way_to_their_dns(place: Place) -> None:
    """Common names need not be unique."""
    place.check(place.admin.add(f"ou=more,{place.groups}", ["organizationalUnit"]))
    place.add_group("engineers")
    place.check(place.admin.add(f"cn=Engineers,ou=more,{place.groups}", ["groupOfNames"], {"member": ""}))
    keys = sorted(entitlement.key for entitlement in read(place).entitlements)
    assert keys == [f"group:cn=Engineers,ou=more,{place.groups}", f"group:cn=engineers,{place.groups}"]
    (receipt,) = perform(place, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"))
    assert receipt.outcome is Outcome.FAILED
    assert "which is meant?" in receipt.detail


def test_a_leaver_is_moved_and_stays_a_member_until_that_is_taken(place: Place) -> None:
    """This directory does not mend the members of groups itself: the provider does, and finds the entry again."""
    ana = place.add_person("ana", "ana@acme.example")
    group = place.add_group("engineers", ana)
    id_ = place.id(ana)
    revoke = grant(place, ana, group, Operation.REVOKE)
    suspend = on_account(Operation.SUSPEND_ACCOUNT, "ana", id_)
    receipts = perform(place, suspend, suspend, move_to=place.left)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 2
    moved = f"uid=ana,{place.left}"
    assert place.members(group) == [moved]
    snapshot = read(place, move_to=place.left)
    assert [(each.remote_id, each.status) for each in snapshot.accounts] == [(id_, AccountStatus.SUSPENDED)]
    assert list(snapshot.grants()) == [(id_, "group:engineers", None)]
    assert perform(place, revoke)[0].outcome is Outcome.DONE
    assert place.members(group) == []
    back = on_account(Operation.REACTIVATE_ACCOUNT, "ana", id_)
    assert perform(place, back, move_to=place.left)[0].outcome is Outcome.DONE
    assert place.id(ana) == id_


def test_an_account_cannot_be_disabled_where_nobody_says_how(place: Place) -> None:
    """OpenLDAP has no way of its own; the plan then looks for another way."""
    ana = place.add_person("ana")
    change = on_account(Operation.SUSPEND_ACCOUNT, "ana", place.id(ana))
    (receipt,) = perform(place, change, disabled=None)
    assert receipt.outcome is Outcome.FAILED
    assert "say `disabled` in the route" in receipt.detail


def test_unix_groups_have_usernames_for_members(place: Place) -> None:
    """`memberUid` of RFC 2307: read and changed by username."""
    ana = place.add_person("ana")
    group = f"cn=staff,{place.groups}"
    place.check(place.admin.add(group, ["posixGroup"], {"gidNumber": 500, "memberUid": ["sam"]}))
    groups = {"base": place.groups, "member": "memberUid"}
    change = grant(place, ana, group)
    assert perform(place, change, change, groups=groups)[1].detail == "it was so already"
    assert place.entry(group)["memberUid"] == ["sam", "ana"]
    snapshot = read(place, groups=groups)
    assert list(snapshot.grants()) == [(place.id(ana), "group:staff", None)]
    assert snapshot.notes == ["group:staff has 1 members that are neither people nor groups of this way"]


def test_a_part_on_another_server_is_a_part_that_is_missing(place: Place) -> None:
    """A referral is told and never followed: the password would go to a server that nobody named in the YAML."""
    dn = f"ou=elsewhere,{place.people}"
    place.check(place.admin.add(dn, ["referral", "extensibleObject"], {"ref": "ldap://127.0.0.1:9/dc=x"}))
    found = read(place).collections["accounts"]
    assert not found.complete
    assert "another server" in found.why


def test_starttls_secures_what_begins_in_clear(place: Place) -> None:
    """`ldap://` is enough for it; a certificate of somebody else ends it before the password is sent."""
    place.add_person("ana")
    url = f"ldap://{place.directory.host}:{place.directory.port}"
    assert len(read(place, url=url, plain=False).accounts) == 1
    for more in ({"url": url}, {}):
        with pytest.raises(ReconcilerError, match=r"(?i)certificate"):
            read(place, plain=False, ca_file="", **more)


def test_a_password_never_goes_in_clear_over_a_network(place: Place) -> None:
    """`plain` is for servers of this machine."""
    with pytest.raises(ProviderError, match=r"in clear to ldap\.acme\.example"):
        place.open(url="ldap://ldap.acme.example", plain=True)


def test_a_wrong_password_is_told_without_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory's words, and whom it was about."""
    monkeypatch.setenv("LDAP_CANARY", "canary-wrong-7d2e")
    with pytest.raises(ReconcilerError, match=r"sign in as cn=tool,.*invalidCredentials") as error:
        read(place)
    assert "canary-wrong" not in str(error.value)


def test_a_connection_that_ended_is_made_anew(place: Place) -> None:
    """Directories end idle connections: the next request begins another."""
    place.add_person("ana")

    async def work(provider: LdapProvider) -> int:
        await provider.read()
        provider._client._connection.socket.close()
        with suppress(ReconcilerError):
            await provider.read()
        return len((await provider.read()).accounts)

    assert drive(place, work) == 1


def test_while_planning_the_library_itself_refuses_to_write(place: Place) -> None:
    """Two locks: the provider's and ldap3's own."""
    ana = place.add_person("ana")

    async def work(provider: LdapProvider) -> None:
        await provider.read()
        connection = provider._client._connection
        assert connection is not None
        with pytest.raises(ldap3.core.exceptions.LDAPConnectionIsReadOnlyError):
            connection.modify(ana, {"title": [(ldap3.MODIFY_REPLACE, ["x"])]})

    drive(place, work, read_only=True)
    assert "title" not in place.entry(ana)


def test_of_several_names_the_entrys_own_counts(place: Place) -> None:
    """`cn` and `uid` may have many values, in no order: the one in the DN stays the name, whatever is added."""
    ana = place.add_person("zana", "ana@acme.example")
    group = place.add_group("ops", ana)
    for name in ("alias", "zebra"):
        place.check(place.admin.modify(group, {"cn": [(ldap3.MODIFY_ADD, [name])]}))
        place.check(place.admin.modify(ana, {"uid": [(ldap3.MODIFY_ADD, [name])]}))
    place.check(place.admin.modify(group, {"cn": [(ldap3.MODIFY_REPLACE, ["zebra", "alias", "ops"])]}))
    place.check(place.admin.modify(ana, {"uid": [(ldap3.MODIFY_REPLACE, ["zebra", "alias", "zana"])]}))
    snapshot = read(place)
    assert [each.username for each in snapshot.accounts] == ["zana"]
    assert [each.key for each in snapshot.entitlements] == ["group:ops"]


def test_an_entry_without_its_id_makes_the_reading_incomplete(place: Place) -> None:
    """Another product, or a rule that hides it: two entries would be one, and somebody taken for somebody else."""
    place.add_person("ana")
    place.add_person("sam")
    people = {"base": place.people, "filter": "(uid=*)", "username": "uid"}
    found = read(place, product="active_directory", disabled=None, people=people).collections["accounts"]
    assert not found.complete
    assert "objectGUID of" in found.why


@pytest.mark.parametrize("most", [3, 5])
def test_a_list_that_the_directory_cuts_at_its_limit_is_incomplete(place: Place, most: int) -> None:
    """A size limit ends a search with some entries and a word: those that are missing are never taken for gone."""
    for number in range(8):
        place.add_person(f"p{number}")
    connection = place.directory.connect("cn=config")
    limits = f'{{0}}dn.exact="{place.tool}" size={most} size.prtotal={most}'
    database = "olcDatabase={1}mdb,cn=config"
    place.check(connection.modify(database, {"olcLimits": [(ldap3.MODIFY_REPLACE, [limits])]}))
    try:
        found = [read(place, page=page).collections["accounts"] for page in (2, 500)]
    finally:
        connection.modify(database, {"olcLimits": [(ldap3.MODIFY_REPLACE, [])]})
        connection.unbind()
    assert [each.complete for each in found] == [False, False]
    assert all("sizeLimitExceeded" in each.why for each in found)
