"""What the YAML may say about an `okta` way."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

Kind = Literal["group", "app-group", "app", "role", "custom-role"]


class ServiceApp(ProviderConfig):
    """An API service integration of the organization: OAuth 2.0 client credentials with a private key."""

    client_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="the integration's client id")
    key: Secret = Field(description="its private key: RSA, as PEM, without a passphrase")
    key_id: str = Field(default="", description="the key's `kid`, needed where the integration has several keys")
    scopes: tuple[str, ...] = Field(
        default=(),
        description="the scopes to ask for; by default those that the wanted kinds need, and only reading ones "
        "while planning",
    )


class OktaConfig(ProviderConfig):
    """An Okta organization, reached with an API token or as a service app."""

    url: str = Field(description="the organization's address: https://acme.okta.com")
    token: Secret | None = Field(default=None, description="an API token (SSWS); either this or `service`")
    service: ServiceApp | None = Field(
        default=None, description="a service app with a private key, in place of a token"
    )
    kinds: tuple[Kind, ...] = Field(
        default=("group", "app-group", "app", "role", "custom-role"),
        description="the kinds of entitlement that are wanted; others are neither read nor changed",
    )
    suspend: Literal["deactivate", "suspend"] = Field(
        default="deactivate",
        description="what suspending somebody does: `deactivate` takes their apps away for good; "
        "`suspend` only locks them out of Okta",
    )
    activate: bool = Field(default=True, description="whether new accounts are activated, or left STAGED")
    send_email: bool = Field(default=True, description="whether Okta mails the activation link to them")
    external_id: str = Field(
        default="", description="the profile attribute that holds the identity's id, such as `employeeNumber`"
    )
    end_tokens: bool = Field(
        default=True, description="whether ending sessions also revokes OpenID Connect and OAuth tokens"
    )
    timeout: float = Field(default=30.0, gt=0, le=600, description="seconds for one request")
    ca: str = Field(default="", description="the file of a certificate authority, relative to the repository")
    allow_http: bool = Field(default=False, description="whether http to other machines is allowed (a test network)")

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        host = urlsplit(url).hostname or ""
        name, _, rest = host.partition(".")
        if name.endswith("-admin") and rest.startswith(("okta", "trexcloud")):
            raise ValueError(f"is the console's address; the API is at https://{name.removesuffix('-admin')}.{rest}")
        return url

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        if (self.token is None) == (self.service is None):
            raise ValueError("say either `token` or `service`")
        return self
