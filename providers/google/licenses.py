"""Changes of who has which licence.

The reference: https://developers.google.com/workspace/admin/licensing/reference/rest/v1/licenseAssignments.
Licences hang on a user's current address, never on the id; it is looked up by id right before each request.
"""

from typing import Any

from providers.google.client import DIRECTORY, LICENSES, GoogleClient, is_gone, is_taken, is_there, segment
from providers.google.config import GoogleConfig
from providers.google.receipts import done, gone, refused
from reconciler.errors import AnswerError
from reconciler.items import fold
from reconciler.provider.change import Change, Receipt

_MOST = 100


class LicenseWriter:
    """Performs grants and revokes of licences.

    Args:
        client: speaks with Google.
        config: the licences that have names.
    """

    def __init__(self, client: GoogleClient, config: GoogleConfig) -> None:
        self._client = client
        self._config = config

    async def grant(self, change: Change) -> Receipt:
        """Assign a licence; another one of the same product is exchanged for it, without a moment of having none."""
        user = await self._user(change)
        if user is None:
            return gone(change, change.username)
        address = str(user["primaryEmail"])
        product, sku = change.entitlement_id.split("/", 1)
        path = f"{LICENSES}/product/{segment(product)}/sku/{segment(sku)}/user"
        answer = await self._client.send("POST", path, body={"userId": address}, idempotent=True)
        if answer.ok:
            return done(change)
        if is_there(answer) or is_taken(answer):
            if await self._client.get(f"{path}/{segment(address)}", "skuId") is not None:
                return done(change, "held already")
            for other in await self._held(product, address, str(user["customerId"])):
                return await self._exchange(change, other, address)
        return refused(change, answer)

    async def _exchange(self, change: Change, old: str, address: str) -> Receipt:
        """Reassign a user from one licence of a product to another (licenseAssignments.patch)."""
        product, sku = change.entitlement_id.split("/", 1)
        path = f"{LICENSES}/product/{segment(product)}/sku/{segment(old)}/user/{segment(address)}"
        body = {"productId": product, "skuId": sku, "userId": address}
        answer = await self._client.send("PATCH", path, body=body, idempotent=True)
        return done(change, f"exchanged for {old}") if answer.ok else refused(change, answer)

    async def revoke(self, change: Change) -> Receipt:
        """Take a licence away."""
        user = await self._user(change)
        if user is None:
            return done(change, "not found")
        product, sku = change.entitlement_id.split("/", 1)
        return await self._delete(change, product, sku, str(user["primaryEmail"])) or done(change)

    async def revoke_all(self, change: Change) -> Receipt:
        """Take every licence of the named products away from somebody who leaves."""
        user = await self._user(change)
        if user is None:
            return done(change, "not found")
        address, taken = str(user["primaryEmail"]), 0
        for product in self._config.products:
            for sku in await self._held(product, address, str(user["customerId"])):
                stopped = await self._delete(change, product, sku, address)
                if stopped:
                    return stopped
                taken += 1
        return done(change, f"{taken} removed")

    async def _delete(self, change: Change, product: str, sku: str, address: str) -> Receipt | None:
        """Delete one assignment; return a receipt only where that was refused."""
        path = f"{LICENSES}/product/{segment(product)}/sku/{segment(sku)}/user/{segment(address)}"
        answer = await self._client.send("DELETE", path)
        return None if answer.ok or is_gone(answer) else refused(change, answer)

    async def _user(self, change: Change) -> dict[str, Any] | None:
        found = await self._client.get(f"{DIRECTORY}/users/{segment(change.account_id)}", "primaryEmail,customerId")
        return dict(found) if found else None

    async def _held(self, product: str, address: str, customer: str) -> list[str]:
        """Return the licences of a product that an address has, those that have no name in the YAML among them.

        Raises:
            AnswerError: they cannot be listed.
        """
        path = f"{LICENSES}/product/{segment(product)}/users"
        params: dict[str, str | int] = {"customerId": customer, "maxResults": _MOST}
        listing = await self._client.lists.every(path, "items", "skuId,userId", params)
        if not listing.complete:
            raise AnswerError(f"the licences of {product}: {listing.why}", status=listing.status)
        return [str(each["skuId"]) for each in listing.items if fold(str(each["userId"])) == fold(address)]
