"""What an Okta way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.okta.config import OktaConfig
from providers.okta.mapping import BUILT_IN, GROUP_KINDS, HOLDER_EDITABLE
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_ABOUT_ENTITLEMENTS = (
    Operation.CREATE_ENTITLEMENT,
    Operation.RENAME_ENTITLEMENT,
    Operation.UPDATE_ENTITLEMENT,
    Operation.GRANT,
    Operation.SET_LEVEL,
    Operation.REVOKE,
)
_WRITABLE: Mapping[str, tuple[Operation, ...]] = {
    "group": (Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.GRANT, Operation.REVOKE),
    "app": (Operation.GRANT, Operation.REVOKE),
    "role": (Operation.GRANT, Operation.REVOKE),
}
_WHY_NOT: Mapping[str, str] = {
    "group": "groups have neither levels nor attributes of their own here",
    "app": "apps are integrated in Okta's console, and assignments have no levels",
    "role": "Okta's standard roles are fixed, and have no levels",
    "app-group": "groups of the type APP_GROUP are imported from an app, and only that app changes them",
    BUILT_IN: "Okta itself keeps its built-in groups",
    "custom-role": "custom roles and roles limited to some groups or apps are assigned in Okta's console",
}
_ACCOUNTS: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: CAN,
    Operation.UPDATE_ACCOUNT: CAN,
    Operation.SUSPEND_ACCOUNT: CAN,
    Operation.REACTIVATE_ACCOUNT: CAN,
    Operation.DELETE_ACCOUNT: CAN,
    Operation.END_SESSIONS: CAN,
    Operation.TRANSFER_FILES: cannot("Okta holds no files"),
    Operation.REMOVE_LICENSES: cannot("Okta assigns no licenses; those of an app go with its assignment"),
}
_SHARE = 0.5
"""What one token or app may use of each limit by default (developer.okta.com/docs/reference/rl2-token-oauth)."""


def _pace(most: float, *operations: Operation, kinds: tuple[str, ...], requests: float = 1) -> Pace:
    """Return the pace of an endpoint that allows so many requests a minute to everybody together."""
    return Pace(most * _SHARE, operations=operations, kinds=kinds, requests=requests)


_PACES = (
    _pace(600, Operation.CREATE_ACCOUNT, kinds=("accounts",)),
    _pace(600, Operation.UPDATE_ACCOUNT, Operation.DELETE_ACCOUNT, kinds=("accounts",)),
    _pace(
        1200,
        Operation.SUSPEND_ACCOUNT,
        Operation.REACTIVATE_ACCOUNT,
        Operation.END_SESSIONS,
        kinds=("accounts",),
    ),
    _pace(500, Operation.GRANT, Operation.REVOKE, Operation.CREATE_ENTITLEMENT, kinds=("group",)),
    _pace(1000, Operation.RENAME_ENTITLEMENT, kinds=("group",)),
    _pace(100, kinds=("app",)),
    _pace(100, Operation.REVOKE, kinds=("app",), requests=2),  # looked at first: one through a group is not ours
    _pace(1200, kinds=("role",)),
)
"""The limits of a Workforce organization (developer.okta.com/docs/reference/rl-global-mgmt); what is asked besides, to
look something up, has limits of its own."""


def capabilities_of(config: OktaConfig) -> Capabilities:
    """Return what a way can do."""
    reads = {ACCOUNTS: CAN} | {entitlements_of(kind): CAN for kind in (*GROUP_KINDS.values(), *config.kinds)}
    reads |= {grants_of(kind): CAN for kind in (*config.kinds, BUILT_IN)}
    return Capabilities(
        reads=reads,
        operations=dict(_ACCOUNTS),
        kinds={kind: _of_kind(kind) for kind in (*config.kinds, BUILT_IN)},
        stable_ids=True,
        attributes=None,
        holder_editable=HOLDER_EDITABLE,
        concurrency=8,
        paces=_PACES,
    )


def _of_kind(kind: str) -> dict[Operation, Ability]:
    able = _WRITABLE.get(kind, ())
    return {operation: CAN if operation in able else cannot(_WHY_NOT[kind]) for operation in _ABOUT_ENTITLEMENTS}
