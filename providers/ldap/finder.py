"""Finding entries again by what never changes: their names do, since people marry and containers are tidied up."""

from ldap3.utils.conv import escape_filter_chars

from providers.ldap.client import LdapClient
from providers.ldap.mapping import Entry, id_filter
from providers.ldap.product import Directory
from reconciler.errors import TransportError


class Finder:
    """Looks up single entries.

    Args:
        client: speaks with the directory.
        directory: what it is.
        base: the DN of all of it: who was moved away is found, too.
    """

    def __init__(self, client: LdapClient, directory: Directory, base: str) -> None:
        self._client = client
        self._directory = directory
        self._base = base

    async def find(self, remote_id: str) -> Entry | None:
        """Return the entry of an id, or None.

        Raises:
            TransportError: it could not be looked up.
        """
        return await self._one(id_filter(remote_id, self._directory))

    async def find_person(self, username: str) -> Entry | None:
        """Return the person of a username, or None; as `find`."""
        directory = self._directory
        return await self._one(f"(&{directory.person_filter}({directory.username}={escape_filter_chars(username)}))")

    async def groups_named(self, name: str) -> list[Entry]:
        """Return all groups of a common name; as `find`."""
        return await self._all(f"(&{self._directory.group_filter}(cn={escape_filter_chars(name)}))")

    async def groups_with(self, member: str) -> list[Entry]:
        """Return all groups that have a member; as `find`."""
        directory = self._directory
        return await self._all(f"(&{directory.group_filter}({directory.member}={escape_filter_chars(member)}))")

    async def _one(self, filter_: str) -> Entry | None:
        found = await self._all(filter_)
        if len(found) > 1:
            raise TransportError(f"{len(found)} entries where one was expected: {found[0].dn}; {found[1].dn}")
        return found[0] if found else None

    async def _all(self, filter_: str) -> list[Entry]:
        directory = self._directory
        wanted = {*directory.person_fields, "cn"}
        found = await self._client.search(
            self._base, filter_, sorted(wanted - {directory.member}), ranged=directory.member
        )
        if found.failed:
            raise TransportError(found.failed)
        return found.entries
