"""Tickets as records of a ServiceNow table, through the Table API.

Source: https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html. The instance leaves out what it does
not like without a word: unknown fields of what is written, invalid parts of a query, records that the user may not see.
So what was written is looked at, what was listed is filtered again, and the number of records must be that announced.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_footer, read_found, write_footer
from providers.ticket.markdown import write_text
from providers.ticket.record import Record, RecordError, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.auth import BasicAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport

_PAGE: Final = 200
_MOST_PAGES: Final = 500
_LONGEST_TITLE: Final = 160
_LONGEST_TEXT: Final = 4000
_CUT: Final = "\n[…]\n"
_FIELDS: Final = (
    "sys_id,correlation_id,correlation_display,description,state,close_code,close_notes,resolved_at,resolved_by.name,"
    "closed_at,closed_by.name,sys_updated_on,sys_updated_by"
)
_PLAIN: Final = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}


class ServicenowConfig(TicketConfig):
    """Tickets as records of a table that extends `task`."""

    batch: int = Field(
        default=8,
        ge=1,
        le=10,
        description="via servicenow: how many changes of one person one ticket may ask for; its texts are short",
    )
    url: str = Field(description="via servicenow: the instance, as https://acme.service-now.com")
    table: str = Field(
        default="incident", pattern=r"^[a-z][a-z0-9_]*$", description="via servicenow: the table of the tickets"
    )
    username: str = Field(min_length=1, description="via servicenow: the user that opens the tickets")
    password: Secret = Field(description="via servicenow: the password of that user")
    group: str = Field(default="", description="via servicenow: the sys_id of the group to which tickets are assigned")
    done: tuple[str, ...] = Field(
        default=("6", "7"), min_length=1, description="via servicenow: values of `state` that mean done"
    )
    rejected: tuple[str, ...] = Field(
        default=("8",), min_length=1, description="via servicenow: values of `state` that mean that it was not done"
    )
    rejected_codes: tuple[str, ...] = Field(
        default=("No resolution provided", "Duplicate", "Not Solved (Not Reproducible)", "Not Solved (Too Costly)"),
        description="via servicenow: values of `close_code` that mean that it was not done, whatever the state",
    )
    close_code: str = Field(
        default="", description="via servicenow: the `close_code` of cancelled tickets, where the table demands one"
    )


class ServicenowTracker(ApiTracker):
    """Records with the app in `correlation_display` and the key in `correlation_id`; who resolves one attests it."""

    Config = ServicenowConfig
    closing: ClassVar[str] = (
        "Resolve this record. What was done, and anything that shows it, belongs into the resolution notes.\n\n"
        "If it cannot or must not be done, say why in the notes, and cancel it."
    )

    def __init__(self, transport: Transport, config: ServicenowConfig, app: str) -> None:
        super().__init__(transport, f"{config.table} of {config.url}", app)
        self._config = config
        self._label = plain_label(app)
        self._path = f"table/{config.table}"
        self._site = f"{config.url.rstrip('/')}/{config.table}.do?sys_id="

    @classmethod
    def make(cls, config: ServicenowConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        # No rates: the vendor publishes none; what the instance's own rules say comes with its answers.
        transport = Transport(
            f"{config.url.rstrip('/')}/api/now",
            surroundings,
            name=f"{surroundings.app} (tickets in ServiceNow)",
            auth=BasicAuth(config.username, config.password, surroundings),
        )
        return cls(transport, config, surroundings.app)

    async def records(self) -> Sequence[Record]:
        """Return every record that names the app, the oldest first.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        found = [self._found(row) async for row in self._rows() if row.get("correlation_display") == self._label]
        hint = f"take {self._label!r} from the correlation display of what is no ticket"
        return read_found(found, self._app, self.where, hint=hint)

    async def _rows(self) -> AsyncIterator[Mapping[str, str]]:
        """Yield the rows of the query, page by page.

        Raises:
            ProviderError: fewer came than were announced, or there are too many.
        """
        seen: set[str] = set()
        query = f"correlation_display={self._label}^ORDERBYsys_created_on^ORDERBYsys_id"
        for page in range(_MOST_PAGES):
            params: dict[str, str | int] = {"sysparm_query": query, "sysparm_fields": _FIELDS, **_PLAIN}
            params |= {"sysparm_limit": _PAGE, "sysparm_offset": page * _PAGE}
            answer = await self.get(self._path, f"list {self.where}", params)
            for row in answer.decode(dict[str, Any])["result"]:
                if row["sys_id"] not in seen:
                    yield row
                seen.add(row["sys_id"])
            total = _total(answer.headers.get("x-total-count"), self.where)
            if (page + 1) * _PAGE >= total:
                if len(seen) != total:
                    raise ProviderError(
                        f"{self.where}: {total} were announced, {len(seen)} were listed",
                        hint="let the user of the tickets read all of them, and run again",
                    )
                return
        raise ProviderError(f"{self.where}: more than {_MOST_PAGES * _PAGE}", hint="use a table of its own")

    def _found(self, row: Mapping[str, str]) -> Found:
        address, text, status = self._site + row["sys_id"], row.get("description", ""), self._status(row)
        if status is Status.OPEN:
            return Found(address, text, status)
        which = "resolved" if row.get("resolved_at") and status is Status.DONE else "closed"
        at, by = row.get(f"{which}_at"), row.get(f"{which}_by.name")
        return Found(
            address, text, status, _instant(at or row["sys_updated_on"]), by or row.get("sys_updated_by") or "somebody"
        )

    def _status(self, row: Mapping[str, str]) -> Status:
        state = row["state"]
        if state not in (*self._config.done, *self._config.rejected):
            return Status.OPEN
        if row.get("close_notes", "").startswith(f"{Status.SUPERSEDED.value}: "):
            return Status.SUPERSEDED
        rejected = state in self._config.rejected or row.get("close_code") in self._config.rejected_codes
        return Status.REJECTED if rejected else Status.DONE

    async def create(self, letter: Letter) -> str | None:
        """Open a record, and look whether the instance kept what it is found by.

        Raises:
            ProviderError: it was not opened, or without that, or it is not known.
        """
        fields = {
            "short_description": letter.title[:_LONGEST_TITLE],
            "description": _describe(letter),
            "correlation_id": letter.record.key,
            "correlation_display": self._label,
        }
        fields |= {"assignment_group": self._config.group} if self._config.group else {}
        answer = await self.send("POST", self._path, fields, f"open a ticket in {self.where}", params=_PLAIN)
        row = answer.decode(dict[str, Any])["result"]
        address = self._site + str(row["sys_id"])
        if row.get("correlation_display") != self._label or not _is_whole(row.get("description", "")):
            # And it does not name the app any more, which would stop at a ticket without its last line.
            notes = {"close_notes": "It could not be written whole.", "correlation_display": ""}
            await self._cancel(row["sys_id"], notes, f"close {address}")
            raise ProviderError(
                f"{address} was opened without what it is found by, and cancelled",
                hint=f"let the user write description, correlation_id and correlation_display of {self._config.table}",
            )
        return address

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether the additional comments hold the mark: with display values the instance gives all of them.

        Raises:
            ProviderError: they cannot be read.
        """
        path = f"{self._path}/{record.address.removeprefix(self._site)}"
        params: dict[str, str | int] = {"sysparm_fields": "sys_id,comments", "sysparm_display_value": "true"}
        answer = await self.get(path, f"read the comments of {record.address}", params)
        return mark in str(answer.decode(dict[str, Any])["result"].get("comments", ""))

    async def note(self, record: Record, remark: Remark) -> None:
        """Write an additional comment, and look whether the instance kept it.

        Raises:
            ProviderError: it was not written, or not kept, or it is not known.
        """
        path = f"{self._path}/{record.address.removeprefix(self._site)}"
        doing = f"comment on {record.address}"
        await self.send("PATCH", path, {"comments": f"{remark.text}\n\n{remark.mark}"}, doing, params=_PLAIN)
        if not await self.has_note(record, remark.mark):
            hint = f"let the user read and write the comments of {self._config.table}"
            raise ProviderError(f"{doing}: the comment was left out", hint=hint)

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Cancel a record, with notes that say why.

        Raises:
            ProviderError: it is gone, or cannot be cancelled.
        """
        notes = {"close_notes": f"{status.value}: {reason}. Please do not do this any more."}
        await self._cancel(record.address.removeprefix(self._site), notes, f"close {record.address}")

    async def _cancel(self, sys_id: str, notes: Mapping[str, str], doing: str) -> None:
        fields = {"state": self._config.rejected[0], **notes}
        fields |= {"close_code": self._config.close_code} if self._config.close_code else {}
        answer = await self.send("PATCH", f"{self._path}/{sys_id}", fields, doing, params=_PLAIN)
        state = answer.decode(dict[str, Any])["result"].get("state")
        if state != self._config.rejected[0]:
            raise ProviderError(
                f"{doing}: the state is still {state!r}",
                hint=f"name the value of `state` that cancels a record of {self._config.table} first in `rejected`",
            )


def _describe(letter: Letter) -> str:
    """Return the text with its last line; where the field is too short for both, the text is cut, that line never."""
    footer = write_footer(letter.record)
    text = write_text(letter.body)
    room = _LONGEST_TEXT - len(footer) - 2
    return f"{text if len(text) <= room else text[: max(0, room - len(_CUT))] + _CUT}\n{footer}\n"


def _is_whole(text: str) -> bool:
    try:
        read_footer(text)
    except RecordError:
        return False
    return True


def _total(header: str | None, where: str) -> int:
    if header is None or not header.isdecimal():
        raise ProviderError(f"{where}: the answer does not say how many there are (X-Total-Count)")
    return int(header)


def _instant(text: str) -> str:
    """Return the instance's `2026-03-02 10:00:00`, which is UTC, as ISO 8601."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).isoformat()


Config = ServicenowConfig
Tracker = ServicenowTracker
