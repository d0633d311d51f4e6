"""Who is in a group: members added and removed in as few requests as the server takes, each with its own ending."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.scim.client import ScimClient, refusal, version_in
from providers.scim.dialect import MemberForm
from providers.scim.editing import Edit, Editor, Ending
from providers.scim.patch import MEMBERS, add_members, remove_members
from providers.scim.paths import AttributePath, find
from providers.scim.resources import parse_group, parse_json
from providers.scim.together import each
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.transport import Answer

_NO_SUCH_METHOD = frozenset({405, 501})
_ABOUT_US = frozenset({401, 403})
_STILL = "is still a member"
_NOT_DONE = "it was not done"


@dataclass(slots=True)
class _Job:
    """Members of one group that are added or removed.

    Attributes:
        group: its remote id.
        name: its key, for messages.
        form: how they are removed, or None for the dialect's way.
        unknown_method: whether the server answered that it has no such method.
        results: member's id → how its change ended, and what to say of it.
    """

    group: str
    name: str
    adds: bool
    form: MemberForm | None = None
    unknown_method: bool = False
    results: dict[str, tuple[Outcome, str]] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return f"{'add to' if self.adds else 'remove from'} {self.name}"

    def end(self, members: Sequence[str], outcome: Outcome, words: str = "") -> None:
        """Say how the changes of some members ended."""
        self.results.update(dict.fromkeys(members, (outcome, words)))


class MembershipWriter:
    """Adds and removes members.

    Args:
        client: speaks with the server.
        editor: replaces groups where they cannot be patched.
    """

    def __init__(self, client: ScimClient, editor: Editor) -> None:
        self._client = client
        self._editor = editor
        self._dialect = client.dialect
        self._turns: dict[str, asyncio.Lock] = {}
        self._puts = not client.dialect.patch_groups

    async def perform(self, changes: Sequence[Change]) -> list[Receipt]:
        """Add or remove members of one group; all changes are of the same operation. A receipt each."""
        group, name = changes[0].entitlement_id, changes[0].entitlement
        job = _Job(group, name, adds=changes[0].operation is Operation.GRANT)
        members = list(dict.fromkeys(filter(None, map(_member_of, changes))))
        if group and job.adds and len(members) <= self._dialect.check_members:
            members = await self._existing(job, members, {change.account_id for change in changes})
        if group and members:
            async with self._turns.setdefault(group, asyncio.Lock()):
                await self._run(job, members)
        return [_receipt(change, job) for change in changes]

    async def _existing(self, job: _Job, members: Sequence[str], accounts: set[str]) -> list[str]:
        """Return the members that exist: some servers would take anything, and answer that it is done."""

        async def is_there(member: str) -> bool:
            if member not in accounts:
                return True
            answer = await self._client.get("Users", member)
            return not self._client.means(answer, "absent")

        try:
            found = await each(is_there, members, at_once=self._dialect.concurrency)
        except TransportError as error:
            job.end(members, Outcome.FAILED, f"{job.what}: {error.message}")
            return []
        gone = [member for member, there in zip(members, found, strict=True) if not there]
        for member in gone:
            job.end([member], Outcome.FAILED, f"{job.what}: the app has no account {member}")
        return [member for member in members if member not in gone]

    async def _run(self, job: _Job, members: Sequence[str]) -> None:
        if not self._puts:
            await self._patch_all(job, members)
            if not job.adds and self._dialect.read_back != "never":
                await self._check_removals(job)
            elif self._dialect.read_back == "always":
                await self._check(job)
            self._puts = job.unknown_method and self._dialect.member_replace
        if self._puts:  # also where it only now turned out that groups cannot be patched
            await self._put(job, members)

    async def _patch_all(self, job: _Job, members: Sequence[str]) -> None:
        bodies = add_members(members, self._dialect) if job.adds else remove_members(members, self._dialect, job.form)
        for part, body in bodies:
            await self._patch(job, part, body)
            if job.unknown_method:
                return

    async def _patch(self, job: _Job, part: Sequence[str], body: Mapping[str, Any]) -> None:
        """Send one chunk; where it is refused, halve it, so that one bad member never stops the others."""
        try:
            answer = await self._send(job.group, body)
        except AnswerError as error:
            job.unknown_method = error.status in _NO_SUCH_METHOD
            job.end(part, Outcome.FAILED, f"{job.what}: {error.message}")
        except TransportError as error:
            sure = error.landed is False
            job.end(part, Outcome.FAILED if sure else Outcome.UNKNOWN, f"{job.what}: {error.message}")
            if not sure:
                await self._look_after(job, part)
        else:
            await self._conclude(job, part, answer)

    async def _conclude(self, job: _Job, part: Sequence[str], answer: Answer) -> None:
        if answer.ok:
            job.end(part, Outcome.DONE)
            await self._check_shown(job, part, answer)
        elif answer.status in _NO_SUCH_METHOD | _ABOUT_US:
            job.unknown_method = answer.status in _NO_SUCH_METHOD
            job.end(part, Outcome.FAILED, refusal(answer, job.what))
        elif len(part) > 1:
            middle = len(part) // 2
            await self._patch_all(job, part[:middle])
            await self._patch_all(job, part[middle:])
        else:
            job.end(part, *await self._judge_refusal(job, part[0], answer))

    async def _send(self, group: str, body: Mapping[str, Any]) -> Answer:
        """Send a PATCH; with the group's version only where the server insists: other members are none of ours."""
        version = await self._version(group) if self._dialect.etag == "required" else ""
        answer = await self._client.send("PATCH", "Groups", group, body=body, version=version, idempotent=True)
        if self._client.needs_version(answer) or self._client.is_stale(answer):
            version = await self._version(group)
            answer = await self._client.send("PATCH", "Groups", group, body=body, version=version, idempotent=True)
        return answer

    async def _version(self, group: str) -> str:
        answer = await self._client.get("Groups", group)
        resource = parse_json(answer.content, f"group {group}") if answer.ok else {}
        return version_in(answer, resource) if isinstance(resource, dict) else ""

    async def _judge_refusal(self, job: _Job, member: str, answer: Answer) -> tuple[Outcome, str]:
        """Say what the refusal of a single member means: what is so already is a success."""
        if not job.adds and self._client.means(answer, "absent"):
            return Outcome.DONE, "not found"
        if not job.adds and self._client.means(answer, "not_member"):
            return Outcome.DONE, "was no member"
        if job.adds and self._client.means(answer, "already"):
            there = await self._members(job.group)
            if there is None or member in there:
                return Outcome.DONE, "already a member"
        return Outcome.FAILED, refusal(answer, f"{job.what}: {member}")

    async def _members(self, group: str) -> set[str] | None:
        """Return who is in a group as it shows itself; None where that is not told."""
        if self._dialect.members in {"by_group", "by_user", "never"}:
            return None
        try:
            answer = await self._client.get("Groups", group)
        except TransportError:
            return None
        if self._client.means(answer, "absent"):
            return set()
        shown = parse_group(answer.content) if answer.ok else None
        return {member.id for member in shown.members or ()} if shown is not None and shown.id else None

    async def _check_shown(self, job: _Job, part: Sequence[str], answer: Answer) -> None:
        """Where a success shows the members, believe those rather than the status."""
        shown = parse_group(answer.content) if answer.content.strip() else None
        if job.adds and shown is not None and shown.id and shown.members is not None:
            there = {member.id for member in shown.members}
            if not there.issuperset(part):
                await self._check(job)

    async def _check(self, job: _Job) -> None:
        """Read the group, and correct the results of what the server said was done and is not."""
        there = await self._members(job.group)
        if there is None or (job.adds and not there and self._dialect.members == "auto"):
            return  # not told, or perhaps never told: the core reads back anyway
        for member, (outcome, _) in job.results.items():
            if outcome is Outcome.DONE and (member in there) is not job.adds:
                state = "is no member" if job.adds else _STILL
                words = f"{job.what}: the app answered that it is done, but {member} {state}"
                job.results[member] = (Outcome.FAILED, words)

    async def _check_removals(self, job: _Job) -> None:
        """Look whether those who were removed are gone; where not, try the other form of removal once."""
        await self._check(job)
        failed = {member: ending for member, ending in job.results.items() if ending[0] is Outcome.FAILED}
        first = {member: ending for member, ending in failed.items() if not ending[1].endswith(_NOT_DONE)}
        if not first or not self._dialect.other_form:
            return
        job.form, job.unknown_method = "array" if self._dialect.member_remove == "filter" else "filter", False
        await self._patch_all(job, list(first))
        await self._check(job)
        how = "ignored" if any(words.endswith(_STILL) for _, words in first.values()) else "refused"
        said = f"the server {how} removal by {self._dialect.member_remove}; removed by {job.form}"
        for member, before in first.items():
            if job.results[member][0] is Outcome.DONE:
                job.end([member], Outcome.DONE, f"{said} (say `member_remove: {job.form}` in the dialect)")
            else:
                job.results[member] = before

    async def _look_after(self, job: _Job, part: Sequence[str]) -> None:
        """Find out what came of a request whose answer was lost."""
        there = await self._members(job.group)
        if there is None:
            return
        for member in part:
            if (member in there) is job.adds:
                job.end([member], Outcome.DONE, "the answer was lost; it was done")
            else:
                job.end([member], Outcome.FAILED, f"{job.results[member][1]}; {_NOT_DONE}")

    async def _put(self, job: _Job, members: Sequence[str]) -> None:
        """Replace the group by itself with other members, for servers without PATCH."""
        if not self._dialect.member_replace:
            job.end(members, Outcome.FAILED, f"{job.what}: the server can neither patch nor replace groups")
            return
        self._editor.without_patch.add("Groups")
        edit = Edit("Groups", job.group, {}, job.what, amend=lambda group: _with_members(group, members, job.adds))
        edited = await self._editor.apply(edit)
        match edited.ending:
            case Ending.DONE:
                job.end(members, Outcome.DONE, edited.words)
                await self._check(job)
            case Ending.ABSENT:
                job.end(members, Outcome.FAILED if job.adds else Outcome.DONE, "the group was not found")
            case Ending.UNKNOWN:
                job.end(members, Outcome.UNKNOWN, edited.words)
            case Ending.REFUSED:
                job.end(members, Outcome.FAILED, edited.words)


def _receipt(change: Change, job: _Job) -> Receipt:
    member = _member_of(change)
    who = f"{change.operation} {change.username or change.holder} {change.entitlement}"
    if not member:
        return Receipt(change, Outcome.FAILED, f"{who}: there is no account yet")
    if not job.group:
        return Receipt(change, Outcome.FAILED, f"{who}: there is no such group yet")
    outcome, words = job.results[member]
    return Receipt(change, outcome, words)


def _member_of(change: Change) -> str:
    """Return the remote id of who is to be a member: an account, or another group."""
    return change.account_id or change.holder_entitlement_id


def _with_members(
    group: Mapping[str, Any], members: Sequence[str], adds: bool
) -> Mapping[AttributePath, list[dict[str, Any]]]:
    """Return the members of a group with some more, or without some."""
    kept = [dict(old) for old in find(group, "members") or [] if str(find(old, "value")) not in members]
    return {MEMBERS: [*kept, *({"value": member} for member in members)] if adds else kept}
