"""One read of a directory: people, groups and members, with two searches by pages.

That is the least: members are values of the groups, so that no group costs a request of its own but where its members
are so many that Active Directory gives them in parts (1,500 at once).
"""

from collections.abc import Mapping

from providers.ldap.client import Found, LdapClient
from providers.ldap.mapping import EMPTY, GROUP, Entry, id_of, name_groups, primary_group_of, sid_of, to_account
from providers.ldap.names import is_apart, normalize
from providers.ldap.product import Directory
from reconciler.errors import ProviderError
from reconciler.items import fold
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

_OF_PEOPLE = frozenset({"primarygroupid", "userprincipalname"})
_ALL_PAGES = "every page was read to the last"


class Reader:
    """Reads one directory.

    Args:
        client: speaks with it.
        directory: what it is.
        bind_dn: the entry that the tool itself signs in as.
    """

    def __init__(self, client: LdapClient, directory: Directory, bind_dn: str) -> None:
        self._client = client
        self._directory = directory
        self._own = normalize(bind_dn)

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before, directory = self._client.requests, self._directory
        people = Found()
        for base in directory.read_in:
            part = await self._client.search(base, directory.person_filter, directory.person_fields)
            people.entries += part.entries
            people.referrals += part.referrals
            people.failed = people.failed or part.failed
        wanted = [directory.id, "cn", *(["objectSid"] if directory.control else [])]
        groups = await self._client.search(directory.groups_in, directory.group_filter, wanted, ranged=directory.member)
        for found in (people, groups):
            found.failed = found.failed or _unreadable(found.entries, directory)
        if people.failed and groups.failed:
            raise ProviderError(f"nothing could be read: {people.failed}")
        snapshot = _Assembly(directory, self._own, people, groups).assemble()
        snapshot.requests = self._client.requests - before
        return snapshot


def _unreadable(entries: list[Entry], directory: Directory) -> str:
    """Say what every entry must show and some do not: without its id one entry would be taken for another."""
    for entry in entries:
        if not entry.values.get(directory.id.lower()):
            return f"{directory.id} of {entry.dn} may not be read, or the directory is another product"
        if directory.control and entry.values.keys() & _OF_PEOPLE and "useraccountcontrol" not in entry.values:
            return f"userAccountControl of {entry.dn} may not be read: whether it is disabled is not known"
    return ""


class _Assembly:
    """Puts both searches together."""

    def __init__(self, directory: Directory, own: str, people: Found, groups: Found) -> None:
        self._directory = directory
        self._own = own
        self._people = people
        self._groups = groups
        self._builder = SnapshotBuilder()
        self._numbers: dict[str, int] = {}
        self._primary: list[tuple[int, bytes]] = []

    def assemble(self) -> Snapshot:
        """Return the snapshot; a holder's number is an account's, or -1 less that of a group."""
        people, groups, builder = self._people, self._groups, self._builder
        for entry in people.entries:
            self._add_person(entry)
        self._conclude(ACCOUNTS, people)
        named = name_groups((id_of(entry, self._directory), entry) for entry in groups.entries)
        for entry in groups.entries:
            id_ = id_of(entry, self._directory)
            number = builder.entitlement(LiveEntitlement(id_, f"{GROUP}:{named[id_]}"))
            self._numbers.setdefault(normalize(entry.dn), -1 - number)
        self._conclude(entitlements_of(GROUP), groups)
        self._add_primary_groups()
        unread = {f"{GROUP}:{named[id_of(e, self._directory)]}" for e in groups.entries if self._add_members(e, named)}
        self._conclude(grants_of(GROUP), groups, frozenset(unread))
        return builder.snapshot

    def _add_person(self, entry: Entry) -> None:
        directory = self._directory
        account = to_account(entry, directory)
        number = self._builder.account(account)
        dn = normalize(entry.dn)
        if dn == self._own:
            self._builder.snapshot.own_account = account.remote_id
        self._numbers[fold(account.username) if directory.by_username else dn] = number
        if primary := primary_group_of(entry):
            self._primary.append((number, primary))

    def _add_primary_groups(self) -> None:
        """Add who has a group for a primary one: that is a membership which the group itself does not tell."""
        groups = {sid_of(entry): id_of(entry, self._directory) for entry in self._groups.entries}
        for holder, sid in self._primary:
            group = self._builder.entitlement_number(groups.get(sid, ""))
            if group is not None:
                self._builder.grant(holder, group)

    def _add_members(self, entry: Entry, named: Mapping[str, str]) -> bool:
        """Add the members of a group; say whether some may be there that could not be read.

        A directory leaves out what may not be read, without a word; a group that needs members and shows none tells it.
        """
        directory, strangers = self._directory, 0
        id_ = id_of(entry, directory)
        group = self._builder.entitlement_number(id_)
        for value in entry.values.get(directory.member.lower(), []):
            if value == EMPTY or group is None:
                continue
            text = value.decode("utf-8", errors="replace")
            holder = self._numbers.get(fold(text) if directory.by_username else normalize(text))
            if holder is None:
                strangers += 1
            else:
                self._builder.grant(holder, group)
        if strangers and not self._people.failed:
            words = f"has {strangers} members that are neither people nor groups of this way"
            self._builder.snapshot.notes.append(f"{GROUP}:{named[id_]} {words}")
        hidden = directory.member_needed and not entry.values.get(directory.member.lower())
        return hidden or bool(strangers and self._people.failed)

    def _conclude(self, name: str, found: Found, unread: frozenset[str] = frozenset()) -> None:
        """Say whether a collection is whole; a part of the directory on another server is a part that is missing."""
        apart = is_apart if self._directory.control else lambda _: False
        elsewhere = [uri for uri in found.referrals if not apart(uri)]
        if found.failed:
            self._builder.incomplete(name, found.failed)
        elif elsewhere:
            self._builder.incomplete(name, f"a part is on another server, which needs a way of its own: {elsewhere[0]}")
        else:
            self._builder.complete(name, _ALL_PAGES, unread=unread)
