"""Permission sets assigned and taken away: AWS works in the background, and is asked until it is done.

Sources: https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html (the id of the
request; a conflict with an earlier write is to be tried again) and
https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html (10 outstanding requests; in one AWS account only
one permission set is provisioned at a time, so that several at once would only conflict).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from providers.aws.capabilities import OUTSTANDING
from providers.aws.client import CENTER, AwsClient
from providers.aws.instance import InstanceFinder
from providers.aws.mapping import Target
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.clock import Clock

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 8.0
_CONFLICT, _GONE = "ConflictException", "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class _Way:
    """The operations and keys of one direction.

    Attributes:
        request: starts it.
        look: asks how far it is.
        asked: the name of the request's id in what `look` is given.
        status: where the state is in both answers.
    """

    request: str
    look: str
    asked: str
    status: str


_CREATE = _Way(
    "CreateAccountAssignment",
    "DescribeAccountAssignmentCreationStatus",
    "AccountAssignmentCreationRequestId",
    "AccountAssignmentCreationStatus",
)
_DELETE = _Way(
    "DeleteAccountAssignment",
    "DescribeAccountAssignmentDeletionStatus",
    "AccountAssignmentDeletionRequestId",
    "AccountAssignmentDeletionStatus",
)


class Pauses:
    """The waits of one assignment, doubling, until its deadline.

    Args:
        clock: where the time comes from.
        deadline: seconds from now.
    """

    def __init__(self, clock: Clock, deadline: float) -> None:
        self._clock = clock
        self._until = clock.monotonic() + deadline
        self._next = _FIRST_WAIT

    async def take(self) -> bool:
        """Wait a little longer than last time; False where the deadline would pass."""
        if self._clock.monotonic() + self._next > self._until:
            return False
        await self._clock.wait(self._next, asyncio.Event())
        self._next = min(self._next * 2, _LONGEST_WAIT)
        return True


class AssignmentWriter:
    """Performs grants and revokes of permission sets in AWS accounts.

    Args:
        client: speaks with Identity Center.
        finder: knows the instance.
        clock: where the time comes from.
        deadline: seconds that one assignment may take.
    """

    def __init__(self, client: AwsClient, finder: InstanceFinder, clock: Clock, deadline: float) -> None:
        self._client = client
        self._finder = finder
        self._clock = clock
        self._deadline = deadline
        self._outstanding = asyncio.Semaphore(OUTSTANDING)
        self._accounts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def perform(self, change: Change) -> Receipt:
        """Assign or take away, and wait until it is done."""
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        principal = change.account_id or change.holder_entitlement_id
        target = Target.parse(change.entitlement_id)
        if target is None or not principal:
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such user, group or permission set yet")
        instance = await self._finder.find()
        body = {
            "InstanceArn": instance.arn,
            "TargetId": target.account,
            "TargetType": "AWS_ACCOUNT",
            "PermissionSetArn": target.permission_set,
            "PrincipalType": "USER" if change.account_id else "GROUP",
            "PrincipalId": principal,
        }
        async with self._turn(target.account):
            job = _Job(self._client, body, change.operation is Operation.GRANT, Pauses(self._clock, self._deadline))
            outcome, words = await job.run()
        detail = words if outcome is Outcome.DONE else f"{what}: {words}"
        return Receipt(change, outcome, detail)

    @asynccontextmanager
    async def _turn(self, account: str) -> AsyncIterator[None]:
        """Let one assignment at a time into an AWS account, and few in all."""
        async with self._accounts[account], self._outstanding:
            yield


class _Job:
    """One assignment on its way.

    Args:
        body: what identifies it, in every request about it.
        wanted: whether it is to be there afterwards.
        pauses: its waits.
    """

    def __init__(self, client: AwsClient, body: dict[str, str], wanted: bool, pauses: Pauses) -> None:
        self._client = client
        self._body = body
        self._wanted = wanted
        self._pauses = pauses
        self._way = _CREATE if wanted else _DELETE

    async def run(self) -> tuple[Outcome, str]:
        """Send the request until it does not conflict, and follow it to its end."""
        while True:
            try:
                answer = await self._client.call(CENTER, self._way.request, self._body)
                return await self._follow(answer.get(self._way.status) or {})
            except AnswerError as error:
                ended = await self._judge(error)
                if ended:
                    return ended
            except TransportError as error:
                if error.landed is False:
                    return Outcome.FAILED, error.message
                return await self._look_after(error.message)

    async def _judge(self, error: AnswerError) -> tuple[Outcome, str] | None:
        """Say what a refusal means; None where it is to be asked again, after a pause."""
        if error.code == _GONE and not self._wanted:
            return Outcome.DONE, "not found"
        if error.code != _CONFLICT:
            return Outcome.FAILED, error.message
        if await self._is_true():
            return Outcome.DONE, "it was so already"
        if not await self._pauses.take():
            return Outcome.FAILED, f"{error.message}; it still conflicts with another change"
        return None

    async def _follow(self, status: dict[str, Any]) -> tuple[Outcome, str]:
        """Ask for the state until it is final, or until the deadline."""
        request = str(status.get("RequestId") or "")
        while status.get("Status") == "IN_PROGRESS":
            if not await self._pauses.take():
                return Outcome.UNKNOWN, f"AWS is still at it (request {request}); the next plan sees what came of it"
            asked = {"InstanceArn": self._body["InstanceArn"], self._way.asked: request}
            try:
                status = (await self._client.call(CENTER, self._way.look, asked)).get(self._way.status) or {}
            except TransportError as error:
                return await self._look_after(error.message)
        if status.get("Status") == "SUCCEEDED":
            return Outcome.DONE, ""
        reason = str(status.get("FailureReason") or "AWS gives no reason")
        if status.get("Status") == "FAILED":
            return (Outcome.DONE, "it was so already") if await self._is_true() else (Outcome.FAILED, reason)
        return await self._look_after(f"AWS answered without a state: {reason}")

    async def _look_after(self, words: str) -> tuple[Outcome, str]:
        """Look whether a request whose answer was lost was done: it may still be at work."""
        while not await self._is_true():
            if not await self._pauses.take():
                return Outcome.UNKNOWN, words
        return Outcome.DONE, "the answer was lost; it was done"

    async def _is_true(self) -> bool:
        """Say whether the assignments are seen to be as wanted; False where that cannot be seen."""
        body = {
            "InstanceArn": self._body["InstanceArn"],
            "AccountId": self._body["TargetId"],
            "PermissionSetArn": self._body["PermissionSetArn"],
        }
        try:
            listed = await self._client.every(CENTER, "ListAccountAssignments", body, "AccountAssignments")
        except AnswerError as error:
            return error.code == _GONE and not self._wanted
        except TransportError:
            return False
        ours = (self._body["PrincipalType"], self._body["PrincipalId"])
        return any((each["PrincipalType"], each["PrincipalId"]) == ours for each in listed) is self._wanted
