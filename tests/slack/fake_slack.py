"""A stateful workspace: people, user groups and channels, with Slack's pages, words of refusal, and limits.

Built from https://docs.slack.dev/reference/methods: pages may hold fewer than asked for (archived channels are left out
after the page was cut); a user group cannot be emptied and takes no guests; whoever invites or removes must be in the
channel; nobody leaves #general; private channels are shown to their members only; admin methods want the admin's token.
"""

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from slack_objects import TEAM, Channel, show
from slack_protocol import ADMIN_TOKEN, READING, TIERS, RefusalError, SlowDownError, speak, takes
from support.http_server import Reply, Request


@dataclass(slots=True)
class FakeSlack:
    """The data, and the faults that are on.

    Attributes:
        page: the most that one page lists.
        me: the user of the token.
        now: the time, in seconds.
        forbidden: collections for which the token lacks the scope.
        throttled: how many requests are refused as too many.
        politely: whether that is said with status 200.
        faltering: how many requests end in `internal_error`.
        refusing: what Slack says of every write, with its error, or empty.
        losing: whether the next write is done and not answered.
        fatal: whether the next write is done and answered with `fatal_error`.
        after: called right after a list of members was replaced: somebody else's write.
        grid: whether admin methods exist.
        troubled: channels whose members Slack fails to tell.
        stuck: whether every page of people names itself as the next.
        organization: whether the token is one of a whole organization.
        ignores_force: whether one bad invitation spoils the others even with `force`, as for some of Slack's imitators.
        exceeded: methods that were called more often in a minute than their tier allows.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    page: int = 999
    me: str = ""
    now: Callable[[], float] = lambda: 0.0
    forbidden: set[str] = field(default_factory=set)
    throttled: int = 0
    politely: bool = False
    faltering: int = 0
    stuck: bool = False
    troubled: set[str] = field(default_factory=set)
    organization: bool = False
    refusing: tuple[str, str] = ("", "")
    losing: bool = False
    fatal: bool = False
    after: Callable[[], None] | None = None
    grid: bool = True
    ignores_force: bool = False
    exceeded: list[str] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    sent: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.me = self.me or self.add_user("reconciler", is_bot=True)

    def add_user(self, name: str, email: str = "", **more: Any) -> str:
        """Add a user and return the id."""
        number = f"U{next(self.numbers):08}"
        profile = {"display_name": name, "real_name": name.title(), "title": ""} | ({"email": email} if email else {})
        flags = dict.fromkeys(
            ("deleted", "is_admin", "is_owner", "is_bot", "is_restricted", "is_ultra_restricted"), False
        )
        self.users[number] = {"id": number, "team_id": TEAM, "name": name, "profile": profile, **flags, **more}
        return number

    def add_group(self, name: str, members: Iterable[str] = (), **more: Any) -> str:
        """Add a user group and return its id."""
        number = f"S{next(self.numbers):08}"
        plain = {"id": number, "team_id": TEAM, "name": name, "handle": name.lower(), "date_delete": 0}
        self.groups[number] = {**plain, "is_external": False, "auto_type": None, "users": list(members), **more}
        return number

    def add_channel(self, name: str, members: Iterable[str] = (), **more: Any) -> str:
        """Add a channel and return its id."""
        number = f"C{next(self.numbers):08}"
        self.channels[number] = Channel(name, members=list(members), **more)
        return number

    def drop_user(self, number: str) -> None:
        """Remove a user for good, with every membership."""
        self.users.pop(number, None)
        for group in self.groups.values():
            group["users"] = [each for each in group["users"] if each != number]
        for channel in self.channels.values():
            channel.members = [each for each in channel.members if each != number]

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        lost = False

        def run(token: str, method: str, asked: dict[str, Any]) -> dict[str, Any]:
            nonlocal lost
            self.log.append(method)
            self._count(method)
            self._trouble(method)
            do: Callable[..., dict[str, Any]] = getattr(self, "do_" + method.replace(".", "_"))
            if method.startswith("admin."):
                self._expect_admin(token)
            else:
                self._expect_team(method, asked.pop("team_id", ""))
            result = do(**asked)
            if method not in READING:
                lost, self.losing = self.losing, False
                if self.fatal:
                    self.fatal = False
                    raise RefusalError("fatal_error")
            return result

        reply = speak(request, run)
        return Reply(reset=True) if lost else reply

    def _count(self, method: str) -> None:
        """Hold the method to its tier: so many requests in any minute."""
        sent, now = self.sent[method], self.now()
        while sent and now - sent[0] >= 60:
            sent.popleft()
        sent.append(now)
        if len(sent) > TIERS[method]:
            self.exceeded.append(method)

    def _trouble(self, method: str) -> None:
        if self.throttled:
            self.throttled -= 1
            raise SlowDownError(200 if self.politely else 429)
        if self.faltering:
            self.faltering -= 1
            raise RefusalError("internal_error")
        error, words = self.refusing
        if error and method not in READING:
            raise RefusalError(error, response_metadata={"messages": [words]})

    def _expect_admin(self, token: str) -> None:
        if token != ADMIN_TOKEN:
            raise RefusalError("not_an_admin")
        if not self.grid:
            raise RefusalError("feature_not_enabled")

    def _expect_team(self, method: str, team: str) -> None:
        """Refuse a token of a whole organization without a workspace, where the method takes one."""
        if self.organization and takes(method, "team_id") and team != TEAM:
            raise RefusalError(
                "missing_argument", response_metadata={"messages": ["[ERROR] missing required field: team_id"]}
            )

    def _need(self, collection: str, scope: str) -> None:
        if collection in self.forbidden:
            raise RefusalError("missing_scope", needed=scope, provided="identify")

    def _page(self, items: list[Any], cursor: str, limit: str) -> tuple[dict[str, Any], list[Any]]:
        size, start = min(int(limit or 100), self.page), int(cursor.removeprefix("c-") or 0)
        more = f"c-{start + size}" if start + size < len(items) else ""
        return {"response_metadata": {"next_cursor": more}}, items[start : start + size]

    def do_auth_test(self) -> dict[str, Any]:
        """See Slack's reference, as all that follow."""
        whole = {"is_enterprise_install": True} if self.organization else {}
        return {**whole, "team_id": TEAM, "user_id": self.me, "team": "Acme", "url": "https://acme.slack.com/"}

    def do_users_list(self, cursor: str = "", limit: str = "") -> dict[str, Any]:  # noqa: D102
        self._need("accounts", "users:read")
        told, found = self._page(list(self.users.values()), cursor, limit)
        if self.stuck:
            told = {"response_metadata": {"next_cursor": "c-0"}}
        return {"members": found, "cache_ts": 1, **told}

    def do_users_info(self, user: str) -> dict[str, Any]:  # noqa: D102
        return {"user": self._user(user)}

    def _user(self, number: str) -> dict[str, Any]:
        return self.users.get(number) or _refuse("user_not_found")

    def _shown(self, types: str) -> list[tuple[str, Channel]]:
        """Return the channels of some types, what the token's user cannot see left out."""
        wanted = types.split(",")
        return [
            (number, each)
            for number, each in self.channels.items()
            if ("private_channel" if each.private else "public_channel") in wanted
            and (not each.private or self.me in each.members)
        ]

    def do_conversations_list(  # noqa: D102
        self, types: str = "public_channel", cursor: str = "", limit: str = "", exclude_archived: str = "false"
    ) -> dict[str, Any]:
        for kind in types.split(","):
            name = "private-channel" if kind == "private_channel" else "channel"
            self._need(f"entitlements:{name}", "groups:read" if kind == "private_channel" else "channels:read")
        told, found = self._page(self._shown(types), cursor, limit)
        kept = [show(*each, self.me) for each in found if exclude_archived == "false" or not each[1].archived]
        return {"channels": kept, **told}

    def do_users_conversations(  # noqa: D102
        self, user: str, types: str, cursor: str = "", limit: str = "", exclude_archived: str = "false"
    ) -> dict[str, Any]:
        self._need("grants:channel", "channels:read")
        self._user(user)
        listed = [(number, each) for number, each in self._shown(types) if user in each.members]
        told, found = self._page(listed, cursor, limit)
        kept = [show(*each, self.me) for each in found if exclude_archived == "false" or not each[1].archived]
        return {"channels": kept, **told}

    def _find(self, number: str) -> Channel:
        found = self.channels.get(number)
        if found is None or (found.private and self.me not in found.members):
            raise RefusalError("channel_not_found")
        return found

    def do_conversations_members(self, channel: str, cursor: str = "", limit: str = "") -> dict[str, Any]:  # noqa: D102
        found = self._find(channel)
        self._need("grants:private-channel" if found.private else "grants:channel", "channels:read")
        if channel in self.troubled:
            raise RefusalError("fetch_members_failed")
        told, listed = self._page(found.members, cursor, limit)
        return {"members": listed, **told}

    def _expect_free(self, name: str) -> None:
        if any(each.name == name for each in self.channels.values()):
            raise RefusalError("name_taken")
        if name != name.lower() or " " in name:
            raise RefusalError("invalid_name_specials")

    def do_conversations_create(self, name: str, *, is_private: bool = False) -> dict[str, Any]:  # noqa: D102
        self._expect_free(name)
        number = self.add_channel(name, [self.me], private=is_private)
        return {"channel": show(number, self.channels[number], self.me)}

    def do_conversations_rename(self, channel: str, name: str) -> dict[str, Any]:  # noqa: D102
        found = self._inside(channel)
        if found.name != name:
            self._expect_free(name)
        found.name = name
        return {"channel": show(channel, found, self.me)}

    def _inside(self, number: str) -> Channel:
        found = self._find(number)
        if found.archived:
            raise RefusalError("is_archived")
        if self.me not in found.members:
            raise RefusalError("not_in_channel")
        return found

    def do_conversations_join(self, channel: str) -> dict[str, Any]:  # noqa: D102
        found = self._find(channel)
        if self.me not in found.members:
            found.members.append(self.me)
        return {"channel": show(channel, found, self.me)}

    def do_conversations_invite(self, channel: str, users: str, *, force: bool = False) -> dict[str, Any]:  # noqa: D102
        found = self._inside(channel)
        asked = users.split(",")
        assert len(asked) <= 100, "more than 100 users"
        errors = [{"user": each, "ok": False, "error": why} for each in asked if (why := self._why_not(found, each))]
        wrong = {each["user"] for each in errors}
        if errors and not (force and len(asked) > 1 and not self.ignores_force):
            raise RefusalError(str(errors[0]["error"]), errors=errors)
        found.members += [each for each in asked if each not in wrong]
        return {"channel": show(channel, found, self.me)} | ({"errors": errors} if errors else {})

    def _why_not(self, channel: Channel, user: str) -> str:
        if user not in self.users or self.users[user]["deleted"]:
            return "user_not_found"
        if user == self.me:
            return "cant_invite_self"
        if user in channel.members:
            return "already_in_channel"
        alone = self.users[user]["is_ultra_restricted"]
        return "ura_max_channels" if alone and any(user in each.members for each in self.channels.values()) else ""

    def do_conversations_kick(self, channel: str, user: str) -> dict[str, Any]:  # noqa: D102
        found = self._find(channel)
        self._user(user)
        if found.general:
            raise RefusalError("cant_kick_from_general")
        if user == self.me:
            raise RefusalError("cant_kick_self")
        if self.me not in found.members or user not in found.members:
            raise RefusalError("not_in_channel")
        found.members.remove(user)
        return {}

    def do_usergroups_list(self, include_users: str = "", include_disabled: str = "") -> dict[str, Any]:  # noqa: D102
        self._need("entitlements:usergroup", "usergroups:read")
        self._need("grants:usergroup", "usergroups:read")
        found = [each for each in self.groups.values() if include_disabled == "true" or not each["date_delete"]]
        hidden = () if include_users == "true" else ("users",)
        return {"usergroups": [{k: v for k, v in each.items() if k not in hidden} for each in found]}

    def _group(self, number: str) -> dict[str, Any]:
        return self.groups.get(number) or _refuse("no_such_subteam")

    def _expect_free_name(self, name: str, own: str = "") -> None:
        if any(each["name"] == name and number != own for number, each in self.groups.items()):
            raise RefusalError("name_already_exists")

    def do_usergroups_create(self, name: str, handle: str = "") -> dict[str, Any]:  # noqa: D102
        self._expect_free_name(name)
        taken = {each["handle"] for each in self.groups.values()} | {each.name for each in self.channels.values()}
        if handle in taken:
            raise RefusalError("handle_already_exists")
        return {"usergroup": self.groups[self.add_group(name, handle=handle or f"{name}-1")]}

    def do_usergroups_update(self, usergroup: str, name: str) -> dict[str, Any]:  # noqa: D102
        self._expect_free_name(name, usergroup)
        self._group(usergroup)["name"] = name
        return {"usergroup": self._group(usergroup)}

    def do_usergroups_disable(self, usergroup: str) -> dict[str, Any]:  # noqa: D102
        self._group(usergroup)["date_delete"] = 1_800_000_000
        return {"usergroup": self._group(usergroup)}

    def do_usergroups_enable(self, usergroup: str) -> dict[str, Any]:  # noqa: D102
        self._group(usergroup)["date_delete"] = 0
        return {"usergroup": self._group(usergroup)}

    def do_usergroups_users_update(self, usergroup: str, users: list[str]) -> dict[str, Any]:  # noqa: D102
        group = self._group(usergroup)
        assert isinstance(users, list), "JSON bodies take a list of users"
        if not users:
            raise RefusalError("no_users_provided")
        if any(each not in self.users or self.users[each]["deleted"] for each in users):
            raise RefusalError("invalid_users")
        if any(self.users[each]["is_restricted"] for each in users):
            raise RefusalError("single_channel_guests_cannot_be_added")
        if group["auto_type"]:
            raise RefusalError("permission_denied")
        group["users"] = list(users)
        if self.after:
            meddle, self.after = self.after, None
            meddle()
        return {"usergroup": {**group, "users": list(group["users"])}}

    def do_admin_users_session_reset(self, user_id: str) -> dict[str, Any]:  # noqa: D102
        self._user(user_id)
        self.signed_out.append(user_id)
        return {}

    def _set_role(self, team_id: str, user_id: str, *, admin: bool, owner: bool) -> dict[str, Any]:
        assert team_id == TEAM
        user = self._user(user_id)
        if user.get("is_primary_owner"):
            raise RefusalError("cannot_modify_primary_owner")
        user["is_admin"], user["is_owner"] = admin, owner
        return {}

    def do_admin_users_setAdmin(self, team_id: str, user_id: str) -> dict[str, Any]:  # noqa: D102, N802
        return self._set_role(team_id, user_id, admin=True, owner=False)

    def do_admin_users_setOwner(self, team_id: str, user_id: str) -> dict[str, Any]:  # noqa: D102, N802
        return self._set_role(team_id, user_id, admin=True, owner=True)

    def do_admin_users_setRegular(self, team_id: str, user_id: str) -> dict[str, Any]:  # noqa: D102, N802
        self._user(user_id).update(is_restricted=False, is_ultra_restricted=False)
        return self._set_role(team_id, user_id, admin=False, owner=False)


def _refuse(word: str) -> Any:
    raise RefusalError(word)
