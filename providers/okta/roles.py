"""Admin roles: who holds which, directly; given and taken by assignment.

Source: developer.okta.com, Okta Management API, "User Role Assignments" and "Group Role Assignments": users with roles
are listed; groups with roles are not, but a group's statistics (`expand=stats`) say whether it has any.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from providers.okta.client import OktaClient, is_absent, refusal
from providers.okta.listing import Listing, attempt_each, conclude
from providers.okta.mapping import STANDARD_ROLES, Role, may_have_roles, to_role
from reconciler.errors import AnswerError, TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import LiveEntitlement, SnapshotBuilder, entitlements_of, grants_of

_KINDS = ("role", "custom-role")
_LIMITED_BY_APPS = "APP_ADMIN"
_ABSENT, _CONFLICT = 404, 409


class RoleReader:
    """Reads who holds admin roles.

    Args:
        client: speaks with Okta.
        kinds: the kinds of entitlement that are wanted.
    """

    def __init__(self, client: OktaClient, kinds: Sequence[str]) -> None:
        self._client = client
        self._kinds = [kind for kind in _KINDS if kind in kinds]

    async def add(
        self, builder: SnapshotBuilder, groups: Listing, strangers: Callable[[SnapshotBuilder, int, Listing], str]
    ) -> None:
        """Add roles, and the users and groups that hold them.

        Args:
            builder: has all users and groups already.
            groups: as they were listed.
            strangers: says what holders mean that are not among those.
        """
        if not self._kinds:
            return
        of_users, of_groups = await asyncio.gather(self._of_users(), self._of_groups(groups))
        failure = of_users.failure or of_groups.failure or groups.failure
        held = [*of_users.entries, *of_groups.entries]
        self._add_entitlements(builder, held)
        unknown = 0
        for one in held:
            number, role = builder.entitlement_number(one["role"].remote_id), one["role"]
            holder = _holder(builder, one["holder"])
            if role.kind in self._kinds and number is not None and holder is not None:
                builder.grant(holder, number)
            unknown += holder is None
        failure = failure or strangers(builder, unknown, groups)
        for kind in self._kinds:
            conclude(
                builder,
                grants_of(kind),
                failure,
                "all users with roles were listed, and each group that may have some was asked",
            )

    def _add_entitlements(self, builder: SnapshotBuilder, held: Sequence[dict[str, Any]]) -> None:
        roles = {one["role"].remote_id: one["role"].key for one in held}
        keys = {f"role:{name}": f"role:{name}" for name in STANDARD_ROLES} | roles
        for remote_id, key in keys.items():
            if key.partition(":")[0] in self._kinds:
                builder.entitlement(LiveEntitlement(remote_id, key))
        whys = {"role": "the standard roles of Okta's reference", "custom-role": "those that somebody holds"}
        for kind in self._kinds:
            builder.complete(entitlements_of(kind), whys[kind])

    async def _of_users(self) -> Listing:
        """Return the direct roles of all users that have any, as {holder, role}."""
        try:
            users = [{"id": one} for one in await self._client.list_assignees()]
        except TransportError as error:
            return Listing(failure=error.message)
        listings = await attempt_each(lambda user: self.of("users", user["id"]), users)
        return _join(users, listings)

    async def _of_groups(self, groups: Listing) -> Listing:
        """Return the roles of all groups, without asking those of which Okta's statistics say that they have none."""
        asked = [group for group in groups.entries if may_have_roles(group)]
        listings = await attempt_each(lambda group: self.of("groups", group["id"]), asked)
        return _join(asked, listings)

    async def of(self, holders: str, remote_id: str) -> list[dict[str, Any]]:
        """Read the direct roles of a user or a group as {holder, role}; of one that is gone, none.

        Args:
            holders: `users` or `groups`.
            remote_id: whose.

        Raises:
            TransportError: they could not be read.
        """
        try:
            found = await self._client.list_all(holders, remote_id, "roles", expand="targets/groups")
            limited = set[str]()
            if any(one.get("type") == _LIMITED_BY_APPS for one in found):
                again = await self._client.list_all(holders, remote_id, "roles", expand="targets/catalog/apps")
                limited = {str(one["id"]) for one in again if to_role(one, of_group=False).kind != "role"}
        except AnswerError as error:
            if error.status == _ABSENT:
                return []
            raise
        roles = [to_role(one, of_group=holders == "groups", limited=str(one["id"]) in limited) for one in found]
        return [{"holder": remote_id, "role": role} for role in roles if role.direct]


class RoleWriter:
    """Assigns standard roles, and takes them away.

    Args:
        client: speaks with Okta.
    """

    def __init__(self, client: OktaClient) -> None:
        self._client = client
        self._reader = RoleReader(client, _KINDS)

    async def perform(self, change: Change, what: str) -> Receipt:
        """Grant or revoke a role of a user, or of a group."""
        holders = "groups" if change.holder_entitlement_id else "users"
        holder = change.holder_entitlement_id or change.account_id
        if change.operation is Operation.REVOKE:
            return await self._revoke(change, holders, holder, what)
        return await self._grant(change, holders, holder, what)

    async def _grant(self, change: Change, holders: str, holder: str, what: str) -> Receipt:
        wanted = name_of(change.entitlement)
        try:
            answer = await self._client.send("POST", holders, holder, "roles", body={"type": wanted}, idempotent=False)
        except TransportError as error:
            return await self._look(change, holders, holder, error, what)
        if answer.status == _CONFLICT:
            return await self._judge_duplicate(change, holders, holder, refusal(answer, what))
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)

    async def _judge_duplicate(self, change: Change, holders: str, holder: str, words: str) -> Receipt:
        """Okta has such an assignment already (E0000090): success only if it is not limited to some groups or apps."""
        try:
            found = await self._find(holders, holder, change.entitlement)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{words}; {error.message}")
        if found:
            return Receipt(change, Outcome.DONE, "already assigned")
        return Receipt(change, Outcome.FAILED, f"{words}; it is limited to some groups or apps: lift that in Okta")

    async def _revoke(self, change: Change, holders: str, holder: str, what: str) -> Receipt:
        try:
            found = await self._find(holders, holder, change.entitlement)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if not found:
            return Receipt(change, Outcome.DONE, "was not assigned")
        try:
            answer = await self._client.send("DELETE", holders, holder, "roles", found[0].id)
        except TransportError as error:
            return await self._look(change, holders, holder, error, what)
        if not (answer.ok or is_absent(answer)):
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)

    async def _look(self, change: Change, holders: str, holder: str, error: TransportError, what: str) -> Receipt:
        """Find out what came of a request whose answer was lost."""
        words = f"{what}: {error.message}"
        if error.landed is False:
            return Receipt(change, Outcome.FAILED, words)
        try:
            found = await self._find(holders, holder, change.entitlement)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN, words)
        if bool(found) is (change.operation is Operation.GRANT):
            return Receipt(change, Outcome.DONE, "the answer was lost; it was done")
        return Receipt(change, Outcome.FAILED, f"{words}; it was not done")

    async def _find(self, holders: str, holder: str, key: str) -> list[Role]:
        return [one["role"] for one in await self._reader.of(holders, holder) if one["role"].key == key]


def _holder(builder: SnapshotBuilder, remote_id: str) -> int | None:
    account = builder.account_number(remote_id)
    if account is not None:
        return account
    group = builder.entitlement_number(remote_id)
    return None if group is None else -1 - group


def _join(parents: Sequence[dict[str, Any]], listings: Sequence[Listing]) -> Listing:
    """Join the lists of several holders: one that could not be read makes the whole incomplete."""
    assert len(parents) == len(listings)  # noqa: S101 - each parent was asked
    entries = [entry for listing in listings for entry in listing.entries]
    return Listing(entries, next((listing.failure for listing in listings if listing.failure), ""))
