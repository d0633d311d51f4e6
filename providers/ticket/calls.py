"""What the YAML says of a stranger's API: which request does what, and where in the answers things stand."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from providers.ticket.filling import names_in
from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

PAGED: Final = frozenset({"page", "page0", "offset", "cursor"})
FORM: Final = "application/x-www-form-urlencoded"
HEADER: Final = "header"
"""What `next` says where the next page is in the header `Link` (RFC 8288)."""
_LONGEST_LAG: Final = 600


def _as_texts(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_seconds(value: object) -> object:
    """Turn `90s` or `2m` into a timedelta; anything else is left to pydantic."""
    if isinstance(value, str) and value[:-1].strip().isdecimal() and value[-1:] in ("s", "m"):
        return timedelta(seconds=int(value[:-1]) * (60 if value.endswith("m") else 1))
    return value


Paths = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
"""One path or several, of which the first that says something counts."""
Lag = Annotated[timedelta, BeforeValidator(_as_seconds), Field(ge=timedelta(), le=timedelta(seconds=_LONGEST_LAG))]
Query = Mapping[str, Any]


class Call(ProviderConfig):
    """One request that writes. Texts may hold `{{ names }}`."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str = Field(min_length=1, description="below `url`")
    query: Query = Field(default_factory=dict, description="texts; anything else is sent as JSON")
    body: Any = Field(default=None, description="JSON")
    type: str = Field(
        default="",
        pattern=r"^(?:form|[\w.+-]+/[\w.+-]+)?$",
        description="what the body is sent as: `form`, or a media type such as `application/json-patch+json`",
    )

    @model_validator(mode="after")
    def _is_a_form(self) -> Self:
        if self.type == "form" and not isinstance(self.body, Mapping):
            raise ValueError("a form is a mapping: names and values")
        return self


class Creating(Call):
    """The request that opens a ticket."""

    id: str = Field(
        default="id", description="where the answer has the ticket's id: `issue.id`; else it is taken from `Location`"
    )


class Listing(ProviderConfig):
    """A request that lists something, page by page or at once."""

    method: Literal["GET", "POST"] = Field(default="GET", description="POST for a search with a body")
    path: str = Field(min_length=1, description="below `url`")
    query: Query = Field(
        default_factory=dict,
        description="with {{ page }} (from 1), {{ page0 }} (from 0), {{ offset }} (from 0) or {{ cursor }}",
    )
    body: Any = Field(default=None, description="JSON, with POST")
    items: str = Field(default="", description="where the answer has the list: `data.issues`; empty: it is the list")
    total: str = Field(default="", description="where the answer says how many there are in all")
    next: str = Field(
        default="",
        description="where the answer has the next page: its URL, or what {{ cursor }} stands for; `header`: Link",
    )
    most: int = Field(default=0, ge=0, description="how many an answer holds at most; as many as that may be cut off")

    @property
    def asked(self) -> list[Any]:
        """Return everything that may hold `{{ names }}`."""
        return [self.path, dict(self.query), self.body]

    @property
    def paged(self) -> bool:
        """Return whether it is asked for page by page."""
        return bool(names_in(self.asked) & PAGED) or bool(self.next)

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if "cursor" in names_in(self.asked) and not self.next:
            raise ValueError("{{ cursor }} needs `next`: where the answer has it")
        if self.body is not None and self.method == "GET":
            raise ValueError("a `body` needs `method: POST`")
        return self


class CommentListing(Listing):
    """The request that lists what was said about a ticket."""

    text: str = Field(description="where a comment has its text")


class Reading(ProviderConfig):
    """The request that reads tickets whose ids were listed: where a list has too little, or is late."""

    path: str = Field(min_length=1, description="below `url`, with {{ id }}, or {{ ids }} for several at once")
    query: Query = Field(default_factory=dict)
    items: str = Field(default="", description="with {{ ids }}: where the answer has the list")
    at_once: int = Field(default=100, ge=1, le=1000, description="how many {{ ids }} one request asks for")

    @property
    def several(self) -> bool:
        """Return whether one request reads several tickets."""
        return "ids" in names_in([self.path, dict(self.query)])


class Fields(ProviderConfig):
    """Where a ticket has what the tool needs."""

    id: str = "id"
    text: str = Field(description="the text that it was opened with")
    status: Paths = Field(
        min_length=1, description="what says whether it is done: `status.name`; of several, the first that says it"
    )
    closed_at: Paths = Field(
        min_length=1, description="when it was closed: ISO 8601, or seconds or milliseconds since 1970"
    )
    closed_by: Paths = Field(default=(), description="who closed it")
    label: str = Field(default="", description="where it has the {{ label }}, if `list` cannot ask for it")


class Secrets(ProviderConfig):
    """Secrets that are sent with each request, beside or in place of `token`."""

    headers: Mapping[str, Secret] = Field(default_factory=dict, description="header: secret")
    query: Mapping[str, Secret] = Field(default_factory=dict, description="parameter of the URL: secret")
