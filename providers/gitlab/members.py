"""Who is a direct member of a group or a project, and as what: users, and addresses that are only invited.

Sources: https://docs.gitlab.com/api/group_members/, https://docs.gitlab.com/api/project_members/,
https://docs.gitlab.com/api/invitations/
"""

from typing import Any

from providers.gitlab.client import REMOVING, GitLabClient
from providers.gitlab.config import GitLabConfig
from providers.gitlab.mapping import GROUP, INVITATION, LEVELS, number_in, number_of
from providers.gitlab.reading import is_synced
from providers.gitlab.receipts import ALREADY, CONFLICT, done, failed, look_after, settle
from reconciler.items import name_of
from reconciler.provider.answer import Answer, shorten
from reconciler.provider.change import Change, Operation, Receipt

_NOT_THERE = "there is no such group or project any more, or the token may not see it"
_SYNCED = "its members come from LDAP or SAML: change them there"
_MINIMAL = "the role `minimal` exists only in a top-level group"


class MemberWriter:
    """Changes direct memberships; inherited ones are never touched.

    Args:
        client: asks.
        config: says what is the top-level group, and as what people join it.
    """

    def __init__(self, client: GitLabClient, config: GitLabConfig) -> None:
        self._client = client
        self._config = config
        self._synced: dict[str, bool | None] = {}

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a membership.

        Raises:
            TransportError: GitLab refused, or did not answer.
        """
        revoke = change.operation is Operation.REVOKE
        level = number_of(change.after.get("level") or "")
        words = _why_never(change, level) or (await self._why_not(change, level) if change.kind == GROUP else "")
        if words:
            return done(change, words) if revoke and words == _NOT_THERE else failed(change, words)
        if change.account_id.startswith(INVITATION):
            return await self._invited(change, level)
        if revoke:
            return await self._take_out(change)
        return await self._put_in(change, level or 0)

    def path(self, change: Change, *more: str | int) -> str:
        """Return a path below the group or project, by its number: a path that was given anew is another's."""
        return self._client.path(f"{change.kind}s", number_in(change.entitlement_id), *more)

    async def _why_not(self, change: Change, level: int | None) -> str:
        """Say why nobody's membership of a group is changed here, or nothing."""
        synced = await self._is_synced(change)
        if synced is not False:
            return _NOT_THERE if synced is None else _SYNCED
        if self._is_root(change) and level == LEVELS[self._config.joins_as]:
            return f"everybody with an account is {self._config.joins_as} there: declare the account without this grant"
        return ""

    async def _is_synced(self, change: Change) -> bool | None:
        """Say whether a group's members come from elsewhere; None where there is no such group. Asked once a group."""
        if self._synced.get(change.entitlement_id) is None:
            group = await self._client.find(self.path(change), with_projects="false")
            self._synced[change.entitlement_id] = None if group is None else is_synced(group)
        return self._synced[change.entitlement_id]

    def _is_root(self, change: Change) -> bool:
        return change.kind == GROUP and name_of(change.entitlement) == self._config.group

    async def member(self, change: Change) -> dict[str, Any] | None:
        """Return a direct membership as it is now, None where there is none.

        Raises:
            TransportError: it cannot be told.
        """
        return await self._client.find(self.path(change, "members", change.account_id))

    async def _put_in(self, change: Change, level: int) -> Receipt:
        """Make somebody a member, or change their level in place."""
        live = await self.member(change)
        if live is None and change.operation is Operation.SET_LEVEL:
            return failed(change, "no direct member any more: whoever took the membership away meant it")

        async def send() -> Receipt:
            if live is not None:
                return await self._set(change, live, level)
            body = {"user_id": int(change.account_id), "access_level": level}
            answer = await self._client.write("POST", self.path(change, "members"), body)
            if answer.status == CONFLICT and (there := await self.member(change)):
                return await self._set(change, there, level)
            return settle(change, answer)

        return await look_after(change, send, lambda: self._holds(change, level))

    async def _set(self, change: Change, live: dict[str, Any], level: int) -> Receipt:
        """Set a level. What is not sent again may be lost: the day on which the membership ends goes with it."""
        if live.get("access_level") == level:
            return done(change, ALREADY)
        if "override" in live and not live["override"]:
            return failed(change, _SYNCED)
        body: dict[str, Any] = {"access_level": level}
        if live.get("expires_at"):
            body["expires_at"] = live["expires_at"]
        answer = await self._client.write("PUT", self.path(change, "members", change.account_id), body)
        role = (live.get("member_role") or {}).get("name")
        return settle(change, answer, f"the custom role {role} ends with it" if role else "")

    async def _take_out(self, change: Change) -> Receipt:
        """Take somebody out of this group or project alone.

        Without `skip_subresources` GitLab would also take away what they hold below a group.
        """
        if self._is_root(change):
            live = await self.member(change)
            return done(change, "it is gone already") if live is None else await self._set_back(change, live)
        path = f"{self.path(change, 'members', change.account_id)}?skip_subresources=true"

        async def send() -> Receipt:
            return settle(change, await self._client.write("DELETE", path, rate=REMOVING.name), gone=True)

        return await look_after(change, send, lambda: self._holds(change, None))

    async def _set_back(self, change: Change, live: dict[str, Any]) -> Receipt:
        """Leave somebody in the top-level group, as what everybody is there."""
        base = LEVELS[self._config.joins_as]

        async def send() -> Receipt:
            return await self._set(change, live, base)

        return await look_after(change, send, lambda: self._holds(change, base))

    async def _holds(self, change: Change, level: int | None) -> bool:
        live = await self.member(change)
        return (live or {}).get("access_level") == level

    async def _invited(self, change: Change, level: int | None) -> Receipt:
        """Change what an address is invited to."""
        email = change.account_id.removeprefix(INVITATION)
        revoke = change.operation is Operation.REVOKE
        if self._is_root(change) and revoke:
            level, revoke = LEVELS[self._config.joins_as], False
        listed = await self._client.pages(self.path(change, "invitations"), query=email)
        live = next((one for one in listed if str(one.get("invite_email")).lower() == email), None)

        async def send() -> Receipt:
            return await self._invite(change, email, live, None if revoke else level)

        async def is_true() -> bool:
            now = await self._client.pages(self.path(change, "invitations"), query=email)
            return (now[0]["access_level"] if now else None) == (None if revoke else level)

        return await look_after(change, send, is_true)

    async def _invite(self, change: Change, email: str, live: dict[str, Any] | None, level: int | None) -> Receipt:
        """Invite an address, change its invitation, or (without a level) cancel it."""
        path = self.path(change, "invitations")
        one = self._client.path(f"{change.kind}s", number_in(change.entitlement_id), "invitations", email)
        if level is None:
            if live is None:
                return done(change, "it is gone already")
            return settle(change, await self._client.write("DELETE", one), gone=True)
        if live is None:
            body = {"email": email, "access_level": level}
            return invited(change, await self._client.write("POST", path, body))
        if live["access_level"] == level:
            return done(change, ALREADY)
        body = {"access_level": level} | ({"expires_at": live["expires_at"]} if live.get("expires_at") else {})
        return settle(change, await self._client.write("PUT", one, body))


def _why_never(change: Change, level: int | None) -> str:
    """Say why a membership cannot be, or nothing."""
    if change.holder_entitlement_id:
        return f"only people are made members here, not {change.holder}"
    if not (change.account_id and change.entitlement_id):
        return "there is no such account, group or project yet"
    if level is None and change.operation is not Operation.REVOKE:
        return f"give a level: {', '.join(LEVELS)}"
    return _MINIMAL if level == LEVELS["minimal"] and "/" in name_of(change.entitlement) else ""


def invited(change: Change, answer: Answer) -> Receipt:
    """Return how an invitation ended: GitLab answers 201 to one that it did not send, too, and says why in it.

    Raises:
        AnswerError: GitLab refused, in its own words.
    """
    receipt = settle(change, answer)
    document = answer.json()
    if not isinstance(document, dict) or document.get("status") != "error":
        return receipt
    told = document.get("message")
    words = "; ".join(str(each) for each in told.values()) if isinstance(told, dict) else str(told)
    return failed(change, shorten(answer.redactor.clean(words)))
