"""What the YAML may say about an `ldap` way."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

Product = Literal["active_directory", "openldap"]
Name = Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$")]


class PeopleConfig(ProviderConfig):
    """Where people are, and how they are told.

    Attributes:
        base: the DN below which they are looked for; empty for the directory's base.
        filter: an LDAP filter (RFC 4515) that finds them; empty for the product's own.
        create_in: the DN of the container that new ones are put into; empty for `base`.
        username: the attribute that holds the username; empty for the product's own.
        attributes: what else is read, and may be written.
    """

    base: str = ""
    filter: str = ""
    create_in: str = ""
    username: Name = ""
    attributes: tuple[Name, ...] = ("displayName", "givenName", "sn", "title", "telephoneNumber", "employeeType")


class GroupsConfig(ProviderConfig):
    """Where groups are, and how they are told; the fields are those of people.

    Attributes:
        member: the attribute that holds the members: DNs, or usernames where it is `memberUid`.
    """

    base: str = ""
    filter: str = ""
    create_in: str = ""
    member: Name = ""


class Mark(ProviderConfig):
    """An attribute with a value that says that an account is disabled, where the product has none of its own."""

    attribute: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
    value: Annotated[str, Field(min_length=1)]


class LdapConfig(ProviderConfig):
    """An `ldap` way of a route: one directory.

    Attributes:
        url: `ldaps://host`, or `ldap://host`, which is secured by StartTLS; with a port if it is another than usual.
        product: which directory it is.
        base: the DN of the whole directory.
        bind_dn: as whom the tool signs in.
        password: its password.
        people, groups: where they are.
        disabled: how an account is marked as disabled in a directory that has no way of its own (OpenLDAP).
        move_to: the DN of a container that disabled accounts are moved to; empty leaves them where they are.
        ca_file: the certificate authority of the server, where the system does not know it.
        page: entries that are asked for at once.
        timeout: seconds for one request.
        plain: whether a server of this machine may be spoken with in clear (a test; never over a network).
    """

    url: Annotated[str, Field(pattern=r"^ldaps?://[^/@\s]+/?$")]
    product: Product
    base: Annotated[str, Field(min_length=1)]
    bind_dn: Annotated[str, Field(min_length=1)]
    password: Secret
    people: PeopleConfig = PeopleConfig()
    groups: GroupsConfig = GroupsConfig()
    disabled: Mark | None = None
    move_to: str = ""
    ca_file: str = ""
    page: int = Field(default=500, ge=2, le=1000)
    timeout: float = Field(default=30.0, gt=0, le=600)
    plain: bool = False

    @field_validator("url")
    @classmethod
    def _lower(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _check(self) -> "LdapConfig":
        if self.product == "active_directory" and self.disabled is not None:
            raise ValueError("Active Directory has its own way to disable accounts: leave `disabled` out")
        if self.move_to and self.product == "openldap" and self.disabled is None:
            raise ValueError("`move_to` moves disabled accounts: say with `disabled` how they are marked")
        return self
