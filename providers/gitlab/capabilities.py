"""What a GitLab way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.gitlab.client import REMOVING, WRITING
from providers.gitlab.config import GitLabConfig
from providers.gitlab.mapping import ATTRIBUTES, GROUP, HOLDER_EDITABLE, INVITATION, LEVELS, PROJECT, ROLE
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.rates import paces_of
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_MADE_ELSEWHERE = cannot("GitLab's projects are made and renamed where their code is kept, not here")
_OWN = cannot("an instance has only GitLab's own roles")
_LEFT = cannot("what people made belongs to groups and projects; a personal project is moved in GitLab itself")
_SEAT = cannot("GitLab frees a seat when its user is blocked or removed")
_INSTANCE: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: CAN,
    Operation.SUSPEND_ACCOUNT: CAN,
    Operation.REACTIVATE_ACCOUNT: CAN,
    Operation.DELETE_ACCOUNT: CAN,
    Operation.END_SESSIONS: cannot("GitLab has no request for it: suspending ends sessions, and tokens stop working"),
    Operation.TRANSFER_FILES: _LEFT,
    Operation.REMOVE_LICENSES: _SEAT,
}
_TREE: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: cannot("a GitLab.com account belongs to its person, who alone changes it"),
    Operation.SUSPEND_ACCOUNT: CAN,
    Operation.REACTIVATE_ACCOUNT: cannot("people are removed from a GitLab group, and added anew"),
    Operation.DELETE_ACCOUNT: CAN,
    Operation.END_SESSIONS: cannot("a group cannot end the sessions of a GitLab account that is not its own"),
    Operation.TRANSFER_FILES: _LEFT,
    Operation.REMOVE_LICENSES: _SEAT,
}
_MEMBERS: Mapping[Operation, Ability] = {Operation.GRANT: CAN, Operation.REVOKE: CAN, Operation.SET_LEVEL: CAN}
_GROUP: Mapping[Operation, Ability] = {
    **_MEMBERS,
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: CAN,
    Operation.UPDATE_ENTITLEMENT: cannot("only the path of a GitLab group is kept here"),
}
_PROJECT: Mapping[Operation, Ability] = {
    **_MEMBERS,
    Operation.CREATE_ENTITLEMENT: _MADE_ELSEWHERE,
    Operation.RENAME_ENTITLEMENT: _MADE_ELSEWHERE,
    Operation.UPDATE_ENTITLEMENT: _MADE_ELSEWHERE,
}
_ROLE: Mapping[Operation, Ability] = {
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: cannot("an instance's roles have no levels"),
    Operation.CREATE_ENTITLEMENT: _OWN,
    Operation.RENAME_ENTITLEMENT: _OWN,
    Operation.UPDATE_ENTITLEMENT: _OWN,
}


def capabilities_of(config: GitLabConfig) -> Capabilities:
    """Return what a way can do."""
    kinds = {GROUP: _GROUP, PROJECT: _PROJECT}
    if config.group is None:
        kinds[ROLE] = _ROLE
    collections = (ACCOUNTS, *(of(kind) for kind in kinds for of in (entitlements_of, grants_of)))
    levels = tuple(LEVELS)
    return Capabilities(
        reads=dict.fromkeys(collections, CAN),
        operations=_INSTANCE if config.group is None else _TREE,
        kinds=kinds,
        levels={GROUP: levels, PROJECT: levels[1:]},
        attributes=ATTRIBUTES if config.group is None else frozenset(),
        holder_editable=HOLDER_EDITABLE,
        passing_ids=INVITATION,
        concurrency=4,
        paces=(*paces_of(WRITING), *paces_of(REMOVING, Operation.REVOKE, kinds=(GROUP, PROJECT))),
    )
