"""Changes of user groups: made, renamed, filled and emptied; a change of members replaces the whole list.

So the list is read right before it is replaced, one change of a group at a time, and what Slack answers is compared
with what was sent. Slack knows no condition ("only if nobody wrote meanwhile"): what somebody else writes between the
two requests is lost, which is why both stand next to each other and changes of one group go together.

A user group cannot be empty (https://docs.slack.dev/reference/methods/usergroups.users.update): the last member goes by
disabling it, which keeps its list. A disabled group gets its new list first, without those who were on it, and is
enabled after: nobody gets back in by the way.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.slack.client import Argument, RefusedError, SlackClient, listed
from providers.slack.mapping import USERGROUP, handle_of, is_disabled
from reconciler.errors import TransportError
from reconciler.items import fold, name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt

_LOST = "the answer was lost; it was done"
_SO_ALREADY = "it was so already"
_TRIES = 3
_ABOUT_HANDLES = frozenset({"handle_already_exists", "bad_handle", "forbidden_handle"})
_ABOUT_PEOPLE = frozenset(
    {"invalid_users", "invalid_user", "failed_for_some_users", "single_channel_guests_cannot_be_added"}
)

Ending = tuple[Outcome, str]


class UserGroupWriter:
    """Performs the changes of user groups.

    Args:
        client: speaks with the workspace.
    """

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def create(self, change: Change) -> Receipt:
        """Make a user group without members; one of the same name is taken as it is."""
        name = name_of(change.entitlement)
        try:
            made = await self._make(name)
        except TransportError as error:
            words = f"create {name}: {error.message}"
            if error.landed is None or _is(error, "name_already_exists"):
                return await self._adopt(change, name, words, lost=error.landed is None)
            return Receipt(change, Outcome.FAILED, words)
        number = str((made.get("usergroup") or {}).get("id") or "")
        if not number:
            return await self._adopt(change, name, f"create {name}: Slack told no id", lost=True)
        return Receipt(change, Outcome.DONE, remote_id=number)

    async def _make(self, name: str) -> dict[str, Any]:
        """Make a user group with its name as its handle, or with Slack's choice where a channel has that."""
        try:
            return await self._client.call("usergroups.create", self._named(name, handle=handle_of(name)))
        except RefusedError as error:
            if error.code not in _ABOUT_HANDLES:
                raise
        return await self._client.call("usergroups.create", self._named(name))

    async def rename(self, change: Change) -> Receipt:
        """Give a user group another name; its handle stays, so that mentions of it go on."""
        name, group = name_of(change.entitlement), change.entitlement_id
        try:
            await self._client.call("usergroups.update", self._named(name, usergroup=group))
        except TransportError as error:
            words = f"rename to {name}: {error.message}"
            found = await self._look(group) if error.landed is None else None
            if isinstance(found, Mapping) and found.get("name") == name:
                return Receipt(change, Outcome.DONE, _LOST, group)
            return Receipt(change, _undecided(error), words, group)
        return Receipt(change, Outcome.DONE, remote_id=group)

    async def perform(self, changes: Sequence[Change]) -> list[Receipt]:
        """Add or remove members of one group; all changes are of the same operation. A receipt each."""
        first = changes[0]
        adds, group = first.operation is Operation.GRANT, first.entitlement_id
        users = list(dict.fromkeys(change.account_id for change in changes if change.account_id))
        endings: dict[str, Ending] = {}
        if group and users:
            async with self._turns[group]:
                endings = await self._change(group, users, adds=adds)
        return [_receipt(change, endings) for change in changes]

    async def _change(self, group: str, users: Sequence[str], *, adds: bool) -> dict[str, Ending]:
        """Read, replace, compare; once more where an answer was lost or somebody else wrote at the same time."""
        lost: TransportError | None = None
        for _ in range(_TRIES):
            try:
                ending = await self._try(group, users, adds=adds)
            except TransportError as error:
                if adds and len(users) > 1 and isinstance(error, RefusedError) and error.code in _ABOUT_PEOPLE:
                    return await self._one_by_one(group, users)
                if error.landed is not None:
                    outcome = Outcome.UNKNOWN if lost else Outcome.FAILED
                    return dict.fromkeys(users, (outcome, (lost or error).message))
                lost = error
                continue
            if ending:
                told = (ending[0], _LOST) if lost and ending[1] == _SO_ALREADY else ending
                return dict.fromkeys(users, told)
        if lost:
            return dict.fromkeys(users, (Outcome.UNKNOWN, lost.message))
        return dict.fromkeys(users, (Outcome.FAILED, "somebody else keeps changing the user group"))

    async def _try(self, group: str, users: Sequence[str], *, adds: bool) -> Ending | None:
        """Read the list and replace it; None where Slack has another list afterwards.

        Raises:
            TransportError: Slack refused, or did not answer.
        """
        found = await self._find(group)
        if found is None:
            gone = (Outcome.FAILED, "there is no such user group any more")
            return gone if adds else (Outcome.DONE, "not found")
        disabled, now = is_disabled(found), _members(found)
        wanted = _with(now if not disabled else (), users) if adds else _without(now, users)
        if disabled and not adds:
            return Outcome.DONE, "the user group is disabled"
        if not disabled and set(wanted) == set(now):
            return Outcome.DONE, _SO_ALREADY
        return (Outcome.DONE, "") if await self._replace(found, wanted, now) else None

    async def _one_by_one(self, group: str, users: Sequence[str]) -> dict[str, Ending]:
        """Add members singly: Slack refuses the whole list for one guest, and says not for whom."""
        endings: dict[str, Ending] = {}
        for user in users:
            endings |= await self._change(group, [user], adds=True)
        return endings

    async def _replace(self, group: Mapping[str, Any], wanted: Sequence[str], now: Sequence[str]) -> bool:
        """Send a new list, and say whether it is what Slack has now; an empty one disables the group."""
        number = str(group["id"])
        if not wanted:
            await self._client.call("usergroups.disable", self._client.in_team(usergroup=number))
            return True
        asked = self._client.in_team(usergroup=number, users=list(wanted))
        answer = await self._client.call("usergroups.users.update", asked)
        if is_disabled(group):
            answer = await self._client.call("usergroups.enable", self._client.in_team(usergroup=number))
        after = (answer.get("usergroup") or {}).get("users")
        if after is None:
            found = await self._find(number)
            after = _members(found) if found else ()
        added, removed = set(wanted) - set(() if is_disabled(group) else now), set(now) - set(wanted)
        return added <= set(after) and not removed & set(after)

    async def _find(self, group: str) -> Mapping[str, Any] | None:
        """Return a user group as it is now, or None.

        Raises:
            TransportError: the user groups cannot be listed.
        """
        return next((each for each in await self._every() if each.get("id") == group), None)

    async def _look(self, group: str) -> Mapping[str, Any] | None:
        try:
            return await self._find(group)
        except TransportError:
            return None

    async def _every(self) -> list[Any]:
        asked = self._client.in_team(include_users=True, include_disabled=True)
        return listed("usergroups.list", await self._client.call("usergroups.list", asked), "usergroups")

    async def _adopt(self, change: Change, name: str, words: str, *, lost: bool) -> Receipt:
        otherwise = Outcome.UNKNOWN if lost else Outcome.FAILED
        try:
            found = [each for each in await self._every() if fold(str(each.get("name") or "")) == fold(name)]
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        if len(found) != 1:
            return Receipt(change, otherwise, f"{words}; there is no user group {name}")
        return Receipt(change, Outcome.DONE, _LOST if lost else "it existed already: adopted", str(found[0]["id"]))

    def _named(self, name: str, **more: str) -> dict[str, Argument]:
        return self._client.in_team(name=name, **{key: value for key, value in more.items() if value})


def _members(group: Mapping[str, Any]) -> list[str]:
    """Return the members of a user group.

    Raises:
        TransportError: Slack did not tell them, and replacing the list would remove them all.
    """
    users = group.get("users")
    if not isinstance(users, list):
        raise TransportError(f"usergroups.list answered without the users of {group.get('id')}", landed=False)
    return [str(each) for each in users]


def _with(now: Iterable[str], users: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*now, *users]))


def _without(now: Iterable[str], users: Sequence[str]) -> list[str]:
    return [each for each in dict.fromkeys(now) if each not in users]


def _receipt(change: Change, endings: Mapping[str, Ending]) -> Receipt:
    what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
    if change.holder_entitlement_id:
        return Receipt(change, Outcome.FAILED, f"{what}: a {USERGROUP} holds people only")
    outcome, words = endings.get(change.account_id, (Outcome.FAILED, "there is no such account or user group yet"))
    return Receipt(change, outcome, words if outcome is Outcome.DONE else f"{what}: {words}")


def _is(error: TransportError, code: str) -> bool:
    return isinstance(error, RefusedError) and error.code == code


def _undecided(error: TransportError) -> Outcome:
    return Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
