"""What the YAML may say about a `slack` way."""

from typing import Annotated

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

ChannelId = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,20}$")]


class SlackConfig(ProviderConfig):
    """A `slack` way of a route: one workspace, by Slack's Web API.

    Attributes:
        token: a bot token or a user token; what it may do decides what can be read and changed.
        admin_token: the user token of an organization's owner or admin, for what only the admin methods of Enterprise
            do: end sessions, workspace admins and owners.
        team: the workspace's id, where a token is one of a whole organization.
        private_channels: the ids of the private channels that are managed; the token's user must be in each of them.
        page_size: how many items to ask for in each page.
        timeout: seconds for one request.
        endpoint: another URL of the API (GovSlack, a test server).
        allow_http: whether `endpoint` may be http on another machine (a test network).
    """

    token: Secret
    admin_token: Secret | None = None
    team: Annotated[str, Field(pattern=r"^(T[A-Z0-9]{2,20})?$")] = ""
    private_channels: tuple[ChannelId, ...] = ()
    page_size: int = Field(default=999, ge=1, le=999)
    timeout: float = Field(default=30.0, gt=0, le=600)
    endpoint: str = "https://slack.com/api"
    allow_http: bool = False

    @model_validator(mode="after")
    def _check(self) -> "SlackConfig":
        twice = sorted({each for each in self.private_channels if self.private_channels.count(each) > 1})
        if twice:
            raise ValueError(f"`private_channels` names {', '.join(twice)} twice")
        return self
