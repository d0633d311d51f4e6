"""An LDAP provider for a directory of this machine, each time in a container of its own."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import ldap3
from servers.directories import PASSWORD, Directory
from support.surroundings import surroundings

from providers.ldap.config import LdapConfig
from providers.ldap.provider import LdapProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.provider.change import Change, Operation, Receipt

_NUMBERS = itertools.count(1)
MARK = {"attribute": "employeeType", "value": "disabled"}


class Place:
    """A container of one directory, with everything that a test needs to look into it and change it.

    Args:
        directory: a running one.
        windows: whether it is Active Directory's product.
        plain: whether the provider speaks in clear, so that a proxy can listen.
    """

    def __init__(self, directory: Directory, *, windows: bool, plain: bool = False) -> None:
        self.directory = directory
        self.windows = windows
        self.base = f"ou=w{next(_NUMBERS)},{directory.base}"
        self.admin: Any = directory.connect()
        self.port = directory.port if plain else directory.tls_port
        self.plain = plain
        for dn in (self.base, self.people, self.groups, self.left):
            self.check(self.admin.add(dn, ["organizationalUnit"]))
        self.tool = directory.admin
        if not windows:  # the administrator of OpenLDAP is above all rules of access
            self.tool = f"cn=tool,{self.base}"
            classes = ["organizationalRole", "simpleSecurityObject"]
            self.check(self.admin.add(self.tool, classes, {"userPassword": PASSWORD}))

    people = property(lambda self: f"ou=people,{self.base}")
    groups = property(lambda self: f"ou=groups,{self.base}")
    left = property(lambda self: f"ou=left,{self.base}")

    def close(self) -> None:
        """Delete everything, since usernames are unique in a domain, and end the connection."""
        for dn in sorted(self.everything("(objectClass=*)"), key=len, reverse=True) if self.windows else ():
            self.admin.delete(dn)
        self.admin.unbind()

    def check(self, done: bool) -> None:
        """Fail unless the directory did what the test wanted."""
        assert done, self.admin.result

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what the YAML says of a way to this container."""
        return {
            "url": f"{'ldap' if self.plain else 'ldaps'}://{self.directory.host}:{self.port}",
            "plain": self.plain,
            "product": "active_directory" if self.windows else "openldap",
            "base": self.base,
            "bind_dn": self.tool,
            "password": {"env": "LDAP_CANARY"},
            "people": {"base": self.people, "attributes": ["title", "displayName"]},
            "groups": {"base": self.groups},
            "ca_file": self.directory.authority,
            **({} if self.windows else {"disabled": MARK}),
            **more,
        }

    def open(self, *, read_only: bool = False, **more: Any) -> LdapProvider:
        """Return a provider, not yet entered."""
        config = LdapConfig.model_validate(self.settings(**more))
        return LdapProvider(config, surroundings(read_only=read_only))

    def add_person(self, username: str, email: str = "", *, disabled: bool = False, **more: str) -> str:
        """Add a person and return the DN."""
        values: dict[str, Any] = {"sn": username, **({"mail": email} if email else {}), **more}
        if self.windows:
            dn, classes = f"cn={username},{self.people}", ["user"]
            values |= {"sAMAccountName": username, "userAccountControl": 546 if disabled else 544}
        else:
            dn, classes = f"uid={username},{self.people}", ["inetOrgPerson"]
            values |= {"cn": username, "uid": username, **({"employeeType": "disabled"} if disabled else {})}
        self.check(self.admin.add(dn, classes, values))
        return dn

    def add_group(self, name: str, *members: str) -> str:
        """Add a group and return its DN."""
        dn = f"cn={name},{self.groups}"
        if self.windows:
            values: dict[str, Any] = {"sAMAccountName": f"{name}-{next(_NUMBERS)}", "member": list(members)}
            self.check(self.admin.add(dn, ["group"], {key: each for key, each in values.items() if each}))
        else:
            self.check(self.admin.add(dn, ["groupOfNames"], {"cn": name, "member": list(members) or [""]}))
        return dn

    def add_members(self, group: str, *members: str) -> None:
        """Put members into a group."""
        held = self.members(group)
        self.set_members(group, *held, *members)

    def set_members(self, group: str, *members: str) -> None:
        """Let a group have exactly these members."""
        empty = [] if self.windows else [""]
        change = {"member": [(ldap3.MODIFY_REPLACE, list(members) or empty)]}
        self.check(self.admin.modify(group, change))

    def members(self, group: str) -> list[str]:
        """Return the members of a group."""
        found = self.entry(group)
        return [str(each) for each in found.get("member", []) if each]

    def entry(self, dn: str) -> dict[str, list[Any]]:
        """Return what is true of an entry; empty where there is none."""
        self.admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
        found = [each for each in self.admin.response if each["type"] == "searchResEntry"]
        return {key: _several(each) for key, each in found[0]["attributes"].items()} if found else {}

    def everything(self, filter_: str) -> dict[str, dict[str, list[Any]]]:
        """Return all entries of a filter in this container: DN → attributes."""
        self.admin.search(self.base, filter_, ldap3.SUBTREE, attributes=["*", "+"])
        found = [each for each in self.admin.response if each["type"] == "searchResEntry"]
        return {each["dn"]: {key: _several(v) for key, v in each["attributes"].items()} for each in found}

    def id(self, dn: str) -> str:
        """Return the id that a provider pins an entry by."""
        return identity(self.entry(dn), windows=self.windows)


def identity(entry: Mapping[str, list[Any]], *, windows: bool) -> str:
    """Return the id of an entry as the provider tells it."""
    import uuid  # noqa: PLC0415 - the one use

    raw = entry["objectGUID" if windows else "entryUUID"][0]
    return str(uuid.UUID(bytes_le=raw)) if isinstance(raw, bytes) else str(raw).strip("{}").lower()


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def perform(place: Place, *changes: Change, **options: Any) -> list[Receipt]:
    """Perform changes one after the other and return their receipts."""

    async def work(provider: LdapProvider) -> list[Receipt]:
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(place, work, **options)
    return found


def read(place: Place, **options: Any) -> Any:
    """Read a place."""
    return drive(place, lambda provider: provider.read(), **options)


def drive(place: Place, work: Callable[[LdapProvider], Awaitable[Any]], **options: Any) -> Any:
    """Run something with a provider, and return what it returns."""

    async def run() -> Any:
        async with place.open(**options) as provider:
            return await work(provider)

    return asyncio.run(run())


def grant(place: Place, holder: str, group: str, operation: Operation = Operation.GRANT, **more: Any) -> Change:
    """Return a grant or a revoke, by DNs."""
    ids = {"account_id": place.id(holder), "entitlement_id": place.id(group), "username": holder}
    return Change("acme", operation, GrantItem("ana", "group:x"), "ldap", **{**ids, **more})


def on_account(
    operation: Operation, holder: str, account_id: str = "", after: Mapping[str, Value] | None = None
) -> Change:
    """Return a change of an account."""
    ids = {"account_id": account_id, "username": holder}
    return Change("acme", operation, AccountItem(holder), "ldap", after=after or {}, **ids)


def on_group(operation: Operation, key: str, group: str = "") -> Change:
    """Return a change of a group."""
    return Change("acme", operation, EntitlementItem(key), "ldap", entitlement_id=group)
