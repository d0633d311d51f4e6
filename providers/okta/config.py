"""What the YAML may say about an `okta` way."""

from typing import Literal

from pydantic import Field

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

Kind = Literal["group", "app-group", "app", "role", "custom-role"]


class OktaConfig(ProviderConfig):
    """An Okta organization, reached with an API token."""

    url: str = Field(description="the organization's address: https://acme.okta.com")
    token: Secret = Field(description="an API token (SSWS)")
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
