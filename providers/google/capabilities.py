"""What a Google Workspace way can do, known from its configuration alone."""

from collections.abc import Mapping

from providers.google.config import GoogleConfig
from providers.google.mapping import WRITABLE
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.rates import Rate, paces_of
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

LEVELS = ("member", "manager", "owner")
"""The roles of a group's members, weakest first (members resource, `role`)."""

DIRECTORY_RATE = Rate(most=2_300, window=60.0)
"""A little less than 2,400 a minute, the default quota of a user, so that a run alone is never refused.

Source: https://developers.google.com/workspace/admin/directory/v1/limits
"""

LICENSING_RATE = Rate(most=1, window=1.05)
"""One a second. Source: https://developers.google.com/workspace/admin/licensing/v1/limits"""

_NO_LEVELS = "it has no levels"
_MADE_IN_CONSOLE = "admin roles are made of privileges, in the admin console"
_SOLD = "a licence is what Google sells; name it under `licenses`"
_GIVEN_BY_HOLDER = "only the person can let an app into their account"


def capabilities_of(config: GoogleConfig) -> Capabilities:
    """Return what a way can do."""
    kinds: dict[str, Mapping[Operation, Ability]] = {}
    if config.groups:
        kinds["group"] = _groups()
    if config.roles:
        kinds["role"] = _fixed(_MADE_IN_CONSOLE)
    if config.licenses:
        kinds["license"] = _fixed(_SOLD)
    if config.oauth_grants:
        kinds["oauth"] = _fixed(_GIVEN_BY_HOLDER) | {Operation.GRANT: cannot(_GIVEN_BY_HOLDER)}
    reads = {ACCOUNTS: CAN}
    reads |= {collection(kind): CAN for kind in kinds for collection in (entitlements_of, grants_of)}
    return Capabilities(
        reads=reads,
        operations=_accounts(config),
        kinds=kinds,
        stable_ids=True,
        levels={"group": LEVELS} if config.groups else {},
        attributes=frozenset(WRITABLE),
        holder_editable=frozenset({"recoveryEmail", "givenName", "familyName"}),
        concurrency=8,
        paces=(
            *paces_of(DIRECTORY_RATE),
            *paces_of(LICENSING_RATE, Operation.REMOVE_LICENSES),
            *paces_of(LICENSING_RATE, kinds=("license",)),
        ),
    )


def _accounts(config: GoogleConfig) -> dict[Operation, Ability]:
    able = (
        Operation.CREATE_ACCOUNT,
        Operation.UPDATE_ACCOUNT,
        Operation.SUSPEND_ACCOUNT,
        Operation.REACTIVATE_ACCOUNT,
        Operation.DELETE_ACCOUNT,
        Operation.END_SESSIONS,
    )
    return dict.fromkeys(able, CAN) | {
        Operation.TRANSFER_FILES: CAN if config.transfer else cannot("`transfer` names nothing to hand over"),
        Operation.REMOVE_LICENSES: CAN if config.licenses else cannot("`licenses` names no product to look in"),
    }


def _groups() -> dict[Operation, Ability]:
    able = (
        Operation.CREATE_ENTITLEMENT,
        Operation.RENAME_ENTITLEMENT,
        Operation.UPDATE_ENTITLEMENT,
        Operation.GRANT,
        Operation.SET_LEVEL,
        Operation.REVOKE,
    )
    return dict.fromkeys(able, CAN)


def _fixed(why: str) -> dict[Operation, Ability]:
    """Return the abilities of a kind whose entitlements are not ours to make."""
    making = (Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.UPDATE_ENTITLEMENT)
    return {
        Operation.GRANT: CAN,
        Operation.REVOKE: CAN,
        Operation.SET_LEVEL: cannot(_NO_LEVELS),
        **dict.fromkeys(making, cannot(why)),
    }
