"""What is particular in Active Directory: flags, binary ids, members in parts, passwords."""

import pytest
from ldap_driving import Place, grant, on_account, on_group, perform, read

from providers.ldap.client import LdapClient
from providers.ldap.names import is_apart
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = [
    pytest.mark.evidence("ldap, Active Directory", against="third party's server", of="Samba 4.17 as Active Directory"),
    pytest.mark.xdist_group("samba"),
]
NEVER_EXPIRES = 65536


def test_a_new_user_is_enabled_with_a_password_that_nobody_knows(
    domain: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Active Directory enables nobody without one; it has to be changed at the first sign-in."""
    caplog.set_level("DEBUG")
    after = {"username": "ana", "email": "ana@acme.example", "person.name": "Ana Ruiz", "person.family_name": "Ruiz"}
    (receipt,) = perform(domain, on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    found = domain.entry(f"cn=Ana Ruiz,{domain.people}")
    assert int(found["userAccountControl"][0]) == 512
    assert (found["sn"], found["userPrincipalName"]) == (["Ruiz"], ["ana@acme.example"])
    assert "aA1!" not in caplog.text
    assert domain.id(f"cn=Ana Ruiz,{domain.people}") == receipt.remote_id


def test_disabling_keeps_the_other_flags(domain: Place) -> None:
    """One bit of many, there and back; and the account is moved, and comes back."""
    ana = domain.add_person("ana", "ana@acme.example", description="x")
    domain.check(domain.admin.modify(ana, {"userAccountControl": [("MODIFY_REPLACE", [544 + NEVER_EXPIRES])]}))
    id_, group = domain.id(ana), domain.add_group("engineers", ana)
    (receipt,) = perform(domain, on_account(Operation.SUSPEND_ACCOUNT, "ana", id_), move_to=domain.left)
    assert receipt.outcome is Outcome.DONE, receipt.detail
    moved = f"CN=ana,{domain.left}"
    assert int(domain.entry(moved)["userAccountControl"][0]) == 546 + NEVER_EXPIRES
    assert [each.lower() for each in domain.members(group)] == [moved.lower()]
    snapshot = read(domain, move_to=domain.left)
    assert [(each.remote_id, each.status) for each in snapshot.accounts] == [(id_, AccountStatus.SUSPENDED)]
    perform(domain, on_account(Operation.REACTIVATE_ACCOUNT, "ana", id_), move_to=domain.left)
    assert int(domain.entry(ana)["userAccountControl"][0]) == 544 + NEVER_EXPIRES


@pytest.mark.parametrize("most", [1, 4])
def test_members_that_come_in_parts_are_put_together(domain: Place, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Active Directory gives 1,500 values at once: all parts are fetched, whatever their size."""
    people = [domain.add_person(f"p{number}") for number in range(7)]
    domain.add_group("all", *people)
    domain.add_group("none")
    monkeypatch.setattr(LdapClient, "_window", f";range=0-{most}")
    found = read(domain)
    assert len(list(found.grants())) == 7
    assert found.collections["grants:group"].complete


def test_groups_hold_groups(domain: Place) -> None:
    """A nested group is held by the group."""
    inner, outer = domain.add_group("inner"), domain.add_group("outer")
    change = grant(domain, inner, outer, account_id="", holder_entitlement_id=domain.id(inner))
    receipts = perform(domain, change, change)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 2
    assert list(read(domain).grants()) == [("group:inner", "group:outer", None)]


def test_a_new_group_is_a_security_group(domain: Place) -> None:
    """Global, with its name in both places."""
    (receipt,) = perform(domain, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    found = domain.entry(f"cn=engineers,{domain.groups}")
    assert (int(found["groupType"][0]), found["sAMAccountName"]) == (-2147483646, ["engineers"])


def test_a_username_is_changed_without_the_entrys_name(domain: Place) -> None:
    """Here the username is an attribute; the id stays."""
    ana = domain.add_person("ana", "ana@acme.example")
    id_ = domain.id(ana)
    (receipt,) = perform(
        domain, on_account(Operation.UPDATE_ACCOUNT, "ana", id_, {"username": "aruiz", "title": "CTO"})
    )
    assert receipt.outcome is Outcome.DONE, receipt.detail
    (account,) = read(domain).accounts
    assert (account.remote_id, account.username, account.attributes["title"]) == (id_, "aruiz", "CTO")


def whole_domain(domain: Place) -> dict[str, object]:
    """Return the settings of a way to everything."""
    base = domain.directory.base
    return {"base": base, "people": {"base": base}, "groups": {"base": base}}


def test_a_whole_domain_is_whole_though_it_refers_to_its_parts_without_people(domain: Place) -> None:
    """Names of machines and the configuration are on servers of their own, in every domain."""
    domain.add_person("ana")
    found = read(domain, **whole_domain(domain))
    assert "ana" in {each.username for each in found.accounts}
    assert [name for name, each in found.collections.items() if not each.complete] == []


@pytest.mark.parametrize(
    ("uri", "apart"),
    [
        ("ldap://DomainDnsZones.acme.example/DC=DomainDnsZones,DC=acme,DC=example", True),
        ("ldap://acme.example/CN=Configuration,DC=acme,DC=example", True),
        ("ldap://berlin.acme.example/DC=berlin,DC=acme,DC=example", False),
        ("ldap://elsewhere.example", False),
    ],
)
def test_a_domain_below_is_a_part_that_is_missing(uri: str, apart: bool) -> None:
    """People are in it, and no way of this one reads them."""
    assert is_apart(uri) is apart


def test_a_primary_group_is_held_though_it_tells_no_member(domain: Place) -> None:
    """Whoever has the administrators' group for a primary one is an administrator; the usual one is left out."""
    people = [domain.add_person(name) for name in ("ana", "sam")]
    base = domain.directory.base
    admins = f"CN=Domain Admins,CN=Users,{base}"
    domain.check(domain.admin.modify(admins, {"member": [("MODIFY_ADD", people[:1])]}))
    domain.check(domain.admin.modify(people[0], {"primaryGroupID": [("MODIFY_REPLACE", [512])]}))
    assert people[0].lower() not in [each.lower() for each in domain.members(admins)]
    settings = whole_domain(domain)
    ours = {domain.id(dn) for dn in people}
    held = {(holder, key) for holder, key, _ in read(domain, **settings).grants() if holder in ours}
    assert (domain.id(people[0]), "group:Domain Admins") in held
    assert (domain.id(people[1]), "group:Domain Users") not in held
    again, taken = perform(
        domain,
        grant(domain, people[0], admins),
        grant(domain, people[0], admins, Operation.REVOKE),
        **settings,
    )
    assert (again.outcome, again.detail) == (Outcome.DONE, "it is the primary group")
    assert taken.outcome is Outcome.FAILED
    assert "let them have another one first" in taken.detail
