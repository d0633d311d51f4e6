"""What an Atlassian way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.atlassian.client import WRITES_AT_ONCE, WRITES_PER_MINUTE
from providers.atlassian.config import AtlassianConfig
from providers.atlassian.mapping import GROUP, ROLE
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_ALWAYS: Mapping[Operation, Ability] = {
    Operation.UPDATE_ACCOUNT: cannot("in Atlassian a profile is its holder's, or its identity provider's"),
    Operation.END_SESSIONS: cannot("Atlassian ends sessions with the account's suspension, and not by itself"),
    Operation.TRANSFER_FILES: cannot("in Atlassian pages and issues belong to spaces and projects, and stay"),
    Operation.REMOVE_LICENSES: cannot("Atlassian counts no license for who is suspended, or in no group with an app"),
}
_NO_LEVELS = cannot("it has no levels in Atlassian")
_GROUPS: Mapping[Operation, Ability] = {
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: cannot("Atlassian's API renames no group"),
    Operation.UPDATE_ENTITLEMENT: cannot("only the members of a group are kept here"),
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: _NO_LEVELS,
}
_ROLES: Mapping[Operation, Ability] = {
    Operation.CREATE_ENTITLEMENT: cannot("roles and projects are not made here: an administrator of Jira does"),
    Operation.RENAME_ENTITLEMENT: cannot("roles and projects are not renamed here: an administrator of Jira does"),
    Operation.UPDATE_ENTITLEMENT: cannot("roles and projects are not changed here: an administrator of Jira does"),
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: _NO_LEVELS,
}
_NEEDS_ORGANIZATION = cannot("a Jira site alone suspends nobody: give an `organization` and its `api_key`")
_NEEDS_START = cannot("say in `starts_with` which app of the organization a new account gets")


def capabilities_of(config: AtlassianConfig) -> Capabilities:
    """Return what a way can do."""
    kinds = {GROUP: _GROUPS} | ({ROLE: _ROLES} if config.reads_roles else {})
    collections = (ACCOUNTS, *(of(kind) for kind in kinds for of in (entitlements_of, grants_of)))
    return Capabilities(
        reads=dict.fromkeys(collections, CAN),
        operations=_on_accounts(config),
        kinds=kinds,
        attributes=frozenset(),
        concurrency=8,
        paces=(Pace(WRITES_PER_MINUTE, at_once=WRITES_AT_ONCE),),
    )


def _on_accounts(config: AtlassianConfig) -> Mapping[Operation, Ability]:
    alone = config.organization is None
    return {
        **_ALWAYS,
        Operation.CREATE_ACCOUNT: CAN if alone or config.starts_with else _NEEDS_START,
        Operation.SUSPEND_ACCOUNT: _NEEDS_ORGANIZATION if alone else CAN,
        Operation.REACTIVATE_ACCOUNT: _NEEDS_ORGANIZATION if alone else CAN,
        Operation.DELETE_ACCOUNT: CAN,
    }
