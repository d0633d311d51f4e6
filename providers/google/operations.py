"""Which part performs which operation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from providers.google.accounts import AccountWriter
from providers.google.client import counting
from providers.google.groups import GroupWriter
from providers.google.licenses import LicenseWriter
from providers.google.mapping import outside_address
from providers.google.offboarding import Offboarder
from providers.google.receipts import describe, done, failed, lost
from providers.google.roles import RoleWriter
from reconciler.errors import TransportError
from reconciler.provider.change import Change, Operation, Receipt

Performer = Callable[[Change], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Operations:
    """Everything that can be done, by operation and kind."""

    accounts: AccountWriter
    groups: GroupWriter
    roles: RoleWriter
    licenses: LicenseWriter
    offboarder: Offboarder

    async def perform(self, change: Change) -> Receipt:
        """Do one change; a request without a usable answer is said to be failed or unknown, as it was."""
        performer = self._table().get((change.operation, change.kind))
        with counting() as tally:
            try:
                receipt = await self._perform(performer, change)
            except TransportError as error:
                receipt = lost(change, error)
        return replace(receipt, requests=tally.requests)

    async def _perform(self, performer: Performer | None, change: Change) -> Receipt:
        if performer is None:
            return failed(change, f"{change.operation} is not supported for {change.kind}")
        outside = outside_address(change.account_id)
        if outside and performer in {self.accounts.update, self.accounts.reactivate, self.roles.grant}:
            return failed(change, f"{outside} is no user here: only memberships of groups can be changed")
        if outside and change.kind == "license":
            return failed(change, f"{outside} is no user here, and has no licences")
        if change.account_id in self.offboarder.unsettled and performer in {
            self.licenses.revoke,
            self._remove_licenses,
        }:
            words = "what is to be handed over is not yet; without a licence it might be lost"
            return failed(change, f"{describe(change)}: {words}")
        return await performer(change)

    def _table(self) -> Mapping[tuple[Operation, str], Performer]:
        accounts = "accounts"
        return {
            (Operation.CREATE_ACCOUNT, accounts): self.accounts.create,
            (Operation.UPDATE_ACCOUNT, accounts): self.accounts.update,
            (Operation.SUSPEND_ACCOUNT, accounts): self.accounts.suspend,
            (Operation.REACTIVATE_ACCOUNT, accounts): self.accounts.reactivate,
            (Operation.DELETE_ACCOUNT, accounts): self.accounts.delete,
            (Operation.END_SESSIONS, accounts): self.offboarder.end_sessions,
            (Operation.TRANSFER_FILES, accounts): self.offboarder.transfer_files,
            (Operation.REMOVE_LICENSES, accounts): self._remove_licenses,
            (Operation.CREATE_ENTITLEMENT, "group"): self.groups.create,
            (Operation.RENAME_ENTITLEMENT, "group"): self.groups.rename,
            (Operation.UPDATE_ENTITLEMENT, "group"): self.groups.update,
            (Operation.GRANT, "group"): self.groups.grant,
            (Operation.SET_LEVEL, "group"): self.groups.set_level,
            (Operation.REVOKE, "group"): self.groups.revoke,
            (Operation.GRANT, "role"): self.roles.grant,
            (Operation.REVOKE, "role"): self.roles.revoke,
            (Operation.GRANT, "license"): self.licenses.grant,
            (Operation.REVOKE, "license"): self.licenses.revoke,
            (Operation.REVOKE, "oauth"): self.offboarder.revoke_token,
        }

    async def _remove_licenses(self, change: Change) -> Receipt:
        if outside_address(change.account_id):
            return done(change, "no user here: there are no licences of ours")
        return await self.licenses.revoke_all(change)
