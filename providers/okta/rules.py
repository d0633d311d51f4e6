"""Group rules: which groups Okta itself fills.

Sources: developer.okta.com, Okta Management API, "Group Rules"; support.okta.com, "How to Remove a User from a Group
Rule Exclusion List": whoever is taken out of a group that a rule put them into becomes an exception of that rule for
good, and a rule has at most 100 of them.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from providers.okta.client import OktaClient
from reconciler.errors import TransportError

PAGE = 200


class Rules:
    """The active rules of an organization, asked for once.

    Args:
        client: speaks with it.
    """

    def __init__(self, client: OktaClient) -> None:
        self._client = client
        self._turn = asyncio.Lock()
        self._filled: dict[str, str] | None = None

    async def filling(self, group: str) -> str:
        """Return the name of a rule that fills a group, or empty: also where the rules may not be seen."""
        async with self._turn:
            if self._filled is None:
                try:
                    self._filled = filled_groups(await self._client.list_all("groups", "rules", limit=PAGE))
                except TransportError:  # taking access away must not depend on it
                    return ""
        return self._filled.get(group, "")


def filled_groups(rules: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ids of the groups that active rules fill, each with a rule's name."""
    return {
        str(group): str(rule.get("name"))
        for rule in rules
        if rule.get("status") == "ACTIVE"
        for group in ((rule.get("actions") or {}).get("assignUserToGroups") or {}).get("groupIds") or ()
    }
