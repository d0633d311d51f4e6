"""Several creations in one request (RFC 7644 section 3.7), each with its own answer.

Creations that are asked for at the same time travel together; whoever asked gets an answer as if alone. Nothing depends
on `failOnErrors`: it is left out, so that one bad account never stops the others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from providers.scim.filters import chunks
from providers.scim.paths import find
from providers.scim.resources import parse_json
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.transport import Answer, Transport

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_GATHER_SECONDS = 0.02
_ENVELOPE_BYTES = 400
_TOO_LARGE = 413
_NO_BULK = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a bulk request, and who waits for its answer."""

    bulk_id: str
    path: str
    data: Mapping[str, Any]
    answer: "asyncio.Future[Answer]" = field(compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return {"method": "POST", "bulkId": self.bulk_id, "path": f"/{self.path}", "data": self.data}


class NoBulkError(TransportError):
    """The server has no bulk requests, whatever it says about itself; nothing was done."""


class Bulk:
    """Gathers creations and sends them together.

    Args:
        transport: the app's connection.
        most: how many operations a request may hold (`maxOperations`).
        bytes_: how large a request may be (`maxPayloadSize`).
    """

    def __init__(self, transport: Transport, most: int, bytes_: int) -> None:
        self._transport = transport
        self._most = max(1, most)
        self._bytes = bytes_
        self._waiting: list[Operation] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._numbers = 0

    async def create(self, path: str, data: Mapping[str, Any]) -> Answer:
        """Create one resource, together with whatever else is asked for just now.

        Raises:
            TransportError: no answer for this one; `landed` says whether it may have been done.
        """
        self._numbers += 1
        operation = Operation(f"r{self._numbers}", path, data, asyncio.get_running_loop().create_future())
        self._waiting.append(operation)
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._send_soon())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await operation.answer

    async def _send_soon(self) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        operations, self._waiting = self._waiting, []
        for part in self._parts(operations):
            await self._send(part)

    def _parts(self, operations: Sequence[Operation]) -> list[Sequence[Operation]]:
        """Split operations into requests by number and by size."""
        parts: list[Sequence[Operation]] = []
        for part in chunks(operations, self._most):
            size, begin = _ENVELOPE_BYTES, 0
            for number, operation in enumerate(part):
                more = len(msgspec.json.encode(operation.as_json())) + 1
                if size + more > self._bytes and number > begin:
                    parts.append(part[begin:number])
                    size, begin = _ENVELOPE_BYTES, number
                size += more
            parts.append(part[begin:])
        return parts

    async def _send(self, part: Sequence[Operation]) -> None:
        body = {"schemas": [BULK], "Operations": [operation.as_json() for operation in part]}
        try:
            answer = await self._transport.request("POST", "Bulk", json=body, idempotent=False)
            if answer.status == _TOO_LARGE and len(part) > 1:
                await self._send(part[: len(part) // 2])
                await self._send(part[len(part) // 2 :])
                return
            answer.raise_for_refusal("bulk request")
            self._hand_out(part, answer)
        except AnswerError as error:
            kind = NoBulkError if error.status in _NO_BULK else TransportError
            _fail(part, kind, error)
        except TransportError as error:
            _fail(part, TransportError, error)

    def _hand_out(self, part: Sequence[Operation], answer: Answer) -> None:
        """Give each operation its own answer; one that has none may have been done."""
        document = parse_json(answer.content, "bulk request")
        results = find(document, "Operations") if isinstance(document, dict) else None
        by_id = {find(result, "bulkId"): result for result in results or () if isinstance(result, dict)}
        for operation in part:
            result = by_id.get(operation.bulk_id)
            if result is None:
                lost = TransportError(f"bulk request: no answer for {operation.bulk_id}", landed=None)
                operation.answer.set_exception(lost)
            else:
                operation.answer.set_result(_as_answer(result, operation, answer))


def _fail(part: Sequence[Operation], kind: type[TransportError], error: TransportError) -> None:
    """Tell everybody who waits that there is no answer."""
    for operation in part:
        if not operation.answer.done():
            operation.answer.set_exception(kind(error.message, landed=error.landed))


def _as_answer(result: Mapping[str, Any], operation: Operation, whole: Answer) -> Answer:
    """Return one result as the answer to a request of its own: its resource, or what its location says of it."""
    status = find(result, "status")
    code = find(status, "code") if isinstance(status, dict) else status
    resource = find(result, "response")
    location = str(find(result, "location") or "")
    if not isinstance(resource, dict) and location:
        resource = {"id": location.rstrip("/").rpartition("/")[2]}
    return Answer(
        status=int(code) if str(code).isdecimal() else whole.status,
        headers={},
        content=msgspec.json.encode(resource) if resource is not None else b"",
        url=f"{whole.url.rpartition('/')[0]}/{operation.path}",
        method="POST",
        request_id=whole.request_id,
        redactor=whole.redactor,
    )
