"""A tracker of a package of its own: tickets in Acme Desk, a ticket system with a small JSON API.

GET   /api/tickets?queue=access-chat&page=1   {"tickets": [{"id", "text", "state", "closed_at", "closed_by"}], "pages"}
POST  /api/tickets                            {"queue", "subject", "text"} → {"id"}
PATCH /api/tickets/7                          {"state": "cancelled"}
GET   /api/tickets/7/comments                 {"comments": [{"text"}]}
POST  /api/tickets/7/comments                 {"text"}
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.provider.auth import BearerAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport

STATES = {"done": Status.DONE, "refused": Status.REJECTED, "cancelled": Status.SUPERSEDED}


class AcmeConfig(TicketConfig):
    """Tickets in Acme Desk."""

    url: str = Field(description="via acme-desk: where it is")
    token: Secret = Field(description="via acme-desk: a token that may read and write tickets")


class AcmeTracker(ApiTracker):
    """Tickets of a queue of the app: whoever sets one to done attests it."""

    Config = AcmeConfig
    closing: ClassVar[str] = "Set this ticket to **done**. If it cannot or must not be done, set it to **refused**."

    @classmethod
    def make(cls, config: AcmeConfig, surroundings: Surroundings) -> Self:
        """Make it; the transport refuses to write while a plan is made, and never shows the token."""
        auth = BearerAuth(config.token, surroundings)
        transport = Transport(f"{config.url}/api", surroundings, name=f"{surroundings.app} (Acme Desk)", auth=auth)
        return cls(transport, f"tickets in {config.url}", surroundings.app)

    async def records(self) -> Sequence[Record]:
        """Return all tickets of the app, the oldest first: whole, or an error."""
        found: list[Found] = []
        page, pages = 1, 1
        while page <= pages:
            params: dict[str, str | int] = {"queue": plain_label(self._app), "page": page}
            answer = (await self.get("tickets", f"list {self.where}", params)).decode(dict[str, Any])
            found += [self._found(one) for one in answer["tickets"]]
            page, pages = page + 1, int(answer["pages"])
        return read_found(found, self._app, self.where, hint="take it out of the queue")

    def _found(self, one: dict[str, Any]) -> Found:
        status = STATES.get(one["state"], Status.OPEN)
        return Found(str(one["id"]), one["text"], status, one.get("closed_at") or "", one.get("closed_by") or "")

    async def create(self, letter: Letter) -> str | None:
        """Open a ticket; its last line is what it is known by."""
        text = f"{letter.body}\n{write_footer(letter.record)}\n"
        ticket = {"queue": plain_label(self._app), "subject": letter.title, "text": text}
        answer = await self.send("POST", "tickets", ticket, f"open a ticket in {self.where}")
        return str(answer.decode(dict[str, Any])["id"])

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Cancel a ticket, and say why."""
        doing = f"cancel the ticket {record.address}"
        text = {"text": f"{status}: {reason}"}
        await self.send("POST", f"tickets/{record.address}/comments", text, doing)
        await self.send("PATCH", f"tickets/{record.address}", {"state": "cancelled"}, doing)

    async def has_note(self, record: Record, mark: str) -> bool:
        """Look for a comment that holds the mark."""
        answer = await self.get(f"tickets/{record.address}/comments", f"read the comments of {record.address}")
        return any(mark in one["text"] for one in answer.decode(dict[str, Any])["comments"])

    async def note(self, record: Record, remark: Remark) -> None:
        """Write a comment with its mark."""
        text = {"text": f"{remark.text}\n\n{remark.mark}"}
        await self.send("POST", f"tickets/{record.address}/comments", text, f"comment on {record.address}")


Config, Tracker = AcmeConfig, AcmeTracker
