"""Tickets in any tracker with a JSON API: the YAML says what is sent where, and where in the answers things stand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.config import TicketConfig
from providers.ticket.filling import as_instant, check_names, fill, fill_path, names_in, pick, pick_list
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.markdown import write_text
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.auth import BasicAuth, BearerAuth, SecretAuth
from reconciler.provider.config import ProviderConfig
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport

_MOST_PAGES: Final = 10_000
_PAGED: Final = frozenset({"page", "offset"})
_LETTER: Final = frozenset({"title", "text", "label", "key", "due", "app", "owner", "owner_name", "owner_email"})


class Call(ProviderConfig):
    """One request that writes. Texts may hold `{{ names }}`."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str = Field(min_length=1, description="below `url`")
    query: Mapping[str, str] = Field(default_factory=dict)
    body: Any = Field(default=None, description="JSON")


class Creating(Call):
    """The request that opens a ticket."""

    id: str = Field(default="id", description="where the answer has the ticket's id: `issue.id`")


class Listing(ProviderConfig):
    """A request that lists something, page by page or at once."""

    path: str = Field(min_length=1, description="below `url`")
    query: Mapping[str, str] = Field(
        default_factory=dict, description="with {{ page }} (from 1) or {{ offset }} (from 0) where there are pages"
    )
    items: str = Field(default="", description="where the answer has the list: `data.issues`; empty: it is the list")
    total: str = Field(default="", description="where the answer says how many there are in all")

    @property
    def paged(self) -> bool:
        """Return whether it is asked for page by page."""
        return bool(names_in([self.path, dict(self.query)]) & _PAGED)


class CommentListing(Listing):
    """The request that lists what was said about a ticket."""

    text: str = Field(description="where a comment has its text")


class Fields(ProviderConfig):
    """Where a ticket has what the tool needs."""

    id: str = "id"
    text: str = Field(description="the text that it was opened with")
    status: str = Field(description="what says whether it is done: `status.name`")
    closed_at: str = Field(description="when it was closed: ISO 8601, or seconds or milliseconds since 1970")
    closed_by: str = Field(default="", description="who closed it")


class HttpConfig(TicketConfig):
    """Tickets in a tracker of which only the YAML knows how it speaks."""

    url: str = Field(pattern=r"^https?://", description="via http: what all paths are below")
    token: Secret | None = Field(default=None, description="via http: sent with each request")
    scheme: str = Field(default="Bearer", description="via http: what stands before the token; may be empty")
    header: str = Field(default="Authorization", description="via http: the header that the token is sent in")
    username: str = Field(default="", description="via http: with `password`, in place of a token")
    password: Secret | None = Field(default=None, description="via http: the password of that user")
    headers: Mapping[str, str] = Field(default_factory=dict, description="via http: more headers, none of them secret")
    format: Literal["markdown", "text"] = Field(default="markdown", description="via http: how {{ text }} is written")
    address: str = Field(description="via http: where a person finds a ticket: `https://it.acme.example/{{ id }}`")
    create: Creating = Field(description="via http: the request that opens a ticket")
    list: Listing = Field(description="via http: the request that lists the tickets of a {{ label }}, closed ones too")
    fields: Fields = Field(description="via http: where a listed ticket has what the tool needs")
    close: Call = Field(description="via http: the request that cancels a ticket")
    comment: Call = Field(description="via http: the request that comments on a ticket")
    comments: CommentListing = Field(description="via http: the request that lists the comments of a ticket")
    done: tuple[str, ...] = Field(min_length=1, description="via http: statuses that mean done")
    rejected: tuple[str, ...] = Field(min_length=1, description="via http: statuses that mean that it was not done")
    superseded: tuple[str, ...] = Field(min_length=1, description="via http: the status that `close` sets")

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if bool(self.token) == bool(self.password) or bool(self.username) != bool(self.password):
            raise ValueError("either `token`, or `username` and `password`")
        if not self.list.paged and not self.list.total:
            raise ValueError("`list` needs {{ page }} or {{ offset }}, or `total`: else it may be cut off")
        check_names("list", [self.list.path, dict(self.list.query)], {"label", *_PAGED}, {"label"})
        check_names("create", [self.create.path, dict(self.create.query), self.create.body], _LETTER, {"text", "label"})
        check_names("comment", [self.comment.path, self.comment.body], {"id", "text"}, {"id", "text"})
        check_names("comments", [self.comments.path, dict(self.comments.query)], {"id", *_PAGED}, {"id"})
        check_names("close", [self.close.path, dict(self.close.query), self.close.body], {"id", "reason"}, {"id"})
        check_names("address", self.address, {"id"}, {"id"})
        texts = [text.casefold() for text in (*self.done, *self.rejected, *self.superseded)]
        if len(set(texts)) != len(texts):
            raise ValueError("a status is one of `done`, `rejected` and `superseded`, not of two")
        return self


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
        self._ids: dict[str, str] = {}
        meant = {Status.DONE: config.done, Status.REJECTED: config.rejected, Status.SUPERSEDED: config.superseded}
        self._statuses = {text.casefold(): status for status, texts in meant.items() for text in texts}

    @classmethod
    def make(cls, config: HttpConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        auth: SecretAuth | None = None
        if config.token:
            auth = BearerAuth(config.token, surroundings, scheme=config.scheme, header=config.header)
        elif config.password:
            auth = BasicAuth(config.username, config.password, surroundings)
        name = f"{surroundings.app} (tickets)"
        transport = Transport(config.url, surroundings, name=name, headers=config.headers, auth=auth)
        return cls(transport, config, surroundings)

    async def records(self) -> Sequence[Record]:
        """Return every ticket with the app's label, in the order of their ids.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        doing = f"list {self.where}"
        listed = [one async for one in self._items(self._config.list, {"label": self._label}, doing)]
        ids = {str(pick(one, self._config.fields.id, doing)): one for one in listed}
        found = [self._found(name, ids[name]) for name in sorted(ids, key=lambda name: (len(name), name))]
        return read_found(found, self._app, self.where, hint=f"take {self._label!r} from what is no ticket")

    async def _items(self, call: Listing, values: Mapping[str, str], doing: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what a request lists, until a page has nothing new.

        Raises:
            ProviderError: fewer came than were announced, or there are too many.
        """
        seen: dict[str, None] = {}
        total = None
        for page in range(1, _MOST_PAGES):
            here = {**values, "page": str(page), "offset": str(len(seen))}
            answer = await self.get(fill_path(call.path, here), doing, fill(dict(call.query), here))
            document = answer.json()
            total = pick(document, call.total, doing) if call.total else None
            new = {repr(sorted(one.items(), key=str)): one for one in pick_list(document, call.items, doing)}
            fresh = [one for name, one in new.items() if name not in seen]
            seen.update(dict.fromkeys(new))
            for one in fresh:
                yield one
            if not call.paged or not fresh:
                break
        else:
            raise ProviderError(f"{doing}: more than {_MOST_PAGES} pages", hint="use a place of its own")
        if call.total and str(total) != str(len(seen)):
            raise ProviderError(f"{doing}: {total} were announced, {len(seen)} were listed", hint="look at `query`")

    def _found(self, name: str, one: dict[str, Any]) -> Found:
        fields, doing = self._config.fields, f"read a ticket of {self.where}"
        address = fill(self._config.address, {"id": name})
        self._ids[address] = name
        text = str(pick(one, fields.text, doing) or "")
        status = self._statuses.get(str(pick(one, fields.status, doing)).casefold(), Status.OPEN)
        if status is Status.OPEN:
            return Found(address, text, status)
        by = str(pick(one, fields.closed_by, doing) or "") if fields.closed_by else ""
        return Found(address, text, status, as_instant(pick(one, fields.closed_at, doing)), by or "somebody")

    async def create(self, letter: Letter) -> str | None:
        """Open a ticket, with the label by which it is found again.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        name, email = self._people.get(letter.record.owner, ("", ""))
        body = letter.body if self._config.format == "markdown" else write_text(letter.body)
        values = {"title": letter.title, "text": f"{body}\n{write_footer(letter.record)}\n", "label": self._label}
        values |= {"key": letter.record.key, "due": f"{letter.due:%Y-%m-%d}", "app": self._app}
        values |= {"owner": letter.record.owner, "owner_name": name, "owner_email": email}
        doing = f"open a ticket in {self.where}"
        answer = await self._do(self._config.create, values, doing)
        found = pick(answer, self._config.create.id, doing)
        if found in {None, ""}:
            what = f"{doing}: the answer has no {self._config.create.id!r}"
            raise ProviderError(what, hint="correct the path in `create: {id: …}`")
        address: str = fill(self._config.address, {"id": str(found)})
        self._ids[address] = str(found)
        return address

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a comment holds the mark.

        Raises:
            ProviderError: the comments cannot be listed whole.
        """
        doing = f"read the comments of {record.address}"
        call = self._config.comments
        listed = [one async for one in self._items(call, {"id": self._id(record)}, doing)]
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
        await self._do(self._config.comment, {"id": self._id(record), "text": text}, doing)

    async def _do(self, call: Call, values: Mapping[str, str], doing: str) -> Any:
        """Send a request that writes, and return what came back: nothing where the answer is empty.

        Raises:
            ProviderError: no answer, or a refusal.
        """
        path, query = fill_path(call.path, values), fill(dict(call.query), values)
        answer = await self.send(call.method, path, fill(call.body, values), doing, params=query)
        return answer.json() if answer.content.strip() else None

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
