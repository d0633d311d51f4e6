"""Changes of accounts where there is a Jira site and no organization: invited to the site, or removed from it."""

from typing import Any

from providers.atlassian.client import Client
from providers.atlassian.config import AtlassianConfig
from providers.atlassian.mapping import from_site
from providers.atlassian.settling import GONE, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount

_USER = "rest/api/3/user"


class SiteAccountWriter:
    """Performs what a site can do with accounts.

    Args:
        config: what a new account starts with.
        site: speaks with the site.
    """

    def __init__(self, config: AtlassianConfig, site: Client) -> None:
        self._products = config.products
        self._site = site

    async def perform(self, change: Change) -> Receipt:
        """Invite or remove."""
        try:
            if change.operation is Operation.CREATE_ACCOUNT:
                return await self._create(change)
        except TransportError as error:  # of looking before anything was written
            return Receipt(change, Outcome.FAILED, f"invite {change.holder}: {error.message}")

        async def is_true() -> bool:
            return not await self._get(change.account_id)

        what = f"{change.operation} {change.username or change.holder}"
        return await settle(change, what, lambda: self._site.delete(_USER, accountId=change.account_id), is_true)

    async def describe(self, account: str) -> LiveAccount | None:
        """Read one account; None where there is none on the site.

        Raises:
            TransportError: it could not be read.
        """
        found = await self._get(account)
        user = from_site(found) if found else None
        return user.account if user and user.person else None

    async def _get(self, account: str) -> dict[str, Any]:
        try:
            return await self._site.get(_USER, accountId=account)
        except AnswerError as error:
            if error.status == GONE:
                return {}
            raise

    async def _create(self, change: Change) -> Receipt:
        """Invite an address, unless an account here shows it.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/ (Create user): a second
        time it answers with the account that there is.
        """
        email = str(change.after.get("email") or "")
        what = f"invite {email or change.holder}"
        if not email:
            return Receipt(change, Outcome.FAILED, f"{what}: Atlassian invites by address, and there is none")
        found = await self._find(email)
        if found is not None and found.status is AccountStatus.SUSPENDED:
            words = f"{what}: the account exists and is not active ({found.remote_id})"
            return Receipt(change, Outcome.FAILED, words)
        if found is not None:
            return Receipt(change, Outcome.DONE, "it existed already: adopted", found.remote_id)
        try:
            made = await self._site.post(_USER, {"emailAddress": email, "products": list(self._products)})
        except TransportError as error:
            words = f"{what}: {error.message}"
            if error.landed is False or isinstance(error, AnswerError):
                return Receipt(change, Outcome.FAILED, words)
            found = await self._look(email)
            done = Receipt(change, Outcome.DONE, LOST, found.remote_id) if found else None
            return done or Receipt(change, Outcome.UNKNOWN, words)
        return Receipt(change, Outcome.DONE, remote_id=str(made.get("accountId") or ""))

    async def _look(self, email: str) -> LiveAccount | None:
        try:
            return await self._find(email)
        except TransportError:
            return None

    async def _find(self, email: str) -> LiveAccount | None:
        """Return the account that shows an address; one that hides it is not found, and never guessed."""
        listed = await self._site.listed("rest/api/3/user/search", query=email)
        return next(
            (from_site(each).account for each in listed if fold(str(each.get("emailAddress"))) == fold(email)), None
        )
