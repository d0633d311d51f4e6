"""What a Slack way can do, known from its configuration alone."""

from collections.abc import Iterator, Mapping

from providers.slack.client import rate_of
from providers.slack.config import SlackConfig
from providers.slack.mapping import CHANNEL, GUEST, HOLDER_EDITABLE, MULTI, PRIVATE, ROLE, SINGLE, USERGROUP
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Ability, Capabilities, cannot
from reconciler.provider.pace import Pace
from reconciler.provider.rates import paces_of
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_BY_SCIM = (
    "the Web API has no method for it: SCIM has (Business+ and Enterprise plans), in a `scim` way of the same route"
)
_BY_ADMIN = "only the admin methods of Enterprise plans do it: give `admin_token`"
_NO_LEVELS = "memberships have no levels"
_NO_MORE = "only the name is kept here"
_NOT_LISTED = "a private channel is only seen by its members: make it in Slack, invite the tool, and list its id"
_ACCOUNTS: Mapping[Operation, Ability] = {
    Operation.CREATE_ACCOUNT: cannot(f"inviting somebody: {_BY_SCIM}"),
    Operation.UPDATE_ACCOUNT: cannot(f"changing a profile: {_BY_SCIM}"),
    Operation.SUSPEND_ACCOUNT: cannot(f"deactivating somebody: {_BY_SCIM}"),
    Operation.REACTIVATE_ACCOUNT: cannot(f"reactivating somebody: {_BY_SCIM}"),
    Operation.DELETE_ACCOUNT: cannot("Slack deletes nobody: it deactivates"),
    Operation.END_SESSIONS: cannot(f"ending sessions: {_BY_ADMIN}"),
    Operation.TRANSFER_FILES: cannot("Slack's files stay where they are; no method hands them over"),
    Operation.REMOVE_LICENSES: cannot("a seat is free when its member is deactivated"),
}
_MEMBERSHIPS: Mapping[Operation, Ability] = {
    Operation.CREATE_ENTITLEMENT: CAN,
    Operation.RENAME_ENTITLEMENT: CAN,
    Operation.UPDATE_ENTITLEMENT: cannot(_NO_MORE),
    Operation.GRANT: CAN,
    Operation.REVOKE: CAN,
    Operation.SET_LEVEL: cannot(_NO_LEVELS),
}
_GUESTS: Mapping[Operation, Ability] = dict.fromkeys(
    (
        Operation.CREATE_ENTITLEMENT,
        Operation.RENAME_ENTITLEMENT,
        Operation.UPDATE_ENTITLEMENT,
        Operation.GRANT,
        Operation.REVOKE,
        Operation.SET_LEVEL,
    ),
    cannot("no method makes a guest of a member, and a guest who is none any more is a full member: it is only read"),
)


_METHODS: tuple[tuple[str, tuple[Operation, ...], tuple[str, ...]], ...] = (
    ("conversations.invite", (Operation.GRANT,), (CHANNEL, PRIVATE)),
    ("conversations.kick", (Operation.REVOKE,), (CHANNEL, PRIVATE)),
    ("conversations.create", (Operation.CREATE_ENTITLEMENT,), (CHANNEL,)),
    ("conversations.rename", (Operation.RENAME_ENTITLEMENT,), (CHANNEL, PRIVATE)),
    ("usergroups.create", (Operation.CREATE_ENTITLEMENT,), (USERGROUP,)),
    ("usergroups.users.update", (Operation.GRANT, Operation.REVOKE), (USERGROUP,)),
    ("admin.users.session.reset", (Operation.END_SESSIONS,), ()),
)


def capabilities_of(config: SlackConfig) -> Capabilities:
    """Return what a way can do."""
    kinds: dict[str, Mapping[Operation, Ability]] = {
        USERGROUP: _MEMBERSHIPS,
        CHANNEL: _MEMBERSHIPS,
        ROLE: _roles(CAN if config.admin_token else cannot(f"workspace admins and owners: {_BY_ADMIN}")),
        GUEST: _GUESTS,
    }
    reads = {ACCOUNTS: CAN} | {of(kind): CAN for kind in kinds for of in (entitlements_of, grants_of)}
    private = CAN if config.private_channels else cannot("`private_channels` names none")
    reads |= {entitlements_of(PRIVATE): private, grants_of(PRIVATE): private}
    kinds[PRIVATE] = {**_MEMBERSHIPS, Operation.CREATE_ENTITLEMENT: cannot(_NOT_LISTED)}
    if not private:
        kinds[PRIVATE] = dict.fromkeys(_MEMBERSHIPS, private)
    sessions = {Operation.END_SESSIONS: CAN} if config.admin_token else {}
    return Capabilities(
        reads=reads,
        operations={**_ACCOUNTS, **sessions},
        kinds=kinds,
        levels={GUEST: (SINGLE, MULTI)},
        attributes=frozenset(),
        holder_editable=HOLDER_EDITABLE,
        batches=True,
        paces=tuple(_paces()),
    )


def _paces() -> Iterator[Pace]:
    """Yield how fast the methods behind changes may be called; several people are invited to a channel at once."""
    for method, operations, kinds in _METHODS:
        yield from paces_of(rate_of(method), *operations, kinds=kinds, alone=method == "conversations.kick")


def _roles(change: Ability) -> dict[Operation, Ability]:
    fixed = cannot("Slack's roles are what they are")
    return {
        Operation.GRANT: change,
        Operation.REVOKE: change,
        Operation.SET_LEVEL: cannot("whoever is an owner is one without levels"),
        Operation.CREATE_ENTITLEMENT: fixed,
        Operation.RENAME_ENTITLEMENT: fixed,
        Operation.UPDATE_ENTITLEMENT: fixed,
    }
