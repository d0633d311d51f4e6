"""The provider keeps the contract, on OpenLDAP and on Samba's Active Directory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import ldap3
import pytest
from ldap_driving import Place, identity
from losing_proxy import LosingProxy, losing_proxy
from servers.directories import PASSWORD, Directory

from reconciler.items import Value, fold
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

CONFIG = "olcDatabase={1}mdb,cn=config"
OPEN = ["to attrs=userPassword by * auth", "to * by * write"]
NOT_HERE = {
    Fault.CUT_SHORT: "a directory tells no totals: a page without a cookie is the last",
    Fault.THROTTLE: "LDAP knows no `too many requests`",
}


class RunningDirectory:
    """A container that serves."""

    def __init__(self, place: Place, proxy: LosingProxy | None) -> None:
        self._place = place
        self._proxy = proxy

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return self._place.open(read_only=read_only, page=3)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        place = self._place
        dns = {
            each.username: place.add_person(each.username, each.email, disabled=each.status is AccountStatus.SUSPENDED)
            for each in world.accounts
        }
        groups = {key: place.add_group(key.partition(":")[2]) for key in world.entitlements}
        for key, dn in groups.items():
            held = [dns[holder] for holder, granted, _ in world.grants if granted == key]
            place.set_members(dn, *held)

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return await asyncio.to_thread(self._peek)

    def _peek(self) -> World:
        place = self._place
        username = "sAMAccountName" if place.windows else "uid"
        people = place.everything(f"({username}=*)" if not place.windows else "(objectCategory=person)")
        groups = place.everything("(objectClass=group)" if place.windows else "(objectClass=groupOfNames)")
        names = {fold(dn): str(entry[username][0]) for dn, entry in people.items()}
        names |= {fold(dn): f"group:{entry['cn'][0]}" for dn, entry in groups.items()}
        accounts = tuple(self._account(entry, username) for entry in people.values())
        keys = {dn: f"group:{entry['cn'][0]}" for dn, entry in groups.items()}
        grants = {
            (names[fold(str(member))], keys[dn], None)
            for dn, entry in groups.items()
            for member in entry.get("member", [])
            if fold(str(member)) in names
        }
        ids = {keys[dn]: identity(entry, windows=place.windows) for dn, entry in groups.items()}
        return World(accounts, ids, frozenset(grants))

    def _account(self, entry: Mapping[str, list[Any]], username: str) -> TrueAccount:
        windows = self._place.windows
        marked = (
            int(str(entry["userAccountControl"][0])) & 2 if windows else "disabled" in entry.get("employeeType", [])
        )
        titles = entry.get("title", [])
        email = str(entry.get("mail", [""])[0])
        attributes: dict[str, Value] = {"title": str(titles[0])} if titles else {}
        status = AccountStatus.SUSPENDED if marked else AccountStatus.ACTIVE
        remote_id = identity(entry, windows=windows)
        return TrueAccount(str(entry[username][0]), email, status=status, remote_id=remote_id, attributes=attributes)

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        await asyncio.to_thread(self._inject, fault, subject, to)

    def _inject(self, fault: Fault, subject: str, to: str) -> None:
        place = self._place
        match fault:
            case Fault.LOSE_ANSWER if self._proxy:
                self._proxy.losing = True
            case Fault.FORBID:
                self.configure("olcAccess", [self._forbidden(subject), *OPEN])
            case Fault.REFUSE:
                self.configure("olcReadOnly", ["TRUE"])
            case Fault.DELETE_ENTITLEMENT:
                place.check(place.admin.delete(self._group(subject)))
            case Fault.RENAME_ENTITLEMENT:
                place.check(place.admin.modify_dn(self._group(subject), f"cn={to.partition(':')[2]}"))
            case Fault.RECYCLE_ENTITLEMENT:
                place.check(place.admin.delete(self._group(subject)))
                place.add_group(subject.partition(":")[2])
            case _:
                name = "cn" if place.windows else "uid"
                dn = f"{name}={subject},{place.people}"
                if fault is Fault.RENAME_ACCOUNT:
                    self._rename(dn, name, to)
                    return
                for group in place.everything("(member=*)"):
                    held = place.members(group)
                    place.set_members(group, *(each for each in held if fold(each) != fold(dn)))
                place.check(place.admin.delete(dn))
                if fault is Fault.RECYCLE_USERNAME:
                    place.add_person(subject, "stranger@elsewhere.example")

    def _group(self, key: str) -> str:
        return f"cn={key.partition(':')[2]},{self._place.groups}"

    def _rename(self, dn: str, name: str, to: str) -> None:
        place = self._place
        if place.windows:
            place.check(place.admin.modify(dn, {"sAMAccountName": [(ldap3.MODIFY_REPLACE, [to])]}))
            return
        new = f"{name}={to},{place.people}"
        place.check(place.admin.modify_dn(dn, f"{name}={to}"))
        for group in place.everything("(member=*)"):
            held = place.members(group)
            place.set_members(group, *(new if fold(each) == fold(dn) else each for each in held))

    def _forbidden(self, collection: str) -> str:
        place = self._place
        what = {"accounts": f"dn.subtree={place.people}", "entitlements:group": f"dn.subtree={place.groups}"}
        return f"to {what.get(collection, f'dn.subtree={place.groups} attrs=member')} by * none"

    def configure(self, name: str, values: list[str]) -> None:
        """Change the server's own configuration."""
        connection: Any = self._place.directory.connect("cn=config")
        numbered = [f"{{{at}}}{value}" for at, value in enumerate(values)] if name == "olcAccess" else values
        assert connection.modify(CONFIG, {name: [(ldap3.MODIFY_REPLACE, numbered)]}), connection.result
        connection.unbind()


class DirectoryHarness:
    """What the suite knows of OpenLDAP."""

    name = "ldap"
    kinds: Mapping[str, tuple[str | None, ...]] = {"group": (None,)}
    nesting: Mapping[str, tuple[str, ...]] = {"group": ("group",)}
    troubles: Mapping[str, frozenset[Fault]] = {
        "group": frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT})
    }
    page = 3
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets = (PASSWORD,)
    refusal = "operation restricted"
    suspended = True
    windows = False

    def __init__(self, directory: Directory | None = None) -> None:
        self._directory = directory

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        return cannot(NOT_HERE[fault]) if fault in NOT_HERE else CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningDirectory]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningDirectory]:
        assert self._directory
        async with losing_proxy(self._directory.host, self._directory.port) as proxy:
            place = Place(self._directory, windows=self.windows, plain=True)
            place.port = proxy.port
            running = RunningDirectory(place, proxy)
            running.fill(world)
            try:
                yield running
            finally:
                running.configure("olcReadOnly", ["FALSE"])
                running.configure("olcAccess", OPEN)
                place.close()


class DomainHarness(DirectoryHarness):
    """What the suite knows of Samba's Active Directory: passwords need TLS, behind which no answer can be lost."""

    name = "ldap (Active Directory)"
    windows = True
    unable = frozenset({*NOT_HERE, Fault.FORBID, Fault.REFUSE, Fault.LOSE_ANSWER})

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        return cannot("not made on Samba: see OpenLDAP") if fault in self.unable else CAN

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningDirectory]:
        assert self._directory
        place = Place(self._directory, windows=True)
        running = RunningDirectory(place, None)
        running.fill(world)
        try:
            yield running
        finally:
            place.close()


WORDS = ("no totals", "too many requests", "levels", "LDAP", "batches", "gamma", "set level", "directory", "OpenLDAP")


@pytest.mark.evidence("ldap, OpenLDAP", against="real product", of="OpenLDAP 2.5")
@pytest.mark.xdist_group("openldap")
@pytest.mark.parametrize("name", [str(check) for check in checks_for(DirectoryHarness())])
def test_the_ldap_provider_conforms_on_openldap(openldap: Directory, name: str) -> None:
    """Each check of the suite; what does not apply is what LDAP does not have."""
    _run(DirectoryHarness(openldap), name)


@pytest.mark.evidence("ldap, Active Directory", against="third party's server", of="Samba 4.17 as Active Directory")
@pytest.mark.xdist_group("samba")
@pytest.mark.parametrize("name", [str(check) for check in checks_for(DomainHarness())])
def test_the_ldap_provider_conforms_on_active_directory(samba: Directory, name: str) -> None:
    """Each check of the suite; what does not apply is what LDAP does not have, or Samba cannot be brought to do."""
    _run(DomainHarness(samba), name)


def _run(harness: DirectoryHarness, name: str) -> None:
    check: Check = next(each for each in checks_for(harness) if str(each) == name)
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert any(word in result.detail for word in WORDS), result.detail
