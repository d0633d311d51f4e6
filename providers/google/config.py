"""What the YAML may say about a `google` way."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

SCOPE = "https://www.googleapis.com/auth/"
LICENSING_SCOPE = SCOPE + "apps.licensing"
"""There is none for reading licences only."""

_ADDRESS = r"^[^@\s]+@[^@\s]+$"
_SKU = r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"
_UNIT = r"^/.*$"
_DOMAIN = r"^([a-z0-9-]+\.)+[a-z0-9-]+$"


class GoogleConfig(ProviderConfig):
    """A `google` way of a route: one Google Workspace or Cloud Identity account.

    Attributes:
        subject: the address of the administrator that the service account acts as (domain-wide delegation).
        service_account: the JSON key of the service account.
        token: an access token that was made elsewhere (workload identity), instead of `service_account`.
        domain: users and groups of this domain go by what is before the `@`; all others by their whole address.
        groups: whether groups and their members are wanted.
        roles: whether admin roles are wanted.
        role_units: paths of organizational units in which admin roles are given, though nobody has one there yet.
        licenses: name → `PRODUCT/SKU`, as in Google's list of products; the products of these are read whole.
        oauth_grants: whether the third-party access of each user is read: one request for each user.
        suspend_as: whether who leaves is suspended, or archived (which takes an Archived User licence).
        transfer: what `transfer_files` hands over.
        transfer_wait: seconds to wait for a transfer of data to end; what takes longer is looked up by the next run.
        external_id_type: the custom type of the external id by which accounts know our identities.
        timeout: seconds for one request.
        directory_url, licensing_url, token_url: where Google's servers are, for tests.
    """

    subject: Annotated[str, Field(pattern=_ADDRESS)]
    service_account: Secret | None = None
    token: Secret | None = None
    domain: Annotated[str, Field(pattern=_DOMAIN)] | None = None
    groups: bool = True
    roles: bool = True
    role_units: tuple[Annotated[str, Field(pattern=_UNIT)], ...] = ()
    licenses: Mapping[str, Annotated[str, Field(pattern=_SKU)]] = Field(default_factory=dict)
    oauth_grants: bool = False
    suspend_as: Literal["suspended", "archived"] = "suspended"
    transfer: tuple[Literal["drive", "calendar"], ...] = ("drive", "calendar")
    transfer_wait: float = Field(default=120.0, ge=0, le=3600)
    external_id_type: str = Field(default="identity", min_length=1)
    timeout: float = Field(default=60.0, gt=0, le=600)
    directory_url: str = "https://admin.googleapis.com"
    licensing_url: str = "https://licensing.googleapis.com"
    token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no token

    @model_validator(mode="after")
    def _check(self) -> "GoogleConfig":
        if (self.service_account is None) == (self.token is None):
            raise ValueError("give `service_account` or `token`, one of the two")
        skus = list(self.licenses.values())
        twice = next((sku for sku in skus if skus.count(sku) > 1), "")
        if twice:
            raise ValueError(f"two names for the licence {twice}")
        return self

    @property
    def products(self) -> tuple[str, ...]:
        """The products whose licences are wanted, each once."""
        return tuple(dict.fromkeys(sku.partition("/")[0] for sku in self.licenses.values()))

    @property
    def reading_scopes(self) -> tuple[str, ...]:
        """The OAuth scopes of the Directory API that reading takes; OAuth grants have none for reading only."""
        found = ["admin.directory.user.readonly"]
        found += ["admin.directory.group.readonly"] if self.groups else []
        found += ["admin.directory.rolemanagement.readonly", "admin.directory.orgunit.readonly"] if self.roles else []
        found += ["admin.directory.user.security"] if self.oauth_grants else []
        return tuple(SCOPE + name for name in found)

    @property
    def writing_scopes(self) -> tuple[str, ...]:
        """The OAuth scopes of the Directory and Data Transfer APIs that every operation together takes."""
        found = ["admin.directory.user", "admin.directory.user.security"]
        found += ["admin.datatransfer"] if self.transfer else []
        found += ["admin.directory.group"] if self.groups else []
        found += ["admin.directory.rolemanagement", "admin.directory.orgunit.readonly"] if self.roles else []
        return tuple(SCOPE + name for name in found)
