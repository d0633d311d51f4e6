"""Changes of accounts: made or adopted, changed, disabled and moved, enabled, deleted."""

from providers.ldap.client import ADD, REMOVE, REPLACE, LdapClient
from providers.ldap.finder import Finder
from providers.ldap.mapping import Entry, control_of, id_of, is_disabled, new_person, to_account
from providers.ldap.names import first_part, normalize, parent_of, rdn_of
from providers.ldap.product import DISABLED_BIT, Directory
from providers.ldap.settling import ALREADY, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import LiveAccount


class AccountWriter:
    """Performs the changes of accounts.

    Args:
        client: speaks with the directory.
        directory: what it is.
        finder: finds entries again.
        move_to: where disabled accounts go, or empty.
    """

    def __init__(self, client: LdapClient, directory: Directory, finder: Finder, move_to: str) -> None:
        self._client = client
        self._directory = directory
        self._finder = finder
        self._move_to = move_to

    async def perform(self, change: Change) -> Receipt:
        """Do one change of an account."""
        if change.operation is Operation.CREATE_ACCOUNT:
            return await self._create(change)
        what = f"{change.operation} {change.username or change.holder}"
        try:
            entry = await self._finder.find(change.account_id)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if entry is None:
            removes = change.operation in {Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT}
            return Receipt(change, Outcome.DONE if removes else Outcome.FAILED, f"{what}: not found")
        match change.operation:
            case Operation.UPDATE_ACCOUNT:
                return await self._update(change, what, entry)
            case Operation.SUSPEND_ACCOUNT | Operation.REACTIVATE_ACCOUNT:
                return await self._switch(change, what, entry)
            case _:
                return await self._delete(change, what, entry)

    async def describe(self, remote_id: str) -> LiveAccount | None:
        """Read one account; None where there is none.

        Raises:
            TransportError: it could not be read.
        """
        entry = await self._finder.find(remote_id)
        return to_account(entry, self._directory) if entry else None

    async def _create(self, change: Change) -> Receipt:
        email = str(change.after.get("email") or "")
        username = str(change.after.get("username") or "") or email
        if username == email:  # a proposal: directories have short names, and Active Directory takes no `@` in them
            username = email.partition("@")[0]
        what = f"create {username or change.holder}"
        if not username:
            return Receipt(change, Outcome.FAILED, f"{what}: no username, and no email to make one of")
        dn, values = new_person(change.after, username, self._directory)
        try:
            await self._client.add(dn, values)
        except TransportError as error:
            words = f"{what}: {error.message}"
            refused = isinstance(error, AnswerError)
            if error.landed is False and not refused:
                return Receipt(change, Outcome.FAILED, words)
            return await self._adopt(change, username, Outcome.FAILED if refused else Outcome.UNKNOWN, words)
        return await self._adopt(change, username, Outcome.DONE, "")

    async def _adopt(self, change: Change, username: str, otherwise: Outcome, words: str) -> Receipt:
        """Take the account that was made, now or before, if it is the one that is meant."""
        try:
            entry = await self._finder.find_person(username)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}".lstrip("; "))
        if entry is None:
            return Receipt(change, otherwise, words)
        account = to_account(entry, self._directory)
        if otherwise is Outcome.DONE:
            return Receipt(change, Outcome.DONE, "", account.remote_id)
        if fold(account.email) != fold(str(change.after.get("email") or "")):
            told = account.email or "without an email"
            return Receipt(change, Outcome.FAILED, f"{words}; {username} belongs to somebody else: {told}")
        if is_disabled(entry, self._directory):
            return Receipt(change, Outcome.FAILED, f"{words}; {username} exists and is disabled ({entry.dn})")
        remark = LOST if otherwise is Outcome.UNKNOWN else "it existed already: adopted"
        return Receipt(change, Outcome.DONE, remark, account.remote_id)

    async def _update(self, change: Change, what: str, entry: Entry) -> Receipt:
        directory = self._directory
        values = {name: str(value or "") for name, value in change.after.items()}
        username = values.pop("username", "")
        values = {"mail" if name == "email" else name: value for name, value in values.items()}
        renamed = bool(username) and directory.rdn == directory.username
        if username and not renamed:
            values[directory.username] = username

        async def send() -> None:
            if values:
                replaced = [(REPLACE, name, [value.encode()] if value else []) for name, value in values.items()]
                await self._client.modify(entry.dn, *replaced)
            if renamed:
                await self._client.rename(entry.dn, first_part(directory.rdn, username))

        async def is_true() -> bool:
            now = await self._finder.find(change.account_id)
            wanted = values | ({directory.username: username} if username else {})
            return now is not None and all(now.text(name) == value for name, value in wanted.items())

        return await settle(change, what, send, is_true)

    async def _switch(self, change: Change, what: str, entry: Entry) -> Receipt:
        """Disable or enable, and move where that is wanted: disabled first, since that is what matters."""
        disable = change.operation is Operation.SUSPEND_ACCOUNT
        directory = self._directory
        container = self._move_to if disable else directory.new_people
        there = not self._move_to or normalize(parent_of(entry.dn)) == normalize(container)
        comes_back = not disable and normalize(parent_of(entry.dn)) != normalize(self._move_to)
        moves = not there and not comes_back
        if is_disabled(entry, directory) is disable and not moves:
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)

        async def send() -> None:
            if is_disabled(entry, directory) is not disable:
                await self._client.modify(entry.dn, *_switching(entry, directory, disable=disable))
            if moves:
                await self._move(entry, container)

        async def is_true() -> bool:
            now = await self._finder.find(change.account_id)
            if now is None or is_disabled(now, directory) is not disable:
                return False
            return not moves or normalize(parent_of(now.dn)) == normalize(container)

        return await settle(change, what, send, is_true)

    async def _move(self, entry: Entry, container: str) -> None:
        """Move an entry, and see to it that its groups still know it: not every directory does that itself."""
        groups = [] if self._directory.by_username else await self._finder.groups_with(entry.dn)
        rdn = rdn_of(entry.dn)
        await self._client.rename(entry.dn, rdn, container)
        old, new = entry.dn.encode(), f"{rdn},{container}".encode()
        for group in groups if not self._directory.control else ():
            now = await self._finder.find(id_of(group, self._directory))
            if now is not None and old in now.values.get(self._directory.member.lower(), []):
                member = self._directory.member
                await self._client.modify(now.dn, (REMOVE, member, [old]), (ADD, member, [new]))

    async def _delete(self, change: Change, what: str, entry: Entry) -> Receipt:
        async def send() -> None:
            await self._client.delete(entry.dn)

        async def is_true() -> bool:
            return await self._finder.find(change.account_id) is None

        return await settle(change, what, send, is_true)


def _switching(entry: Entry, directory: Directory, *, disable: bool) -> list[tuple[str, str, list[bytes]]]:
    """Return what disables or enables; the old value is removed by name, so that no change in between is lost."""
    if directory.control:
        old = control_of(entry)
        new = old | DISABLED_BIT if disable else old & ~DISABLED_BIT
        name = "userAccountControl"
        return [(REMOVE, name, [str(old).encode()]), (ADD, name, [str(new).encode()])]
    if directory.mark is None:
        return []
    name, value = directory.mark
    return [(REPLACE, name, [value.encode()] if disable else [])]
