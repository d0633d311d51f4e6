"""Changes of channels: made, renamed, people invited and removed.

Whoever invites, removes or renames must be in the channel: the tool's user joins a public one where Slack says that it
is not (https://docs.slack.dev/reference/methods/conversations.invite); a private one it must have been invited to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.slack.client import RefusedError, SlackClient
from providers.slack.mapping import CHANNEL
from reconciler.errors import TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt

Ending = tuple[Outcome, str]

_MOST_INVITED = 100
_LOST = "the answer was lost; it was done"
_SO_ALREADY = "it was so already"
_NOT_THERE = {"user_not_found": "not found", "user_not_in_channel": "was no member"}
_SELF = "cant_invite_self"
_OUTSIDE = frozenset({"not_in_channel", "not_authorized"})
_ABOUT_ALL = frozenset({"not_in_channel", "channel_not_found", "is_archived", "missing_scope", "restricted_action"})


class ChannelWriter:
    """Performs the changes of channels.

    Args:
        client: speaks with the workspace.
    """

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    async def create(self, change: Change) -> Receipt:
        """Make a public channel; one of the same name is taken as it is, if it is public and in use."""
        name = name_of(change.entitlement)
        try:
            made = await self._client.call("conversations.create", self._client.in_team(name=name, is_private=False))
        except TransportError as error:
            words, lost = f"create {name}: {error.message}", error.landed is None
            if lost or (isinstance(error, RefusedError) and error.code == "name_taken"):
                return await self._adopt(change, name, words, lost=lost)
            return Receipt(change, Outcome.FAILED, words)
        number = str((made.get("channel") or {}).get("id") or "")
        if not number:
            return await self._adopt(change, name, f"create {name}: Slack told no id", lost=True)
        return Receipt(change, Outcome.DONE, remote_id=number)

    async def rename(self, change: Change) -> Receipt:
        """Give a channel another name."""
        name, channel = name_of(change.entitlement), change.entitlement_id
        asked = {"channel": channel, "name": name}
        try:
            await self._inside("conversations.rename", asked, joins=change.kind == CHANNEL)
        except TransportError as error:
            words = f"rename to {name}: {error.message}"
            if error.landed is None and await self._is_called(change.kind, channel, name):
                return Receipt(change, Outcome.DONE, _LOST, channel)
            return Receipt(change, _undecided(error), words, channel)
        return Receipt(change, Outcome.DONE, remote_id=channel)

    async def perform(self, changes: Sequence[Change]) -> list[Receipt]:
        """Invite people to one channel, or remove them; all changes are of the same operation. A receipt each."""
        first = changes[0]
        channel, joins = first.entitlement_id, first.kind == CHANNEL
        users = list(dict.fromkeys(change.account_id for change in changes if change.account_id))
        endings: dict[str, Ending] = {}
        if channel and users and first.operation is Operation.GRANT:
            for start in range(0, len(users), _MOST_INVITED):
                endings |= await self._invite(channel, users[start : start + _MOST_INVITED], joins=joins)
        elif channel:
            for user in users:
                endings[user] = await self._kick(channel, user)
        return [_receipt(change, endings) for change in changes]

    async def _invite(self, channel: str, users: Sequence[str], *, joins: bool) -> dict[str, Ending]:
        """Invite people; those whom Slack refuses one by one stop none of the others."""
        endings: dict[str, Ending] = {}
        left = list(users)
        while left:
            asked = {"channel": channel, "users": ",".join(left)} | ({"force": True} if len(left) > 1 else {})
            try:
                answer = await self._inside("conversations.invite", asked, joins=joins)
                told = {str(each.get("user")): str(each.get("error")) for each in answer.get("errors") or ()}
                ended = {user: _invited(told.get(user, "")) for user in left}
            except RefusedError as error:
                ended = _refused(error, left)
                if error.landed is None:
                    return endings | await self._look_after(channel, left, error, wanted=True)
            except TransportError as error:
                return endings | await self._look_after(channel, left, error, wanted=True)
            endings |= ended
            left = [user for user in left if user not in ended]
        own = [user for user, (_, words) in endings.items() if words.endswith(_SELF)]
        if own and joins:
            endings[own[0]] = await self._join(channel)
        return endings

    async def _join(self, channel: str) -> Ending:
        """Let the tool's own user in, whom Slack lets nobody invite; who is in already stays."""
        try:
            await self._client.call("conversations.join", {"channel": channel})
        except TransportError as error:
            return _undecided(error), error.message
        return Outcome.DONE, ""

    async def _kick(self, channel: str, user: str) -> Ending:
        """Remove somebody; "not in the channel" may be said of the tool's user, or of whom it removes."""
        asked = {"channel": channel, "user": user}
        try:
            await self._client.call("conversations.kick", asked)
        except RefusedError as error:
            if error.code in _NOT_THERE:
                return Outcome.DONE, _NOT_THERE[error.code]
            if error.code != "not_in_channel":
                return (await self._look_after(channel, [user], error, wanted=False))[user]
            return await self._kick_from_inside(channel, user)
        except TransportError as error:
            return (await self._look_after(channel, [user], error, wanted=False))[user]
        return Outcome.DONE, ""

    async def _kick_from_inside(self, channel: str, user: str) -> Ending:
        try:
            if user not in await self._members(channel):
                return Outcome.DONE, "was no member"
            await self._client.call("conversations.join", {"channel": channel})
            await self._client.call("conversations.kick", {"channel": channel, "user": user})
        except TransportError as other:
            return (await self._look_after(channel, [user], other, wanted=False))[user]
        return Outcome.DONE, ""

    async def _inside(self, method: str, asked: Mapping[str, str | bool], *, joins: bool) -> dict[str, Any]:
        """Call a method that only members may call; join a public channel for it where that is what is missing."""
        try:
            return await self._client.call(method, asked)
        except RefusedError as error:
            if not joins or error.code not in _OUTSIDE:
                raise
        await self._client.call("conversations.join", {"channel": asked["channel"]})
        return await self._client.call(method, asked)

    async def _look_after(
        self, channel: str, users: Sequence[str], error: TransportError, *, wanted: bool
    ) -> dict[str, Ending]:
        """Find out what is true after a lost answer; a refusal is one, without looking."""
        otherwise = (_undecided(error), error.message)
        if error.landed is not None:
            return dict.fromkeys(users, otherwise)
        try:
            now = await self._members(channel)
        except TransportError as other:
            return dict.fromkeys(users, (otherwise[0], f"{error.message}; {other.message}"))
        return {user: (Outcome.DONE, _LOST) if (user in now) is wanted else otherwise for user in users}

    async def _members(self, channel: str) -> set[str]:
        return set(map(str, await self._client.every("conversations.members", "members", {"channel": channel})))

    async def _find(self, kind: str, name: str) -> str:
        """Return the id of the channel in use of a name, or empty."""
        asked = self._client.in_team(types="public_channel" if kind == CHANNEL else "private_channel")
        found = await self._client.every("conversations.list", "channels", {**asked, "exclude_archived": True})
        return next((str(each["id"]) for each in found if each.get("name") == name), "")

    async def _is_called(self, kind: str, channel: str, name: str) -> bool:
        try:
            return await self._find(kind, name) == channel
        except TransportError:
            return False

    async def _adopt(self, change: Change, name: str, words: str, *, lost: bool) -> Receipt:
        otherwise = Outcome.UNKNOWN if lost else Outcome.FAILED
        try:
            found = await self._find(change.kind, name)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        if not found:
            return Receipt(change, otherwise, f"{words}; no public channel in use is called {name}")
        return Receipt(change, Outcome.DONE, _LOST if lost else "it existed already: adopted", found)


def _invited(error: str) -> Ending:
    """Return how one invitation ended, by what Slack says of that user."""
    if not error:
        return Outcome.DONE, ""
    if error == "already_in_channel":
        return Outcome.DONE, _SO_ALREADY
    return Outcome.FAILED, f"conversations.invite was refused: {error}"


def _refused(error: RefusedError, users: Sequence[str]) -> dict[str, Ending]:
    """Return how a refused request ended, for those of whom it says so: whoever is not named is asked for again."""
    named = {user: _invited(error.errors[user]) for user in users if user in error.errors}
    if named and error.code not in _ABOUT_ALL:
        return named
    if error.code == "already_in_channel" and len(users) == 1:
        return {users[0]: (Outcome.DONE, _SO_ALREADY)}
    return dict.fromkeys(users, (Outcome.FAILED, error.message))


def _receipt(change: Change, endings: dict[str, Ending]) -> Receipt:
    what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
    if change.holder_entitlement_id:
        return Receipt(change, Outcome.FAILED, f"{what}: a channel holds people only")
    outcome, words = endings.get(change.account_id, (Outcome.FAILED, "there is no such account or channel yet"))
    return Receipt(change, outcome, words if outcome is Outcome.DONE else f"{what}: {words}")


def _undecided(error: TransportError) -> Outcome:
    return Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
