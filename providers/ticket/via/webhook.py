"""Tickets as files in the repository, each of them posted to a URL, signed (https://www.standardwebhooks.com).

The id of a message is the ticket's key: a receiver that has seen it does nothing with it a second time.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field

from providers.ticket.announced import AnnouncedTracker
from providers.ticket.fields import fields_of
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from providers.ticket.via.directory import DirectoryConfig
from reconciler.errors import ProviderError, SecretError
from reconciler.provider.auth import SecretAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport

_PREFIX: Final = "whsec_"
_SHORTEST_KEY: Final = 24
_STATES: Final = frozenset({"status", "closed", "attested_by", "evidence"})


class WebhookConfig(DirectoryConfig):
    """Tickets as files, and as signed messages."""

    url: str = Field(pattern=r"^https?://", description="via webhook: where messages are posted")
    secret: Secret = Field(
        description="via webhook: what messages are signed with: at least 24 random bytes in base64, after `whsec_`"
    )


class SignatureAuth(SecretAuth):
    """The headers by which a receiver knows a message: its time, and the HMAC-SHA256 of id, time and body.

    Args:
        secret: the reference.
        surroundings: says what references may name.
    """

    requires_request_body = True

    def __init__(self, secret: Secret, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._secret = secret

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request, each try of it anew: a receiver refuses what is old."""
        now = str(int(time.time()))
        key = self._decode(await self.reveal(self._secret))
        content = b".".join((request.headers["webhook-id"].encode(), now.encode(), request.content))
        signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        request.headers.update({"webhook-timestamp": now, "webhook-signature": f"v1,{signature}"})
        yield request

    def _decode(self, value: str) -> bytes:
        try:
            key = base64.b64decode(value.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if len(key) < _SHORTEST_KEY:
            what = f"the secret {self._secret} is no base64 of at least {_SHORTEST_KEY} bytes"
            raise SecretError(what, hint="make one: openssl rand -base64 32")
        return key


class WebhookTracker(AnnouncedTracker):
    """A folder of ticket files, each of which was posted to a URL that took it."""

    Config = WebhookConfig

    def __init__(self, config: WebhookConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        parts = urlsplit(config.url)
        self._url = config.url
        self._host = parts.hostname or ""
        self._transport = Transport(
            f"{parts.scheme}://{parts.netloc}",
            surroundings,
            name=f"{surroundings.app} (tickets to {self._host})",
            auth=SignatureAuth(config.secret, surroundings),
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def tell(self, letter: Letter, address: str) -> None:
        """Post a new ticket: its title, its body as Markdown, its record and its file.

        Raises:
            ProviderError: it was not taken, or it is not known.
        """
        record = {name: value for name, value in fields_of(letter.record).items() if name not in _STATES}
        data = {
            "title": letter.title,
            "body": letter.body,
            "address": address,
            "owner": self._person(letter.record.owner),
            "ticket": record,
        }
        await self._post("ticket.opened", letter.record.key, data, f"send the ticket {letter.record.key}")

    async def tell_closed(self, record: Record, status: Status, reason: str) -> None:
        """Post that a ticket is not to be done any more, and why.

        Raises:
            ProviderError: it was not taken, or it is not known.
        """
        data = {"address": record.address, "status": status.value, "reason": reason, "ticket": {"key": record.key}}
        await self._post(
            "ticket.closed", f"{record.key}-{status.value}", data, f"send that {record.address} is {status.value}"
        )

    async def tell_note(self, record: Record, remark: Remark) -> None:
        """Post what there is to say about an open ticket, and whom it waits for.

        Raises:
            ProviderError: it was not taken, or it is not known.
        """
        data = {
            "address": record.address,
            "text": remark.text,
            "owner": self._person(remark.owner or self._surroundings.owner),
            "ticket": {"key": record.key},
        }
        await self._post("ticket.noted", remark.name, data, f"tell of the ticket {record.key}")

    def _person(self, identity: str) -> dict[str, str]:
        name, email = self._surroundings.people.get(identity, ("", ""))
        return {"id": identity, "name": name, "email": email}

    async def _post(self, kind: str, name: str, data: Mapping[str, Any], doing: str) -> None:
        """Post a message; trying again is harmless, since it has an id."""
        now = self._surroundings.now.isoformat(timespec="seconds")
        answer = await self._transport.request(
            "POST",
            self._url,
            json={"type": kind, "timestamp": now, "data": data},
            headers={"webhook-id": name, "Idempotency-Key": name},
            idempotent=True,
        )
        answer.raise_for_refusal(f"{doing} to {self._host}")
        if not answer.ok:
            raise ProviderError(f"{doing} to {self._host}: {answer.what}", hint="give the URL where it leads")


Config = WebhookConfig
Tracker = WebhookTracker
