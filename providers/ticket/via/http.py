"""Tickets in any tracker with a JSON API: the YAML says what is sent where, and where in the answers things stand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any, ClassVar, Final, Self
from urllib.parse import unquote, urlencode, urlsplit

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.calls import FORM, Call
from providers.ticket.credentials import Credentials, GivenAuth
from providers.ticket.filling import as_instant, fill, fill_path, fill_query, names_in, pick, pick_first, texts_in
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.http_config import HttpConfig
from providers.ticket.lists import Asked, check_said, list_all, pause, read_each
from providers.ticket.markdown import read_html, write_html, write_text
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.answer import Answer
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Transport

_SETTLES: Final = (1, 2, 4, 8, 15, 15, 15)
"""So many seconds a new ticket may take until the list has it, where nothing else is said."""


class HttpTracker(ApiTracker):
    """Tickets that bear a label of the app; whoever gives one a status of `done` attests it."""

    Config = HttpConfig
    closing: ClassVar[str] = (
        "Close this ticket as done. What was done, and anything that shows it, belongs into a comment.\n\n"
        "If it cannot or must not be done, say why in a comment, and close it as rejected."
    )

    def __init__(self, transport: Transport, config: HttpConfig, surroundings: Surroundings) -> None:
        super().__init__(transport, f"tickets in {config.url}", surroundings.app)
        self._config = config
        self._people = surroundings.people
        self._label = plain_label(surroundings.app)
        self._labelled = "label" in names_in([config.list.asked, config.fields.label])
        self._ids: dict[str, str] = {}
        self._opened: dict[str, Record] = {}
        self._earlier: set[str] | None = None
        self._prompt = False
        meant = {
            Status.OPEN: config.open,
            Status.DONE: config.done,
            Status.REJECTED: config.rejected,
            Status.SUPERSEDED: config.superseded,
        }
        self._statuses = {text.casefold(): status for status, texts in meant.items() for text in texts}

    @classmethod
    def make(cls, config: HttpConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        headers = {name: ("", secret) for name, secret in config.secrets.headers.items()}
        if config.token:
            headers[config.header] = (config.scheme, config.token)
        login = (config.username, config.password) if config.username or config.password else None
        auth = GivenAuth(Credentials(headers, config.secrets.query, login), surroundings)
        name = f"{surroundings.app} (tickets)"
        transport = Transport(config.url, surroundings, name=name, headers=config.headers, auth=auth)
        return cls(transport, config, surroundings)

    async def _asking(self, asked: Asked, doing: str) -> Answer:
        if asked.method == "POST":
            return await self.ask(asked.path, asked.body, doing, asked.query)
        return await self.get(asked.path, doing, asked.query)

    async def records(self) -> Sequence[Record]:
        """Return every ticket with the app's label, in the order of their ids, and those that were opened just now.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        ids = await self._list()
        if self._config.read:
            late: dict[str, dict[str, Any]] = {name: {} for name in self._opened if name not in ids}
            doing = f"read {self.where}"
            ids = await read_each(self._asking, self._config.read, self._config.fields.id, {**ids, **late}, doing)
        found = [self._found(name, ids[name]) for name in sorted(ids, key=lambda name: (len(name), name))]
        hint = f"take {self._label!r} from what is no ticket" if self._labelled else "move what is no ticket elsewhere"
        known = read_found(found, self._app, self.where, hint=hint)
        keys = {record.key for record in known}
        return [*known, *(record for record in self._opened.values() if record.key not in keys)]

    async def _list(self) -> dict[str, dict[str, Any]]:
        """Return what the list has of this app, by id."""
        doing = f"list {self.where}"
        listed = await list_all(self._asking, self._config.list, {"label": self._label}, doing)
        return {str(pick(one, self._config.fields.id, doing)): one for one in self._ours(listed, doing)}

    def _ours(self, listed: list[dict[str, Any]], doing: str) -> list[dict[str, Any]]:
        """Return the tickets with the app's label, where the list holds others, too."""
        if not (path := self._config.fields.label):
            return listed
        return [one for one in listed if self._label in texts_in(pick(one, path, doing))]

    def _found(self, name: str, one: dict[str, Any]) -> Found:
        fields, doing = self._config.fields, f"read a ticket of {self.where}"
        address = fill(self._config.address, {"id": name})
        self._ids[address] = name
        text = str(pick(one, fields.text, doing) or "")
        text = read_html(text) if self._config.format == "html" else text
        status = self._status(one, address, doing)
        if status is Status.OPEN:
            return Found(address, text, status)
        by = str(pick_first(one, fields.closed_by, doing) or "")
        return Found(address, text, status, as_instant(pick_first(one, fields.closed_at, doing)), by or "somebody")

    def _status(self, one: dict[str, Any], address: str, doing: str) -> Status:
        """Return what the first of the paths says that says anything.

        Raises:
            ProviderError: the YAML lists every status, and this one is not among them.
        """
        texts = [text for path in self._config.fields.status for text in texts_in(pick(one, path, doing))]
        said = next((self._statuses[text.casefold()] for text in texts if text.casefold() in self._statuses), None)
        if said is None and self._config.open:
            listed = ", ".join(repr(text) for text in texts[:5]) or "nothing"
            raise ProviderError(
                f"{address}: its status is {listed}, which is none of `open`, `done`, `rejected` and `superseded`",
                hint="say what it means",
            )
        return said or Status.OPEN

    async def create(self, letter: Letter) -> str | None:
        """Open a ticket, with the label by which it is found again.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        name, email = self._people.get(letter.record.owner, ("", ""))
        values = {"title": letter.title, "text": self._write(letter), "label": self._label}
        values |= {"key": letter.record.key, "due": f"{letter.due:%Y-%m-%d}", "app": self._app}
        values |= {"owner": letter.record.owner, "owner_name": name, "owner_email": email}
        doing = f"open a ticket in {self.where}"
        if letter.record.key in await self._earlier_ones():
            return None
        try:
            answer = await self._do(self._config.create, values, doing)
        except TransportError as error:
            if error.landed is not None:
                raise
            return await self._look_for(letter, error)
        name = self._id_in(answer, doing)
        address: str = fill(self._config.address, {"id": name})
        self._ids[address] = name
        self._opened[name] = replace(letter.record, address=address)
        await self._see(name, address)
        return address

    def _write(self, letter: Letter) -> str:
        footer = write_footer(letter.record)
        match self._config.format:
            case "html":
                return f"{write_html(letter.body)}\n<p>{escape(footer, quote=False)}</p>\n"
            case "text":
                return f"{write_text(letter.body)}\n{footer}\n"
        return f"{letter.body}\n{footer}\n"

    def _id_in(self, answer: Answer, doing: str) -> str:
        """Return the id of what was made: in the body, or at the end of `Location`.

        Raises:
            ProviderError: it is in neither.
        """
        path = self._config.create.id
        found = pick(answer.json(), path, doing) if answer.content.strip() else None
        if found in {None, ""}:
            found = unquote(urlsplit(answer.headers.get("location", "")).path.rstrip("/").rpartition("/")[2])
        if not found:
            raise ProviderError(f"{doing}: the answer has no {path!r}", hint="correct the path in `create: {id: …}`")
        return str(found)

    async def _earlier_ones(self) -> set[str]:
        """Return the keys of what earlier runs opened, once the list must have all of it: with `lag`, after a wait."""
        if self._config.lag and self._earlier is None:
            await pause(self._config.lag.total_seconds())
            self._earlier = {record.key for record in await self.records()}
        return self._earlier or set()

    async def _look_for(self, letter: Letter, lost: TransportError) -> str:
        """Return the address of a ticket whose answer was lost, once the list has it.

        Raises:
            TransportError: the list does not have it.
        """
        for seconds in (0.0, self._config.lag.total_seconds()):
            await pause(seconds)
            for record in await self.records():
                if record.key == letter.record.key:
                    return record.address
        raise lost

    async def _see(self, name: str, address: str) -> None:
        """Make sure that the list has a new ticket: the next run must find it there, or it would open another.

        Once a ticket was there at once, later ones are taken to be, too. With `lag`, the next run waits in our place.
        A list that fails proves nothing against the ticket.

        Raises:
            ProviderError: it is not there after a minute.
        """
        if self._prompt or self._config.lag:
            return
        for seconds in (0, *_SETTLES):
            await pause(seconds)
            try:
                listed = await self._list()
            except ProviderError:
                return
            if name in listed:
                self._prompt = not seconds
                return
        raise ProviderError(
            f"{address} was opened, and `list` does not have it after {sum(_SETTLES)} s",
            hint="correct `list` and `create`, or say with `lag: 5m` how late it may be; else each run opens it again",
        )

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a comment holds the mark.

        Raises:
            ProviderError: the comments cannot be listed whole.
        """
        doing = f"read the comments of {record.address}"
        call = self._config.comments
        listed = await list_all(self._asking, call, {"id": self._id(record)}, doing)
        return any(mark in str(pick(one, call.text, doing) or "") for one in listed)

    async def note(self, record: Record, remark: Remark) -> None:
        """Write a comment.

        Raises:
            ProviderError: it was not written, or it is not known.
        """
        await self._say(record, f"{remark.text}\n\n{remark.mark}", f"comment on {record.address}")

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Cancel a ticket, with a comment that says why.

        Raises:
            ProviderError: it is gone, or cannot be cancelled.
        """
        doing = f"close {record.address} as {status.value}"
        await self._say(record, f"Closed: {reason}. Please do not do this any more.", doing)
        await self._do(self._config.close, {"id": self._id(record), "reason": reason}, doing)

    async def _say(self, record: Record, text: str, doing: str) -> None:
        if self._config.format == "html":
            text = "".join(f"<p>{escape(part, quote=False)}</p>" for part in text.split("\n\n"))
        await self._do(self._config.comment, {"id": self._id(record), "text": text}, doing)

    async def _do(self, call: Call, values: Mapping[str, str], doing: str) -> Answer:
        """Send a request that writes, and return the answer.

        Raises:
            ProviderError: no answer, or a refusal, also one that is sent as success.
        """
        path, query, body = fill_path(call.path, values), fill_query(call.query, values), fill(call.body, values)
        if call.type == "form":
            fields = {name: one if isinstance(one, str) else json.dumps(one) for name, one in body.items()}
            headers, content = {"Content-Type": FORM}, urlencode(fields).encode()
            answer = await self.send(call.method, path, None, doing, headers, params=query, content=content)
        else:
            headers = {"Content-Type": call.type} if call.type else {}
            answer = await self.send(call.method, path, body, doing, headers, params=query)
        check_said(answer, doing)
        return answer

    def _id(self, record: Record) -> str:
        """Return the id of a ticket that was listed.

        Raises:
            ProviderError: it was not.
        """
        if record.address not in self._ids:
            raise ProviderError(f"{record.address} is not among {self.where}", hint="somebody removed the ticket")
        return self._ids[record.address]


Config = HttpConfig
Tracker = HttpTracker
