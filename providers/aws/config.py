"""What the YAML may say about an `aws` way."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

Directory = Literal["own", "external"]
"""Whether users and groups are made in Identity Center itself, or come from an identity provider or a directory."""


class AccessKey(ProviderConfig):
    """An access key; with `session_token` a temporary one."""

    access_key_id: str | Secret
    secret_access_key: Secret
    session_token: Secret | None = None


class AwsConfig(ProviderConfig):
    """An `aws` way of a route: one organization instance of IAM Identity Center.

    Attributes:
        region: the region in which Identity Center is set up.
        credentials: an access key; without it botocore's chain (environment, web identity, profile, machine).
        profile: a profile of the AWS configuration files, for the chain.
        instance: the instance's ARN, where more than one can be seen.
        directory: `external` where people and groups come from elsewhere: then only permission sets are changed here.
        own_username: the username that the tool itself signs in as, if it is one of this directory.
        assignment_deadline: seconds that one assignment may take; AWS does them in the background.
        timeout: seconds for one request.
        endpoint: another URL for all three services (a private endpoint, a test server).
        allow_http: whether `endpoint` may be http on another machine (a test network).
    """

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    credentials: AccessKey | None = None
    profile: str = ""
    instance: Annotated[str, Field(pattern=r"^(arn:aws[a-z-]*:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16})?$")] = ""
    directory: Directory = "own"
    own_username: str = ""
    assignment_deadline: float = Field(default=180.0, gt=0, le=1800)
    timeout: float = Field(default=30.0, gt=0, le=600)
    endpoint: str = ""
    allow_http: bool = False

    @model_validator(mode="after")
    def _check(self) -> "AwsConfig":
        if self.credentials is not None and self.profile:
            raise ValueError("give `credentials` or `profile`, not both")
        return self
