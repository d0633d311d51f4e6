"""Rows of PostgreSQL's catalogues ↔ accounts, entitlements and remote ids. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from providers.postgres.config import PostgresConfig, matches
from reconciler.errors import ProviderError
from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount

ATTRIBUTES: Final = ("superuser", "createrole", "createdb", "replication", "bypassrls")
"""What a role itself may be, whatever it is a member of; all of them privileged."""

PUBLIC: Final = "public"
"""Everybody: its oid is 0, and no role may bear its name."""

FIRST_NORMAL_OID: Final = 16384
BOOTSTRAP_OID: Final = 10
"""The role that a cluster begins with, in whose name the server itself grants."""

LONGEST_NAME: Final = 63
"""Bytes of a name; PostgreSQL cuts longer ones silently."""

_MARK: Final = re.compile(r"\s*\[account(?: ([^\]\s]+))?\]\s*$")
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Role:
    """A row of `pg_roles` with its comment.

    Attributes:
        valid_until: as accounts show it (see `write_moment`); empty for none.
    """

    oid: int
    name: str
    can_login: bool
    superuser: bool
    createrole: bool
    createdb: bool
    replication: bool
    bypassrls: bool
    inherit: bool
    connection_limit: int
    valid_until: str
    comment: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Role":
        """Make it of what `queries.ROLES` selects."""
        first: Sequence[Any] = row[:-2]
        values = (*first, write_moment(row[-2]), row[-1] or "")
        return cls(*values)

    @property
    def is_predefined(self) -> bool:
        """Whether it came with PostgreSQL (`pg_read_all_data`)."""
        return self.oid < FIRST_NORMAL_OID and self.name.startswith("pg_")


def is_account(role: Role, config: PostgresConfig) -> bool:
    """Say whether a role is somebody's account; otherwise it is a group.

    A role that can log in is an account. One that cannot may be a suspended one: it bears our mark, or an end of
    validity, or the configuration says so.
    """
    if role.is_predefined or matches(role.name, config.groups):
        return False
    if role.can_login or matches(role.name, config.accounts):
        return True
    return bool(_MARK.search(role.comment) or role.valid_until)


def to_account(role: Role, system: str) -> LiveAccount:
    """Return a role as an account. One past its end of validity is active still: only its password has expired."""
    return LiveAccount(
        remote_id=remote_id(role.oid, system=system),
        username=role.name,
        external_id=marked_id(role.comment),
        status=AccountStatus.ACTIVE if role.can_login else AccountStatus.SUSPENDED,
        attributes={
            "valid_until": role.valid_until or None,
            "connection_limit": role.connection_limit,
            "inherit": role.inherit,
        },
    )


def marked_id(comment: str) -> str:
    """Return the identity's id that a role's comment ends with, or empty."""
    found = _MARK.search(comment)
    return (found[1] or "") if found else ""


def mark(comment: str, external_id: str = "") -> str:
    """Return a comment that says that the role is an account; what was in it stays."""
    found = _MARK.search(comment)
    who = external_id or (found[1] if found else "") or ""
    words = _MARK.sub("", comment)
    usable = who if re.fullmatch(r"[^\]\s]+", who) else ""
    return f"{words} [account{' ' + usable if usable else ''}]".lstrip()


def remote_id(*oids: int, system: str) -> str:
    """Return an id that no other object has, in this cluster or another.

    Args:
        oids: of a role or a database; of a database and a schema.
        system: the cluster's own identifier: after a dump and restore, the same oid is something else.
    """
    return ".".join((*map(str, oids), system))


def oids_of(identifier: str, system: str, count: int = 1) -> tuple[int, ...]:
    """Return the oids in a remote id.

    Raises:
        ProviderError: it is of another cluster, or no remote id.
    """
    *oids, of = identifier.split(".")
    if of != system:
        raise ProviderError(
            f"the id {identifier} is of another cluster than the one that answers",
            hint="was the server restored or replaced? `reconciler state repair` adopts what is there now",
        )
    if len(oids) != count or not all(oid.isdecimal() for oid in oids):
        raise ProviderError(f"{identifier} is no id of this kind")
    return tuple(map(int, oids))


def schema_name(database: str, schema: str) -> str:
    """Return the name of a schema's entitlement: `app.sales`; what has a dot or a quote in it is quoted."""
    return f"{_quote(database)}.{_quote(schema)}"


def _quote(name: str) -> str:
    return name if re.fullmatch(r'[^".]+', name) else '"' + name.replace('"', '""') + '"'


def write_moment(moment: str | None) -> str:
    """Return an end of validity as accounts show it: a day where it is midnight UTC, else an instant; empty for none.

    Args:
        moment: as `queries.ROLES` selects it; `infinity` is none.
    """
    return "" if moment == "infinity" else (moment or "").removesuffix("T00:00:00Z")


def check_moment(value: Value) -> str:
    """Return an end of validity as SQL takes it; none is `infinity`, for it cannot be taken away again.

    Raises:
        ProviderError: it is not written the way that it is read, and so would never be equal.
    """
    if value is None or value == "":
        return "infinity"
    text = str(value)
    for form in ("%Y-%m-%d", _MOMENT):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if write_moment(moment.strftime(_MOMENT)) == text:
            return moment.strftime(_MOMENT)
    raise ProviderError(
        f"valid_until cannot be {text}", hint="write a day (2026-08-31) or an instant (2026-08-31T18:00:00Z)"
    )


def check_name(name: str) -> str:
    """Return the name of a new role, if PostgreSQL keeps it as it is.

    Raises:
        ProviderError: it is empty or would be cut.
    """
    if not name or "\0" in name:
        raise ProviderError("a role needs a name", hint="declare a username for this app")
    if len(name.encode()) > LONGEST_NAME:
        raise ProviderError(f"{name} is too long: a role's name has at most {LONGEST_NAME} bytes")
    return name
