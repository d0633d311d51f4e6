"""Reading what is not in groups: admin roles, licences, and the apps that people let into their accounts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.google.client import DIRECTORY, LICENSES, segment
from providers.google.config import GoogleConfig
from providers.google.listing import Lister, Listing
from providers.google.mapping import scoped, unit_id
from reconciler.items import fold
from reconciler.provider.snapshot import ACCOUNTS, LiveEntitlement, SnapshotBuilder, entitlements_of, grants_of

MOST_ROLES, MOST_ASSIGNMENTS, MOST_LICENSES = 100, 200, 100
"""The largest pages that the reference allows."""

ROLE, LICENSE, OAUTH = "role", "license", "oauth"
_ROLES = f"{DIRECTORY}/customer/my_customer"
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Roles:
    """Admin roles as they were listed: the roles, who has them, and the organizational units in which."""

    roles: Listing
    assignments: Listing
    units: Listing

    @property
    def why(self) -> str:
        """What is missing, or empty."""
        return next((each.why for each in (self.roles, self.units) if not each.complete), "")


class AccessReader:
    """Reads admin roles, licences and OAuth grants.

    Args:
        lists: reads lists.
        config: what is wanted.
    """

    def __init__(self, lists: Lister, config: GoogleConfig) -> None:
        self._lists = lists
        self._config = config

    async def list_roles(self) -> Roles | None:
        """List the roles, their assignments and the organizational units; None where roles are not wanted."""
        if not self._config.roles:
            return None
        every = self._lists.every
        roles, assignments, units = await asyncio.gather(
            every(f"{_ROLES}/roles", "items", "roleId,roleName,isSuperAdminRole", {"maxResults": MOST_ROLES}),
            every(
                f"{_ROLES}/roleassignments",
                "items",
                "roleAssignmentId,roleId,assignedTo,scopeType,orgUnitId,condition",
                {"maxResults": MOST_ASSIGNMENTS},
            ),
            self.list_units(),
        )
        return Roles(roles, assignments, units)

    async def list_units(self) -> Listing:
        """List the organizational units; there are no pages."""
        path = f"{_ROLES}/orgunits"
        return await self._lists.single(path, "organizationUnits", "orgUnitId,orgUnitPath", {"type": "all"})

    def add_roles(self, builder: SnapshotBuilder, found: Roles | None) -> None:
        """Add the roles, for the whole account and for organizational units, and who has them."""
        if found is None:
            return
        paths = {unit_id(str(each["orgUnitId"])): str(each["orgUnitPath"]) for each in found.units.items}
        names = {str(each["roleId"]): str(each["roleName"]) for each in found.roles.items}
        used = {unit_id(str(each["orgUnitId"])) for each in found.assignments.items if each.get("orgUnitId")}
        wanted = {unit for unit, path in paths.items() if path in self._config.role_units}
        for role_id, name in names.items():
            builder.entitlement(LiveEntitlement(role_id, f"{ROLE}:{name}"))
            for unit in sorted(used | wanted):
                key = f"{ROLE}:{name}@{paths.get(unit, unit)}"
                builder.entitlement(LiveEntitlement(scoped(role_id, unit), key))
        missing = set(self._config.role_units) - set(paths.values()) if found.units.complete else set()
        builder.snapshot.notes.extend(f"there is no organizational unit {path}" for path in sorted(missing))
        conclude(builder, entitlements_of(ROLE), found.why, found.roles.why)
        self._add_assignments(builder, found)

    def _add_assignments(self, builder: SnapshotBuilder, found: Roles) -> None:
        others = conditional = 0
        for each in found.assignments.items:
            remote_id = scoped(str(each["roleId"]), unit_id(str(each.get("orgUnitId", ""))))
            number, holder = builder.entitlement_number(remote_id), _assignee(builder, str(each["assignedTo"]))
            if each.get("condition"):
                conditional += 1
            elif number is None or holder is None:
                others += 1
            else:
                builder.grant(holder, number)
        if others:
            builder.snapshot.notes.append(f"{others} admin roles are held by service accounts, or by nobody any more")
        if conditional:
            builder.snapshot.notes.append(f"{conditional} admin roles are held on a condition; they are left alone")
        accounts = builder.snapshot.collections[ACCOUNTS]
        why = "" if found.assignments.complete else found.assignments.why
        why = why or found.why or ("" if accounts.complete else accounts.why)
        conclude(builder, grants_of(ROLE), why, found.assignments.why)

    async def add_licenses(self, builder: SnapshotBuilder, users: Listing) -> None:
        """Add the licences of each product, and who has them; Google knows their holders by address only."""
        names = {sku: name for name, sku in self._config.licenses.items()}
        listings = await asyncio.gather(*(self.list_licenses(product, users) for product in self._config.products))
        held = [each for listing in listings for each in listing.items]
        for sku in dict.fromkeys([*names, *(sku_of(each) for each in held)]):
            builder.entitlement(LiveEntitlement(sku, f"{LICENSE}:{names.get(sku, sku)}"))
        ids = {fold(str(user["primaryEmail"])): str(user["id"]) for user in users.items}
        others = 0
        for each in held:
            holder = builder.account_number(ids.get(fold(str(each["userId"])), ""))
            number = builder.entitlement_number(sku_of(each))
            if holder is None or number is None:
                others += 1
            else:
                builder.grant(holder, number)
        if others:
            builder.snapshot.notes.append(f"{others} licences are held by addresses that are no user's")
        why = next((listing.why for listing in listings if not listing.complete), "")
        proof = f"the licences of {', '.join(self._config.products)}"
        conclude(builder, entitlements_of(LICENSE), why, proof)
        accounts = builder.snapshot.collections[ACCOUNTS]
        conclude(builder, grants_of(LICENSE), why or ("" if accounts.complete else accounts.why), proof)

    async def list_licenses(self, product: str, users: Listing) -> Listing:
        """List who has a licence of a product (licenseAssignments.listForProduct), for the customer of some users."""
        if not users.items:
            return Listing([], users.complete, users.why)
        path = f"{LICENSES}/product/{segment(product)}/users"
        params: dict[str, str | int] = {"customerId": str(users.items[0]["customerId"]), "maxResults": MOST_LICENSES}
        return await self._lists.every(path, "items", "productId,skuId,userId", params)

    async def add_oauth_grants(self, builder: SnapshotBuilder, users: Listing) -> None:
        """Add the apps that people let into their accounts: one request for each user, there is no other way."""
        listings = await asyncio.gather(*(self.list_tokens(str(user["id"])) for user in users.items))
        apps: dict[str, dict[str, Any]] = {}
        for token in (token for listing in listings for token in listing.items):
            seen = apps.setdefault(str(token["clientId"]), {"scopes": set(), "displayText": ""})
            seen["scopes"] |= set(token.get("scopes", ()))
            seen["displayText"] = max(seen["displayText"], str(token.get("displayText", "")))
        for client_id, seen in apps.items():
            attributes = {"displayText": seen["displayText"], "scopes": tuple(sorted(seen["scopes"]))}
            builder.entitlement(LiveEntitlement(client_id, f"{OAUTH}:{client_id}", attributes))
        for user, listing in zip(users.items, listings, strict=True):
            for token in listing.items:
                holder = builder.account_number(str(user["id"]))
                number = builder.entitlement_number(str(token["clientId"]))
                if holder is not None and number is not None:
                    builder.grant(holder, number)
        why = next((each.why for each in (users, *listings) if not each.complete and each.status != _NOT_FOUND), "")
        for collection in (entitlements_of(OAUTH), grants_of(OAUTH)):
            conclude(builder, collection, why, f"the apps of each of {len(listings)} users")

    async def list_tokens(self, user_id: str) -> Listing:
        """List the apps that one person let in (tokens.list); there are no pages."""
        path = f"{DIRECTORY}/users/{segment(user_id)}/tokens"
        return await self._lists.single(path, "items", "clientId,displayText,scopes", {})


def sku_of(license_: Mapping[str, Any]) -> str:
    """Return the remote id of a licence: `PRODUCT/SKU`."""
    return f"{license_['productId']}/{license_['skuId']}"


def _assignee(builder: SnapshotBuilder, remote_id: str) -> int | None:
    """Return the number of whoever has a role: a user's, or `-1 -` a group's."""
    account = builder.account_number(remote_id)
    entitlement = builder.entitlement_number(remote_id)
    return account if account is not None else None if entitlement is None else -1 - entitlement


def conclude(builder: SnapshotBuilder, collection: str, why_not: str, proof: str) -> None:
    """Say that a collection is whole, or why not."""
    if why_not:
        builder.incomplete(collection, why_not)
    else:
        builder.complete(collection, proof)
