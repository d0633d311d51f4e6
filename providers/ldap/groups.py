"""Changes of groups and their members; each ends in a receipt."""

from providers.ldap.client import ADD, REMOVE, REPLACE, LdapClient
from providers.ldap.finder import Finder
from providers.ldap.mapping import EMPTY, Entry, id_of, new_group, primary_group_of, sid_of
from providers.ldap.names import first_part, normalize
from providers.ldap.product import Directory
from providers.ldap.settling import ALREADY, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold, name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class GroupWriter:
    """Performs the changes of groups and memberships.

    Args:
        client: speaks with the directory.
        directory: what it is.
        finder: finds entries again.
    """

    def __init__(self, client: LdapClient, directory: Directory, finder: Finder) -> None:
        self._client = client
        self._directory = directory
        self._finder = finder

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a group or of a membership."""
        if change.operation is Operation.CREATE_ENTITLEMENT:
            return await self._create(change)
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}".strip()
        try:
            group = await self._finder.find(change.entitlement_id)
            member = await self._finder.find(change.account_id or change.holder_entitlement_id)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if change.operation is Operation.RENAME_ENTITLEMENT:
            return await self._rename(change, what, group)
        if group is None or member is None:
            gone = change.operation is Operation.REVOKE
            words = f"{what}: there is no such {'group' if group is None else 'member'}"
            return Receipt(change, Outcome.DONE if gone else Outcome.FAILED, words)
        return await self._change_member(change, what, group, member)

    async def _create(self, change: Change) -> Receipt:
        name = name_of(change.entitlement)
        what = f"create {name}"
        try:
            found = await self._finder.groups_named(name)
            if not found:
                await self._client.add(*new_group(name, self._directory))
        except TransportError as error:
            words = f"{what}: {error.message}"
            if error.landed is False or isinstance(error, AnswerError):
                return Receipt(change, Outcome.FAILED, words)
            return await self._made(change, name, Receipt(change, Outcome.UNKNOWN, words), LOST)
        missing = Receipt(change, Outcome.FAILED, f"{what}: it was made, and is not below the base of the groups")
        return await self._made(change, name, missing, "it existed already: adopted" if found else "")

    async def _made(self, change: Change, name: str, otherwise: Receipt, remark: str) -> Receipt:
        """Return what came of a new group: the one of its name is it, and of two nobody knows which."""
        try:
            found = await self._finder.groups_named(name)
        except TransportError:
            return otherwise
        if len(found) > 1:
            words = f"create {name}: {found[0].dn} and {found[1].dn} have this name; which is meant?"
            return Receipt(change, Outcome.FAILED, words)
        return Receipt(change, Outcome.DONE, remark, id_of(found[0], self._directory)) if found else otherwise

    async def _rename(self, change: Change, what: str, group: Entry | None) -> Receipt:
        if group is None:
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such group")
        name = name_of(change.entitlement)

        async def send() -> None:
            if fold(group.text("cn")) != fold(name) or group.text("cn") != name:
                await self._client.rename(group.dn, first_part("cn", name))

        async def is_true() -> bool:
            now = await self._finder.find(change.entitlement_id)
            return now is not None and now.text("cn") == name

        return await settle(change, what, send, is_true)

    async def _change_member(self, change: Change, what: str, group: Entry, member: Entry) -> Receipt:
        directory = self._directory
        adds = change.operation is Operation.GRANT
        value = (member.text(directory.username) if directory.by_username else member.dn).encode()
        held = _held(group, value, directory)
        if not held and sid_of(group) and primary_group_of(member) == sid_of(group):
            if adds:
                return Receipt(change, Outcome.DONE, "it is the primary group", change.account_id)
            words = "it is the primary group, which Active Directory takes from nobody: let them have another one first"
            return Receipt(change, Outcome.FAILED, f"{what}: {words}")
        if bool(held) is adds:
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)

        async def send() -> None:
            steps = _adding(group, value, directory) if adds else _removing(group, held, directory)
            await self._client.modify(group.dn, *steps)

        async def is_true() -> bool:
            now = await self._finder.find(change.entitlement_id)
            if now is None:
                return not adds
            return bool(_held(now, value, directory)) is adds

        return await settle(change, what, send, is_true)


Steps = list[tuple[str, str, list[bytes]]]


def _held(group: Entry, value: bytes, directory: Directory) -> list[bytes]:
    """Return the values that name a member, however they are written."""
    values = group.values.get(directory.member.lower(), [])
    wanted = _plain(value, directory)
    return [each for each in values if each == value or _plain(each, directory) == wanted]


def _plain(value: bytes, directory: Directory) -> str:
    text = value.decode("utf-8", errors="replace")
    return text if directory.by_username else normalize(text)


def _adding(group: Entry, value: bytes, directory: Directory) -> Steps:
    """Add a member, and take the empty one away that stands in."""
    name = directory.member
    empty: Steps = [(REMOVE, name, [EMPTY])] if EMPTY in group.values.get(name.lower(), []) else []
    return [(ADD, name, [value]), *empty]


def _removing(group: Entry, held: list[bytes], directory: Directory) -> Steps:
    """Remove a member; the last of a group that needs one makes room for the empty one."""
    name = directory.member
    left = [each for each in group.values.get(name.lower(), []) if each not in held]
    if directory.member_needed and not left:
        return [(REPLACE, name, [EMPTY])]
    return [(REMOVE, name, held)]
