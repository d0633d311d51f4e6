"""What the YAML may say about an `atlassian` way."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

_ID = r"^[A-Za-z0-9][A-Za-z0-9-]{0,127}$"
_KEY = r"^[A-Z][A-Z0-9_]{0,254}$"
_RESOURCE = r"^ari:cloud:[A-Za-z0-9._:/-]+$"
_ROLE = r"^atlassian/[a-z-]+$"


class AtlassianConfig(ProviderConfig):
    """An organization, a Jira site of it, or both."""

    organization: Annotated[str, Field(pattern=_ID)] | None = None
    """The organization's id: accounts and groups are its directory's then, and not the site's."""
    api_key: Secret | None = None
    """An API key of the organization; needed with `organization`."""
    account_key: Secret | None = None
    """An API key without scopes: with it, managed accounts are deactivated in place of their access being suspended."""
    directory: Annotated[str, Field(pattern=_ID)] | None = None
    """The directory's id; may be left out where the organization has one only."""
    site: str | None = None
    """The Jira site (`https://SITE.atlassian.net`), or `https://api.atlassian.com/ex/jira/CLOUD_ID` for a token with
    scopes."""
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    """Whose API token it is; needed with `site`."""
    api_token: Secret | None = None
    """That API token; needed with `site`."""
    project_roles: bool = True
    """Whether project roles are read and granted; each role of each project costs a request."""
    projects: Annotated[tuple[Annotated[str, Field(pattern=_KEY)], ...], Field(max_length=50)] = ()
    """The keys of the projects whose roles are wanted; all where there are none."""
    starts_with: dict[Annotated[str, Field(pattern=_RESOURCE)], Annotated[str, Field(pattern=_ROLE)]] = Field(
        default_factory=dict
    )
    """What a new account of the organization starts with: an app's resource id → a role (`atlassian/user`)."""
    products: tuple[Annotated[str, Field(pattern=r"^jira-[a-z-]+$")], ...] = ("jira-software",)
    """What a new account of a site starts with, where there is no organization."""
    url: str = "https://api.atlassian.com"
    """Where the organization's API is."""
    timeout: Annotated[float, Field(gt=0, le=300)] = 30.0
    """Seconds for one request."""
    allow_http: bool = False
    """Whether the URLs may be http on another machine; for a test network only."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.organization is None and self.site is None:
            raise ValueError("give an `organization`, a `site`, or both")
        if (self.organization is None) != (self.api_key is None):
            raise ValueError("`organization` and `api_key` belong together")
        if len({self.site is None, self.email is None, self.api_token is None}) > 1:
            raise ValueError("`site`, `email` and `api_token` belong together")
        if self.organization is None and (self.account_key or self.directory or self.starts_with):
            raise ValueError("`account_key`, `directory` and `starts_with` need an `organization`")
        return self

    @property
    def reads_roles(self) -> bool:
        """Whether project roles are wanted, and there is a site to ask."""
        return self.site is not None and self.project_roles
