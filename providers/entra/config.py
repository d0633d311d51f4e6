"""What the YAML may say about an `entra` way."""

from typing import Annotated

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class EntraConfig(ProviderConfig):
    """An `entra` way of a route: one tenant of Microsoft Entra ID.

    Attributes:
        tenant: the tenant's id or one of its domains.
        client_id: the id of the app registration that the tool signs in as.
        client_secret: its secret.
        client_assertion: in place of a secret, the token of a federated identity (OIDC in CI, a workload identity).
        enterprise_apps: whether the app roles of enterprise applications are read and granted.
        url, login_url: Microsoft Graph and the sign-in of another cloud, or a test server.
        timeout: seconds for one request.
        allow_http: whether the URLs may be http on another machine (a test network).
    """

    tenant: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*$")]
    client_id: Annotated[str, Field(pattern=_GUID)]
    client_secret: Secret | None = None
    client_assertion: Secret | None = None
    enterprise_apps: bool = True
    url: str = "https://graph.microsoft.com/v1.0"
    login_url: str = "https://login.microsoftonline.com"
    timeout: float = Field(default=30.0, gt=0, le=600)
    allow_http: bool = False

    @model_validator(mode="after")
    def _check(self) -> "EntraConfig":
        if (self.client_secret is None) == (self.client_assertion is None):
            raise ValueError("give one of `client_secret` and `client_assertion`")
        return self
