"""Groups themselves: created or adopted, and renamed in place. Who is in them is in `memberships`."""

from providers.scim.client import ScimClient, refusal
from providers.scim.editing import Edit, Editor, Ending
from providers.scim.lookup import Lookup
from providers.scim.patch import DISPLAY_NAME
from providers.scim.paths import GROUP
from providers.scim.resources import Group, parse_group
from reconciler.errors import TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Outcome, Receipt


class GroupWriter:
    """Creates and renames groups.

    Args:
        client: speaks with the server.
        lookup: finds groups.
        editor: renames them.
    """

    def __init__(self, client: ScimClient, lookup: Lookup, editor: Editor) -> None:
        self._client = client
        self._lookup = lookup
        self._editor = editor

    async def create(self, change: Change) -> Receipt:
        """Create an empty group, or adopt the one that has its name; many servers would make a second one."""
        name = name_of(change.entitlement)
        try:
            there = await self._lookup.groups(name, exists=True)  # that a filter finds nothing proves nothing
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"create {name}: {error.message}")
        if there:
            return self._adopted(change, name, there, Outcome.FAILED, "it could not be created")
        return await self._post(change, name)

    async def _post(self, change: Change, name: str) -> Receipt:
        try:
            answer = await self._client.create("Groups", {"schemas": [GROUP], "displayName": name})
        except TransportError as error:
            if error.landed is False:
                return Receipt(change, Outcome.FAILED, f"create {name}: {error.message}")
            return await self._adopt(change, name, error.message, Outcome.UNKNOWN)
        if self._client.means(answer, "conflict"):
            return await self._adopt(change, name, refusal(answer, f"create {name}"), Outcome.FAILED)
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, f"create {name}"))
        remote_id = parse_group(answer.content).id
        if not remote_id:
            return await self._adopt(change, name, f"the app answered {answer.status} without an id", Outcome.DONE)
        return Receipt(change, Outcome.DONE, remote_id=remote_id)

    async def _adopt(self, change: Change, name: str, words: str, otherwise: Outcome) -> Receipt:
        try:
            found = await self._lookup.groups(name, exists=True)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        return self._adopted(change, name, found, otherwise, words)

    @staticmethod
    def _adopted(change: Change, name: str, found: list[Group], otherwise: Outcome, words: str) -> Receipt:
        if len(found) != 1:
            return Receipt(change, otherwise, f"{words}; {len(found)} groups are called {name}")
        return Receipt(change, Outcome.DONE, "it existed already: adopted", found[0].id)

    async def rename(self, change: Change) -> Receipt:
        """Give a group its new name, in place."""
        name = name_of(change.entitlement)
        edit = Edit("Groups", change.entitlement_id, {DISPLAY_NAME: name}, f"rename to {name}", version=change.version)
        edited = await self._editor.apply(edit)
        match edited.ending:
            case Ending.DONE:
                return Receipt(change, Outcome.DONE, edited.words, change.entitlement_id)
            case Ending.ABSENT:
                return Receipt(
                    change, Outcome.FAILED, f"rename to {name}: the app has no group {change.entitlement_id}"
                )
            case Ending.UNKNOWN:
                return Receipt(change, Outcome.UNKNOWN, edited.words, change.entitlement_id)
            case Ending.REFUSED:
                return Receipt(change, Outcome.FAILED, edited.words, change.entitlement_id)
