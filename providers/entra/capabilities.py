"""What an Entra way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.entra.client import WRITES_AT_ONCE, WRITES_PER_MINUTE
from providers.entra.config import EntraConfig
from providers.entra.mapping import APP, ATTRIBUTES, GROUP, LICENSE, ROLE
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_ACCOUNTS: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: CAN,
    Operation.SUSPEND_ACCOUNT: CAN,
    Operation.REACTIVATE_ACCOUNT: CAN,
    Operation.DELETE_ACCOUNT: CAN,
    Operation.END_SESSIONS: CAN,
    Operation.REMOVE_LICENSES: CAN,
    Operation.TRANSFER_FILES: cannot("the directory holds no files: OneDrive and mailboxes are handed over elsewhere"),
}
_NO_LEVELS = cannot("it has no levels in Entra")
_GROUPS: Mapping[Operation, Ability] = {
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: CAN,
    Operation.UPDATE_ENTITLEMENT: cannot("only the name of a group is kept here"),
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: _NO_LEVELS,
}
_ASSIGNED: Mapping[Operation, Ability] = {
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.CREATE_ENTITLEMENT: cannot("roles, apps and licenses are not made here"),
    Operation.RENAME_ENTITLEMENT: cannot("roles, apps and licenses are not renamed here"),
    Operation.UPDATE_ENTITLEMENT: cannot("roles, apps and licenses are not changed here"),
    Operation.SET_LEVEL: _NO_LEVELS,
}


def capabilities_of(config: EntraConfig) -> Capabilities:
    """Return what a way can do."""
    kinds = {GROUP: _GROUPS, ROLE: _ASSIGNED, LICENSE: _ASSIGNED}
    if config.enterprise_apps:
        kinds[APP] = _ASSIGNED
    collections = (ACCOUNTS, *(of(kind) for kind in kinds for of in (entitlements_of, grants_of)))
    return Capabilities(
        reads=dict.fromkeys(collections, CAN),
        operations=_ACCOUNTS,
        kinds=kinds,
        attributes=ATTRIBUTES,
        concurrency=8,
        paces=(Pace(WRITES_PER_MINUTE, at_once=WRITES_AT_ONCE),),
    )
