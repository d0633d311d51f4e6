"""What the YAML says of a `github` way."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from providers.github.mapping import LEVELS
from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

Level = Literal["pull", "triage", "push", "maintain", "admin"]
_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?$"


class AppCredentials(ProviderConfig):
    """A GitHub App that is installed in the organization."""

    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    """The app's client id (`Iv23li…`), or its numeric id."""
    installation: Annotated[int, Field(gt=0)]
    """The installation's id: the number at the end of its settings page's address."""
    key: Secret
    """The app's private key, as PEM."""


class GitHubConfig(ProviderConfig):
    """One organization."""

    organization: Annotated[str, Field(pattern=_NAME)]
    """Its login."""
    token: Secret | None = None
    """A personal access token (fine-grained or classic) of an owner; either this or `app`."""
    app: AppCredentials | None = None
    """A GitHub App in place of a token."""
    url: str = "https://api.github.com"
    """The REST API; on GitHub Enterprise Server `https://HOST/api/v3`."""
    outside: tuple[str, ...] = ()
    """Repositories (globs) that people who are no members may be invited to; each costs a request when reading."""
    custom_roles: dict[Annotated[str, Field(min_length=1, max_length=100)], Level] = Field(default_factory=dict)
    """The organization's custom repository roles, each with the level that it builds on."""
    emails: Literal["verified", "saml", "none"] = "verified"
    """Where people's addresses come from: the organization's verified domains, its SAML identities, or nowhere."""
    invite_by_email: bool = False
    """Whether people without a declared username are invited by their address."""
    page: Annotated[int, Field(ge=1, le=100)] = 100
    """How many people, teams and repositories are asked for at once; becomes less where GitHub takes too long."""
    timeout: Annotated[float, Field(gt=0, le=300)] = 30.0
    """Seconds for one request."""
    allow_http: bool = False
    """Whether an API on another machine may be http; for a test network only."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.token is None) == (self.app is None):
            raise ValueError("say either `token` or `app`")
        if taken := sorted(set(self.custom_roles) & {*LEVELS, "read", "write"}):
            raise ValueError(f"custom_roles: {', '.join(taken)} is GitHub's own")
        return self

    @property
    def graphql(self) -> str:
        """Where GraphQL is asked: a path below `url`, or on GitHub Enterprise Server an address beside it."""
        parts = urlsplit(self.url)
        if parts.path.rstrip("/").endswith("/api/v3"):
            return f"{parts.scheme}://{parts.netloc}/api/graphql"
        return "graphql"

    @property
    def levels(self) -> tuple[str, ...]:
        """A repository's levels from the weakest to the strongest; a custom role stands above what it builds on."""
        found: list[str] = []
        for level in LEVELS:
            found += [level, *(role for role, base in self.custom_roles.items() if base == level)]
        return tuple(found)
