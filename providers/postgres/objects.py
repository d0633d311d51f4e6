"""The objects that a change is about, found by their oids: a name that somebody else has meanwhile is never used."""

from dataclasses import dataclass
from typing import Final, LiteralString

from providers.postgres import queries
from providers.postgres.levels import SCHEMA
from providers.postgres.mapping import PUBLIC, Role, oids_of
from providers.postgres.protection import check_changeable, check_not_ours
from providers.postgres.session import Session
from reconciler.errors import ProviderError
from reconciler.provider.change import Change

ROLE_NAME: Final = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE oid = %s"


class GoneError(ProviderError):
    """What a change is about is not there any more."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database, or a schema in the database that is connected to.

    Attributes:
        by_oid: the query that tells its name and its owner.
        grants: the query for privileges on it, with its oid and a grantee's.
    """

    kind: str
    oid: int
    name: str
    owner: int
    by_oid: LiteralString
    grants: LiteralString


async def find_role(session: Session, remote_id: str, what: str) -> Role:
    """Return a role by its remote id, and rely on its name until the end of the transaction.

    Raises:
        GoneError: it does not exist any more.
        ProviderError: the id is of another cluster.
    """
    if not remote_id:
        raise ProviderError(f"{what} is not known by its id", hint="plan again")
    (oid,) = oids_of(remote_id, session.system)
    rows = await session.rows(queries.ROLE_BY_OID, (oid,))
    if not rows:
        raise GoneError(f"{what} does not exist any more")
    role = Role.of(rows[0])
    session.rely_on(ROLE_NAME, role.oid, role.name)
    return role


async def find_changeable(session: Session, remote_id: str, what: str) -> Role:
    """Return a role by its remote id, if it is one that may be changed.

    Raises:
        GoneError: see `find_role`.
        ProviderError: it is protected.
    """
    role = await find_role(session, remote_id, what)
    check_changeable(role, session.own)
    return role


async def find_named(session: Session, name: str) -> Role | None:
    """Return a role by its name, or None."""
    rows = await session.rows(queries.ROLE_BY_NAME, (name,))
    return Role.of(rows[0]) if rows else None


async def find_holder(session: Session, change: Change) -> Role | None:
    """Return the role that holds a grant: an account's or a group's; None for everybody.

    Raises:
        GoneError: see `find_role`.
        ProviderError: it is the tool itself, or came with PostgreSQL.
    """
    identifier = change.account_id or change.holder_entitlement_id
    if identifier and oids_of(identifier, session.system) == (0,):
        return None
    holder = await find_role(session, identifier, change.username or change.holder)
    check_not_ours(holder, session.own)
    return holder


async def find_target(session: Session, change: Change) -> Target:
    """Return the database or schema of a change, and rely on its name.

    Raises:
        GoneError: it does not exist any more.
    """
    is_schema = change.kind == SCHEMA
    oids = oids_of(change.entitlement_id, session.system, 2 if is_schema else 1)
    query = queries.SCHEMA_BY_OID if is_schema else queries.DATABASE_BY_OID
    rows = await session.rows(query, (oids[-1],))
    if not rows:
        raise GoneError(f"{change.entitlement} does not exist any more")
    name, owner = rows[0]
    session.rely_on(query, oids[-1], name)
    grants = queries.SCHEMA_GRANTS if is_schema else queries.DATABASE_GRANTS
    return Target(change.kind, oids[-1], name, owner, query, grants)


def name_of_holder(holder: Role | None) -> str:
    """Return a holder's name for messages."""
    return holder.name if holder else PUBLIC
