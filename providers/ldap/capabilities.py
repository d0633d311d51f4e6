"""What an LDAP way can do, known from its configuration alone."""

from providers.ldap.config import LdapConfig
from providers.ldap.mapping import GROUP
from providers.ldap.product import directory_of
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Capabilities, cannot
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of


def capabilities_of(config: LdapConfig) -> Capabilities:
    """Return what a way can do."""
    directory = directory_of(config)
    disable = CAN if directory.can_disable else cannot("OpenLDAP has no way of its own: say `disabled` in the route")
    numbered = cannot("a posixGroup needs a number that nobody gives here") if directory.by_username else CAN
    accounts = {
        Operation.CREATE_ACCOUNT: CAN,
        Operation.UPDATE_ACCOUNT: CAN,
        Operation.SUSPEND_ACCOUNT: disable,
        Operation.REACTIVATE_ACCOUNT: disable,
        Operation.DELETE_ACCOUNT: CAN,
        Operation.END_SESSIONS: cannot("a directory holds no sessions: those of what signs in with it end there"),
        Operation.TRANSFER_FILES: cannot("a directory holds no files"),
        Operation.REMOVE_LICENSES: cannot("a directory has no licenses"),
    }
    groups = {
        Operation.CREATE_ENTITLEMENT: numbered,
        Operation.RENAME_ENTITLEMENT: CAN,
        Operation.UPDATE_ENTITLEMENT: cannot("only the name of a group is kept here"),
        Operation.GRANT: CAN,
        Operation.REVOKE: CAN,
        Operation.SET_LEVEL: cannot("memberships have no levels in LDAP"),
    }
    return Capabilities(
        reads=dict.fromkeys((ACCOUNTS, entitlements_of(GROUP), grants_of(GROUP)), CAN),
        operations=accounts,
        kinds={GROUP: groups},
        attributes=frozenset(directory.attributes),
        concurrency=4,
    )
