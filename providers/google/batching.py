"""Several reads in one request, as Google's batch endpoint takes them: only GET ever goes into a batch.

Source: https://developers.google.com/workspace/admin/directory/v1/guides/batch. Each read counts against the quota as
if it had come alone; what a batch saves is round trips.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesParser

import httpx

from providers.google.listing import Get
from reconciler.errors import AnswerError, ReconcilerError
from reconciler.provider.answer import Answer
from reconciler.provider.transport import Transport

MOST = 250
"""Reads in one batch. Google allows 1,000; with fewer, a lost answer costs less, and several go side by side."""

_PATH = "batch"
_BOUNDARY = "batch-of-reads"
_HEADERS = {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}", "Accept": "multipart/mixed"}
_SERVER_FAULT = 500
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9][0-9])\b[^\r\n]*\r?\n")
_RESPONSE_ID = re.compile(r"<response-([0-9]+)>")
_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class _Read:
    """One read that waits for its answer."""

    path: str
    params: Mapping[str, str | int]
    answer: "asyncio.Future[Answer]"

    @property
    def target(self) -> bytes:
        """What a request line names; quoted, so that nothing in it can end the line."""
        return (
            httpx.URL("https://host/" + self.path).copy_merge_params({**self.params, "prettyPrint": "false"}).raw_path
        )


class Batcher:
    """Reads what is asked for at the same time in one request.

    A read that its batch did not answer well is asked for again by itself, with all the patience that a request has;
    where there are no batches (a proxy that lets none through), everything is.

    Args:
        transport: the connection to `admin.googleapis.com`.
        alone: reads one thing in a request of its own.
        again: says of an answer whether another try may change it.
    """

    def __init__(self, transport: Transport, alone: Get, again: Callable[[str, Answer], bool]) -> None:
        self._transport = transport
        self._alone = alone
        self._again = again
        self._waiting: list[_Read] = []
        self._works = True

    async def get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """Read one thing, together with whatever else is asked for now.

        Raises:
            TransportError: no usable answer.
        """
        if not self._works:
            return await self._alone(path, params)
        read = _Read(path, params, asyncio.get_running_loop().create_future())
        self._waiting.append(read)
        if len(self._waiting) == 1:
            await self._send_all()
        return await read.answer

    async def _send_all(self) -> None:
        """Wait for as long as more is asked for, then send it all: whoever asks first does it for the others."""
        seen = 0
        while len(self._waiting) > seen:
            seen = len(self._waiting)
            for _ in range(3):  # whoever was woken by the last answers has asked for the next page by then
                await asyncio.sleep(0)
        reads, self._waiting = self._waiting, []
        try:
            await asyncio.gather(*(self._send(reads[start : start + MOST]) for start in range(0, len(reads), MOST)))
        finally:
            for read in reads:
                read.answer.cancel()

    async def _send(self, reads: Sequence[_Read]) -> None:
        answers = await self._ask_together(reads) if len(reads) > 1 else {}
        if isinstance(answers, ReconcilerError):
            for read in reads:
                read.answer.set_exception(answers)
            return
        await asyncio.gather(*(self._settle(read, answers.get(number)) for number, read in enumerate(reads)))

    async def _settle(self, read: _Read, answer: Answer | None) -> None:
        """Give a read its answer, out of the batch or by itself."""
        try:
            if answer is None or answer.status >= _SERVER_FAULT or self._again(read.path, answer):
                answer = await self._alone(read.path, read.params)
        except ReconcilerError as error:
            read.answer.set_exception(error)
        else:
            read.answer.set_result(answer)

    async def _ask_together(self, reads: Sequence[_Read]) -> Mapping[int, Answer] | ReconcilerError:
        """Return the answers by the number of the read; none where the server knows no batches."""
        content = b"".join(_part(number, read) for number, read in enumerate(reads)) + f"--{_BOUNDARY}--\r\n".encode()
        try:
            whole = await self._transport.request(
                "POST", _PATH, content=content, headers=_HEADERS, write=False, cost=len(reads)
            )
        except AnswerError:
            whole = None
        except ReconcilerError as error:
            return error
        found = _answers(whole, reads) if whole is not None and whole.ok else {}
        self._works = self._works and bool(found)
        return found


def _part(number: int, read: _Read) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n".encode()
    return head + b"GET " + read.target + b" HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"


def _answers(whole: Answer, reads: Sequence[_Read]) -> Mapping[int, Answer]:
    """Return the answers of a batch by the number of the read; a part that does not say which it answers is left out.

    What belongs to one group must never be taken for another's, so that the order of the parts is not relied on.
    """
    kind = next((value for name, value in whole.headers.items() if name.lower() == "content-type"), "")
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message: Message = BytesParser().parsebytes(head + whole.content)
    found: dict[int, Answer] = {}
    for part in message.get_payload() if message.is_multipart() else ():
        if not isinstance(part, Message):
            continue
        named = _RESPONSE_ID.fullmatch(str(part.get("Content-ID", "")).strip())
        answer = _answer(part, whole, reads[int(named[1])]) if named and int(named[1]) < len(reads) else None
        if named and answer is not None:
            found[int(named[1])] = answer
    return found


def _answer(part: Message, whole: Answer, read: _Read) -> Answer | None:
    """Return the answer that a part carries, or None where it is none."""
    payload = part.get_payload(decode=True)
    status = _STATUS.match(payload) if isinstance(payload, bytes) else None
    if not isinstance(payload, bytes) or status is None:
        return None
    pieces = _BLANK.split(payload, maxsplit=1)
    body = pieces[1] if len(pieces) > 1 else b""
    return replace(whole, status=int(status[1]), headers={}, content=body.strip(), url=f"/{read.path}", method="GET")
