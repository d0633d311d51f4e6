"""What an AWS way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.aws.config import AwsConfig
from providers.aws.mapping import ACCOUNT, ATTRIBUTES, GROUP
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

OUTSTANDING = 10
"""Assignments in the background at once (https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html)."""

PER_MINUTE, BURST = 1200.0, 10
"""All IAM Identity Center operations together: 20 a second (see the same page)."""

_NO_API = "AWS has no API for it, only the console (and SCIM, where users come by SCIM)"
_EXTERNAL = "users and groups come from elsewhere, as `directory: external` says"
_ACCOUNTS: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: CAN,
    Operation.DELETE_ACCOUNT: CAN,
    Operation.SUSPEND_ACCOUNT: cannot(f"disabling a user: {_NO_API}"),
    Operation.REACTIVATE_ACCOUNT: cannot(f"enabling a user: {_NO_API}"),
    Operation.END_SESSIONS: cannot(f"ending sessions: {_NO_API}"),
    Operation.TRANSFER_FILES: cannot("Identity Center holds no files"),
    Operation.REMOVE_LICENSES: cannot("Identity Center has no licenses"),
}
_GROUPS: Mapping[Operation, Ability] = {
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: CAN,
    Operation.UPDATE_ENTITLEMENT: cannot("only the name of a group is kept here"),
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: cannot("memberships have no levels"),
}
_ASSIGNMENTS: Mapping[Operation, Ability] = {
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.CREATE_ENTITLEMENT: cannot("AWS accounts and permission sets are not made here"),
    Operation.RENAME_ENTITLEMENT: cannot("AWS accounts and permission sets are not renamed here"),
    Operation.UPDATE_ENTITLEMENT: cannot("permission sets are not changed here"),
    Operation.SET_LEVEL: cannot("assignments have no levels: each permission set is an entitlement of its own"),
}


def capabilities_of(config: AwsConfig) -> Capabilities:
    """Return what a way can do."""
    external = config.directory == "external"
    collections = (ACCOUNTS, *(of(kind) for kind in (GROUP, ACCOUNT) for of in (entitlements_of, grants_of)))
    return Capabilities(
        reads=dict.fromkeys(collections, CAN),
        operations=_only_read(_ACCOUNTS) if external else _ACCOUNTS,
        kinds={GROUP: _only_read(_GROUPS) if external else _GROUPS, ACCOUNT: _ASSIGNMENTS},
        attributes=ATTRIBUTES,
        concurrency=OUTSTANDING,
        paces=(Pace(PER_MINUTE, at_once=BURST, requests=2),),
    )


def _only_read(table: Mapping[Operation, Ability]) -> dict[Operation, Ability]:
    return {operation: cannot(_EXTERNAL) if ability else ability for operation, ability in table.items()}
