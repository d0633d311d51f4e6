"""What the YAML may say about a `scim` way."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from providers.scim.dialect import Dialect
from providers.scim.dialects import DIALECTS, choose_dialect
from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

_KIND = r"^[a-z][a-z0-9_-]*$"


class BearerToken(ProviderConfig):
    """`auth: {bearer: {env: TOKEN}}`; the same as `token:`, with another scheme or header where a server wants that."""

    bearer: Secret
    scheme: str = "Bearer"
    header: str = "Authorization"


class BasicCredentials(ProviderConfig):
    """`auth: {username: …, password: {env: …}}`."""

    username: str | Secret
    password: Secret


class OAuth2Credentials(ProviderConfig):
    """OAuth 2 client credentials (RFC 6749 section 4.4)."""

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    style: Literal["basic", "body"] = "basic"


class ValueKind(ProviderConfig):
    """An attribute of accounts whose values are entitlements: `{role: {attribute: roles}}`.

    Attributes:
        attribute: its name; multi-valued (`roles`, `entitlements`), or single (`userType`) with `single`.
        type: only elements with this `type` belong to the kind.
        single: whether an account has at most one of them, so that granting one replaces another.
        values: those that exist though nobody may hold them yet.
        catalogue: the path of a collection that lists all of them (`Roles`, `Entitlements`), or empty.
        catalogue_cap: how many the catalogue lists at most; a list as long as that is not complete.
    """

    attribute: str
    type: str = ""
    single: bool = False
    values: tuple[str, ...] = ()
    catalogue: str = ""
    catalogue_cap: int = Field(default=0, ge=0)


def _choose(value: object) -> object:
    """Turn a name, or a base with changes, into what a `Dialect` is validated from."""
    return choose_dialect(value)


def _value_kind(value: object) -> object:
    return {"attribute": value} if isinstance(value, str) else value


_DIALECT_SCHEMA: dict[str, Any] = {
    "title": "Dialect",
    "description": "The name of a dialect, or `{base: NAME}` with the fields that differ.",
    "anyOf": [
        {"type": "string", "enum": sorted(DIALECTS)},
        {
            "type": "object",
            "properties": {"base": {"type": "string", "enum": sorted(DIALECTS)}}
            | {field.name: {} for field in fields(Dialect)},
            "additionalProperties": False,
        },
    ],
}


class ScimConfig(ProviderConfig):
    """A `scim` way of a route.

    Attributes:
        url: the base URL; `/Users` is below it.
        token: a bearer token.
        auth: other credentials, instead of `token`.
        dialect: how the server speaks: a name, or `{base: slack, page_size: 50}`.
        page_size: how many resources to ask for in each page; None takes the dialect's.
        group_kind: the kind of entitlement that groups are; None for an app whose groups are not wanted.
        value_kinds: kind → the attribute of accounts whose values are its entitlements.
        extensions: short name → path of an attribute in a custom extension (`urn:acme:2.0:User:badge`).
        headers: more headers of every request; nothing secret.
        own_username: the username that the tool itself acts as, so that it is never removed.
        ask_me: whether `/Me` is asked for the tool's own account.
        bulk: whether several changes go in one request where the server says that it can (RFC 7644 section 3.7).
        timeout: seconds for one request.
        ca: the file of a certificate authority, relative to the repository; empty for the system's.
        allow_http: whether http to other machines is allowed (a test network).
    """

    url: str
    token: Secret | None = None
    auth: BearerToken | BasicCredentials | OAuth2Credentials | None = None
    dialect: Annotated[Dialect, BeforeValidator(_choose), WithJsonSchema(_DIALECT_SCHEMA)] = DIALECTS["generic"]
    page_size: int | None = Field(default=None, ge=1, le=10_000)
    group_kind: Annotated[str, Field(pattern=_KIND)] | None = "group"
    value_kinds: Mapping[Annotated[str, Field(pattern=_KIND)], Annotated[ValueKind, BeforeValidator(_value_kind)]] = (
        Field(default_factory=dict)
    )
    extensions: Mapping[str, str] = Field(default_factory=dict)
    headers: Mapping[str, str] = Field(default_factory=dict)
    own_username: str = ""
    ask_me: bool = False
    bulk: bool = False
    timeout: float = Field(default=30.0, gt=0, le=600)
    ca: str = ""
    allow_http: bool = False

    @model_validator(mode="after")
    def _check(self) -> "ScimConfig":
        if self.token is not None and self.auth is not None:
            raise ValueError("give `token` or `auth`, not both")
        if self.group_kind in self.value_kinds:
            raise ValueError(f"the kind {self.group_kind} is both that of groups and one of `value_kinds`")
        named = next((name for name in self.headers if name.lower() in {"authorization", "cookie"}), None)
        if named:
            raise ValueError(f"the header {named} carries a secret: use `token` or `auth`")
        return self

    @property
    def groups(self) -> str:
        """The kind of groups, or empty where there are none."""
        return self.group_kind or "" if self.dialect.groups else ""

    @property
    def count(self) -> int:
        """How many resources to ask for in each page."""
        return min(self.page_size or self.dialect.page_size, self.dialect.page_size)
