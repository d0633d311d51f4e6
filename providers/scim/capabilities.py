"""What a SCIM way can do, known from its configuration and dialect alone."""

from collections.abc import Iterator, Mapping

from providers.scim.config import ScimConfig
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_ACCOUNTS = (
    Operation.CREATE_ACCOUNT,
    Operation.UPDATE_ACCOUNT,
    Operation.SUSPEND_ACCOUNT,
    Operation.REACTIVATE_ACCOUNT,
    Operation.DELETE_ACCOUNT,
)
_REQUESTS = (
    (("POST",), "Users", (Operation.CREATE_ACCOUNT,)),
    (
        ("PATCH", "PUT"),
        "Users",
        (Operation.UPDATE_ACCOUNT, Operation.SUSPEND_ACCOUNT, Operation.REACTIVATE_ACCOUNT),
    ),
    (("DELETE",), "Users", (Operation.DELETE_ACCOUNT,)),
    (("POST",), "Groups", (Operation.CREATE_ENTITLEMENT,)),
    (("PATCH", "PUT"), "Groups", (Operation.RENAME_ENTITLEMENT, Operation.GRANT, Operation.REVOKE)),
)
_NOT_IN_SCIM: Mapping[Operation, str] = {
    Operation.END_SESSIONS: "SCIM has no sessions",
    Operation.TRANSFER_FILES: "SCIM knows no files",
    Operation.REMOVE_LICENSES: "SCIM knows no licenses",
}
_NO_LEVELS = "memberships have no levels in SCIM"
_NO_ATTRIBUTES = "groups have no other attributes in SCIM"
_MANY_AT_ONCE = 100  # so that there is something to gather; the transport sends no more than usual at once
_HOLDER_EDITABLE = frozenset({"nickName", "preferredLanguage", "locale", "timezone", "profileUrl", "photos"})


def capabilities_of(config: ScimConfig) -> Capabilities:
    """Return what a way can do."""
    dialect = config.dialect
    kinds = {kind: _of_values(kind) for kind in config.value_kinds}
    if config.groups:
        kinds[config.groups] = _of_groups(config)
    return Capabilities(
        reads=_reads(config),
        operations=_of_accounts(config),
        kinds=kinds,
        stable_ids=dialect.stable_ids,
        attributes=None if dialect.attributes is None else frozenset(dialect.attributes),
        holder_editable=_HOLDER_EDITABLE,
        batches=bool(config.groups),
        concurrency=_MANY_AT_ONCE if config.bulk else dialect.concurrency,
        paces=tuple(_paces(config)),
    )


def _paces(config: ScimConfig) -> Iterator[Pace]:
    """Yield the published limits of what writes; a bulk request holds several, and nobody publishes limits of those."""
    if config.bulk:
        return
    for methods, collection, operations in _REQUESTS:
        kinds = (config.groups,) if collection == "Groups" else ()
        for rule in config.dialect.rates:
            if any(rule.covers(method, collection, 0) for method in methods):
                yield Pace(rule.per_minute, at_once=rule.burst, operations=operations, kinds=kinds)
                break


def _reads(config: ScimConfig) -> dict[str, Ability]:
    reads = {ACCOUNTS: CAN}
    if config.groups:
        never = config.dialect.members == "never"
        reads[entitlements_of(config.groups)] = CAN
        reads[grants_of(config.groups)] = cannot("the server never tells who is in a group") if never else CAN
    for kind in config.value_kinds:
        reads[entitlements_of(kind)] = CAN
        reads[grants_of(kind)] = CAN
    return reads


def _of_accounts(config: ScimConfig) -> dict[Operation, Ability]:
    abilities = {operation: _unless_refused(config, operation) for operation in _ACCOUNTS}
    if config.dialect.reactivate_by_create and abilities[Operation.REACTIVATE_ACCOUNT]:
        why = "the server brings a suspended account back when it is created again"
        abilities[Operation.REACTIVATE_ACCOUNT] = cannot(why)
    return abilities | {operation: cannot(why) for operation, why in _NOT_IN_SCIM.items()}


def _of_groups(config: ScimConfig) -> dict[Operation, Ability]:
    able = (Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.GRANT, Operation.REVOKE)
    abilities = {operation: _unless_refused(config, operation) for operation in able}
    if not (config.dialect.patch_groups or config.dialect.member_replace):
        why = "the server can neither patch nor replace groups"
        abilities |= dict.fromkeys((Operation.RENAME_ENTITLEMENT, Operation.GRANT, Operation.REVOKE), cannot(why))
    return abilities | {
        Operation.SET_LEVEL: cannot(_NO_LEVELS),
        Operation.UPDATE_ENTITLEMENT: cannot(_NO_ATTRIBUTES),
    }


def _of_values(kind: str) -> dict[Operation, Ability]:
    why = f"a {kind} exists where an account has it, or where `value_kinds` lists it under `values`"
    return {
        Operation.GRANT: CAN,
        Operation.REVOKE: CAN,
        Operation.CREATE_ENTITLEMENT: cannot(why),
        Operation.RENAME_ENTITLEMENT: cannot(why),
        Operation.UPDATE_ENTITLEMENT: cannot(why),
        Operation.SET_LEVEL: cannot(_NO_LEVELS),
    }


def _unless_refused(config: ScimConfig, operation: Operation) -> Ability:
    why = config.dialect.unsupported.get(operation.value)
    return cannot(why) if why else CAN
