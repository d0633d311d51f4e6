"""What a GitHub way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.github.client import WRITING
from providers.github.config import GitHubConfig
from providers.github.mapping import INVITATION, TEAM_LEVELS
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.rates import paces_of
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_MADE_ELSEWHERE = "repositories are made and renamed where their code is kept, not here"
_ACCOUNTS: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: CAN,
    Operation.SUSPEND_ACCOUNT: CAN,
    Operation.DELETE_ACCOUNT: CAN,
    Operation.REACTIVATE_ACCOUNT: cannot("GitHub removes people in place of suspending them; they are invited anew"),
    Operation.END_SESSIONS: cannot("an organization cannot end the sessions of a GitHub account that is not its own"),
    Operation.TRANSFER_FILES: cannot("repositories belong to the organization; nothing is left with a person"),
    Operation.REMOVE_LICENSES: cannot("a seat is freed when its person is removed"),
}
_GRANTS: Mapping[Operation, Ability] = {Operation.GRANT: CAN, Operation.REVOKE: CAN}
_TEAM: Mapping[Operation, Ability] = {
    **_GRANTS,
    Operation.SET_LEVEL: CAN,
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: CAN,
    Operation.UPDATE_ENTITLEMENT: CAN,
}
_REPO: Mapping[Operation, Ability] = {
    **_GRANTS,
    Operation.SET_LEVEL: CAN,
    Operation.CREATE_ENTITLEMENT: cannot(_MADE_ELSEWHERE),
    Operation.RENAME_ENTITLEMENT: cannot(_MADE_ELSEWHERE),
    Operation.UPDATE_ENTITLEMENT: cannot(_MADE_ELSEWHERE),
}
_ROLE: Mapping[Operation, Ability] = {
    **_GRANTS,
    Operation.SET_LEVEL: cannot("whoever is an owner is one without levels"),
    Operation.CREATE_ENTITLEMENT: cannot("the only role is GitHub's own: owner"),
    Operation.RENAME_ENTITLEMENT: cannot("the only role is GitHub's own: owner"),
    Operation.UPDATE_ENTITLEMENT: cannot("the only role is GitHub's own: owner"),
}
KINDS = ("role", "team", "repo")
ATTRIBUTE = "membership"


def capabilities_of(config: GitHubConfig) -> Capabilities:
    """Return what a way can do."""
    collections = [ACCOUNTS, *map(entitlements_of, KINDS), *map(grants_of, KINDS)]
    return Capabilities(
        reads=dict.fromkeys(collections, CAN),
        operations=_ACCOUNTS,
        kinds={"role": _ROLE, "team": _TEAM, "repo": _REPO},
        levels={"team": TEAM_LEVELS, "repo": config.levels},
        attributes=frozenset({ATTRIBUTE}),
        holder_editable=frozenset({"name", "company", "location", "bio"}),
        passing_ids=INVITATION,
        concurrency=4,
        paces=paces_of(WRITING),
    )
