"""What the YAML may say about a `postgres` way."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig
from reconciler.provider.connections import is_loopback
from reconciler.provider.secret import Secret

Pattern = Annotated[str, Field(min_length=1)]


class PostgresConfig(ProviderConfig):
    """A `postgres` way of a route: one server (a cluster), with all of its databases.

    Attributes:
        host: a name, an address, or the folder of a socket (`/run/postgresql`).
        port: the server's port.
        user: the role that the tool acts as.
        password: its password, where it needs one.
        database: what is connected to for everything that is not in a database of its own.
        tls: how far the server's certificate is checked. Only a host that is this machine is spoken to without TLS.
        ca: the file of a certificate authority, relative to the repository; empty for the system's.
        databases: globs of the databases that are looked at; templates never are.
        schemas: globs of those whose schemas are looked at; None means all of `databases`, an empty list none.
        accounts: globs of roles that are accounts though they cannot log in and nothing else says so.
        groups: globs of roles that are groups though they can log in.
        ignore: globs of roles that are not looked at (`rds*`: those of a hosting company).
        reassign_to: the role that gets what a leaver owns, where `transfer_files` names nobody.
        predefined: globs of the predefined roles (`pg_monitor`) that may be given and taken; the others are only read.
        timeout: seconds for one statement, and for a connection.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=5432, ge=1, le=65535)
    user: str = Field(min_length=1)
    password: Secret | None = None
    database: str = Field(default="postgres", min_length=1)
    tls: Literal["verify-full", "verify-ca"] = "verify-full"
    ca: str = ""
    databases: tuple[Pattern, ...] = ("*",)
    schemas: tuple[Pattern, ...] | None = None
    accounts: tuple[Pattern, ...] = ()
    groups: tuple[Pattern, ...] = ()
    ignore: tuple[Pattern, ...] = ()
    reassign_to: str = ""
    predefined: tuple[Pattern, ...] = ()
    timeout: float = Field(default=30.0, gt=0, le=600)

    @model_validator(mode="after")
    def _is_one_host(self) -> Self:
        if "," in self.host or "=" in self.host or " " in self.host:
            raise ValueError("`host` is one name, one address or one folder")
        return self

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, so that nothing travels."""
        return self.host.startswith(("/", "@")) or is_loopback(self.host)

    @property
    def reads_schemas(self) -> bool:
        """Whether schemas are looked at."""
        return self.schemas is None or bool(self.schemas)

    def wants_database(self, name: str) -> bool:
        """Say whether a database is looked at."""
        return matches(name, self.databases)

    def wants_schemas_of(self, name: str) -> bool:
        """Say whether the schemas of a database are looked at."""
        return self.wants_database(name) and (self.schemas is None or matches(name, self.schemas))


def matches(name: str, globs: tuple[str, ...]) -> bool:
    """Say whether one of some globs stands for a name; case counts, as it does in PostgreSQL."""
    return any(fnmatchcase(name, glob) for glob in globs)
