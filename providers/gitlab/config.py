"""What the YAML says of a `gitlab` way."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

_SEGMENT = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"


class GitLabConfig(ProviderConfig):
    """A whole instance, as its administrator sees it; or one top-level group, as its owner does (GitLab.com).

    Attributes:
        token: a personal, group or service account's access token.
        group: the path of a top-level group; left out for a whole instance.
        url: where GitLab is.
        joins_as: with `group`: the role in the top-level group by which somebody has an account there at all.
        enterprise_users: with `group`: whether addresses are read from the group's enterprise users
            (GitLab.com Premium).
        send_password_link: without `group`: whether a new user is sent a link to set a password.
        timeout: seconds for one request.
        allow_http: whether the URL may be http on another machine (a test network).
    """

    token: Secret
    group: Annotated[str, Field(pattern=rf"^{_SEGMENT}$")] | None = None
    url: str = "https://gitlab.com"
    joins_as: Literal["minimal", "guest"] = "guest"
    enterprise_users: bool = False
    send_password_link: bool = True
    timeout: Annotated[float, Field(gt=0, le=300)] = 60.0
    allow_http: bool = False

    @model_validator(mode="after")
    def _check(self) -> "GitLabConfig":
        if self.group is None and self.url.rstrip("/") == "https://gitlab.com":
            raise ValueError("say `group` (a top-level group on GitLab.com), or the `url` of an instance of your own")
        if self.group is None and self.enterprise_users:
            raise ValueError("`enterprise_users` is for a `group`: an instance shows the addresses of all its users")
        return self
