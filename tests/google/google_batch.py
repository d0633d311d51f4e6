"""The batch endpoint of the imitation: the parts of a request, each answered, as Google's page on batches shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from urllib.parse import parse_qs, urlsplit

from support.http_server import Reply, Request

MOST = 1000
_BOUNDARY = "batch_foobarbaz"


def answer_batch(request: Request, answer: Callable[[Request], Reply], *, backwards: bool, lost: int) -> Reply:
    """Answer every part; it carries the credentials of the whole, and counts by itself.

    Args:
        request: the whole.
        answer: answers one request.
        backwards: whether the parts of the answer come in another order.
        lost: how many parts at the end are left out.
    """
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    whole = message_from_bytes(head + request.body)
    parts = [part for part in whole.get_payload() if isinstance(part, Message)]
    assert whole.get_content_type() == "multipart/mixed"
    assert 1 < len(parts) <= MOST
    answered = [_part(part["Content-ID"], answer(inner)) for part, inner in _inner(parts, request)]
    kept = answered[: len(answered) - lost]
    body = "".join(f"--{_BOUNDARY}\r\n{part}\r\n" for part in (reversed(kept) if backwards else kept))
    kind = {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}"}
    return Reply(200, (body + f"--{_BOUNDARY}--").encode(), kind)


def _inner(parts: list[Message], request: Request) -> Iterator[tuple[Message, Request]]:
    for part in parts:
        assert part.get_content_type() == "application/http"
        text = part.get_payload()
        assert isinstance(text, str)
        found = re.match(r"([A-Z]+) (/\S+) HTTP/1\.1\r?\n", text)
        assert found
        target = urlsplit(found[2])
        yield (
            part,
            replace(
                request,
                method=found[1],
                path=target.path,
                query=parse_qs(target.query, keep_blank_values=True),
                body=b"",
            ),
        )


def _part(content_id: str, reply: Reply) -> str:
    content, kind = reply.content()
    named = f"Content-Type: application/http\r\nContent-ID: <response-{content_id[1:]}\r\n\r\n"
    headers = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {kind}; charset=UTF-8\r\nContent-Length: {len(content)}\r\n"
    return named + headers + "\r\n" + content.decode()
