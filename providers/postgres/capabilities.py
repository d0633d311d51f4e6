"""What a PostgreSQL server can do, known from the configuration alone."""

from providers.postgres.config import PostgresConfig
from providers.postgres.levels import ATTRIBUTE, KINDS, LEVELS, ROLE, SCHEMA
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

WRITABLE = frozenset({"valid_until", "connection_limit", "inherit"})
"""The attributes of accounts that can be written, besides the username."""

_ACCOUNTS = (
    Operation.CREATE_ACCOUNT,
    Operation.UPDATE_ACCOUNT,
    Operation.SUSPEND_ACCOUNT,
    Operation.REACTIVATE_ACCOUNT,
    Operation.DELETE_ACCOUNT,
    Operation.END_SESSIONS,
    Operation.TRANSFER_FILES,
)
_FIXED = "the attributes of roles are PostgreSQL's own"
_MADE_ELSEWHERE = "databases and schemas are made by those who own what is in them"


def capabilities_of(config: PostgresConfig) -> Capabilities:
    """Return what a way can do. One change at a time: GRANTs on one object collide in the server's catalogue."""
    kinds = [kind for kind in KINDS if kind != SCHEMA or config.reads_schemas]
    reads = dict.fromkeys([ACCOUNTS, *map(entitlements_of, kinds), *map(grants_of, kinds)], CAN)
    return Capabilities(
        reads=reads,
        operations=dict.fromkeys(_ACCOUNTS, CAN) | {Operation.REMOVE_LICENSES: cannot("PostgreSQL has no licenses")},
        kinds={kind: _on_kind(kind) for kind in kinds},
        stable_ids=True,
        levels={ROLE: ("member", "admin")} | {kind: tuple(levels) for kind, levels in LEVELS.items()},
        attributes=WRITABLE | {"username"},
        concurrency=1,
    )


def _on_kind(kind: str) -> dict[Operation, Ability]:
    grants = dict.fromkeys((Operation.GRANT, Operation.REVOKE), CAN)
    making = (Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT)
    if kind == ROLE:
        nothing = cannot("a role has nothing else of its own that is kept equal")
        return grants | dict.fromkeys((*making, Operation.SET_LEVEL), CAN) | {Operation.UPDATE_ENTITLEMENT: nothing}
    if kind == ATTRIBUTE:
        cannots = (*making, Operation.UPDATE_ENTITLEMENT)
        return grants | dict.fromkeys(cannots, cannot(_FIXED)) | {Operation.SET_LEVEL: cannot("it has no levels")}
    can = dict.fromkeys((Operation.SET_LEVEL, Operation.UPDATE_ENTITLEMENT), CAN)
    return grants | can | dict.fromkeys(making, cannot(_MADE_ELSEWHERE))
