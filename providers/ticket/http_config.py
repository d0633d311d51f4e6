"""What the YAML says of a tracker that only the YAML knows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from providers.ticket.calls import PAGED, Call, CommentListing, Creating, Fields, Lag, Listing, Reading, Secrets
from providers.ticket.config import TicketConfig
from providers.ticket.filling import check_names, names_in
from reconciler.provider.secret import Secret

_LETTER: Final = frozenset({"title", "text", "label", "key", "due", "app", "owner", "owner_name", "owner_email"})


class HttpConfig(TicketConfig):
    """Tickets in a tracker of which only the YAML knows how it speaks."""

    url: str = Field(pattern=r"^https?://", description="via http: what all paths are below")
    token: Secret | None = Field(default=None, description="via http: sent with each request")
    scheme: str = Field(default="Bearer", description="via http: what stands before the token; may be empty")
    header: str = Field(default="Authorization", description="via http: the header that the token is sent in")
    username: Secret | str = Field(
        default="",
        description="via http: with `password`, in place of a token; a secret where it is the token",
    )
    password: Secret | None = Field(default=None, description="via http: the password of that user")
    secrets: Secrets = Field(default_factory=Secrets, description="via http: more secrets, in headers or in the URL")
    headers: Mapping[str, str] = Field(default_factory=dict, description="via http: more headers, none of them secret")
    format: Literal["markdown", "text", "html"] = Field(
        default="markdown", description="via http: how {{ text }} is written"
    )
    lag: Lag = Field(
        default=timedelta(),
        description="via http: how late `list` may be: `2m`; runs wait before they open any",
    )
    address: str = Field(description="via http: where a person finds a ticket: `https://it.acme.example/{{ id }}`")
    create: Creating = Field(description="via http: the request that opens a ticket")
    list: Listing = Field(description="via http: the request that lists the tickets of a {{ label }}, closed ones too")
    read: Reading | None = Field(default=None, description="via http: the request that reads what `list` found")
    fields: Fields = Field(description="via http: where a listed ticket has what the tool needs")
    close: Call = Field(description="via http: the request that cancels a ticket")
    comment: Call = Field(description="via http: the request that comments on a ticket")
    comments: CommentListing = Field(description="via http: the request that lists the comments of a ticket")
    open: tuple[str, ...] = Field(default=(), description="via http: if given, any status that is nowhere is an error")
    done: tuple[str, ...] = Field(min_length=1, description="via http: statuses that mean done")
    rejected: tuple[str, ...] = Field(min_length=1, description="via http: statuses that mean that it was not done")
    superseded: tuple[str, ...] = Field(min_length=1, description="via http: the status that `close` sets")

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        login = bool(self.password) or isinstance(self.username, Secret)
        more = bool(self.secrets.headers or self.secrets.query)
        if bool(self.token) + login > 1 or not (self.token or login or more) or (self.username and not login):
            raise ValueError("either `token`, or `username` and `password`, or `secrets`")
        if not self.list.paged and not self.list.total and not self.list.most:
            raise ValueError("`list` needs {{ page }}, {{ offset }}, `next`, `total` or `most`: else it may be cut off")
        where = {"label"} if "label" in names_in(self.list.asked) or self.fields.label else set()
        check_names("list", self.list.asked, {"label", *PAGED}, where if not self.fields.label else ())
        check_names("create", [self.create.path, dict(self.create.query), self.create.body], _LETTER, {"text", *where})
        if not where and "label" in names_in([self.create.path, dict(self.create.query), self.create.body]):
            raise ValueError("`list` does not say where {{ label }} goes; or say with `fields: {label: …}` where it is")
        said = [self.comment.path, dict(self.comment.query), self.comment.body]
        check_names("comment", said, {"id", "text"}, {"id", "text"})
        check_names("comments", self.comments.asked, {"id", *PAGED}, {"id"})
        if self.read and not names_in([self.read.path, dict(self.read.query)]) & {"id", "ids"}:
            raise ValueError("`read` does not say where {{ id }} or {{ ids }} goes")
        check_names("close", [self.close.path, dict(self.close.query), self.close.body], {"id", "reason"}, {"id"})
        check_names("address", self.address, {"id"}, {"id"})
        texts = [text.casefold() for text in (*self.open, *self.done, *self.rejected, *self.superseded)]
        if len(set(texts)) != len(texts):
            raise ValueError("a status is one of `open`, `done`, `rejected` and `superseded`, not of two")
        return self
