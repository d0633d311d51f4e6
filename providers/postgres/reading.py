"""A server's catalogues → a snapshot. Roles, memberships and databases are seen at one moment."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from providers.postgres import queries
from providers.postgres.client import Server
from providers.postgres.config import PostgresConfig, matches
from providers.postgres.levels import ATTRIBUTE, DATABASE, MAKERS, ROLE, SCHEMA, Membership, level_of
from providers.postgres.mapping import (
    ATTRIBUTES,
    BOOTSTRAP_OID,
    PUBLIC,
    Role,
    is_account,
    oids_of,
    remote_id,
    schema_name,
    to_account,
)
from providers.postgres.session import Session
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

_Rows = list[tuple[Any, ...]]


class Reader:
    """Reads one server."""

    def __init__(self, server: Server, config: PostgresConfig) -> None:
        self._server = server
        self._config = config

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: not even the roles could be read.
        """
        before = self._server.count.statements
        seen = await self._server.read(self._read_cluster)
        if self._config.reads_schemas:
            await self._read_schemas(seen)
        seen.builder.snapshot.requests = self._server.count.statements - before
        return seen.builder.snapshot

    async def reread(self, remote_ids: Sequence[str]) -> list[LiveAccount | None]:
        """Read roles as accounts, whatever they look like now; None for each that does not exist.

        Raises:
            ProviderError: they could not be read, or the ids are of another cluster.
        """

        async def work(session: Session) -> list[LiveAccount | None]:
            oids = [oids_of(each, session.system)[0] for each in remote_ids]
            found = {row[0]: Role.of(row) for row in await session.rows(queries.ROLES_BY_OID, (oids,))}
            return [to_account(found[oid], session.system) if oid in found else None for oid in oids]

        return await self._server.read(work)

    async def _read_cluster(self, session: Session) -> "Seen":
        """Read what all databases share."""
        roles = [Role.of(row) for row in await session.rows(queries.ROLES)]
        seen = Seen(self._config, session.system, session.own)
        seen.add_roles(roles)
        seen.builder.snapshot.own_account = remote_id(session.own, system=session.system)
        await self._read_memberships(session, seen)
        await self._read_databases(session, seen)
        return seen

    async def _read_memberships(self, session: Session, seen: "Seen") -> None:
        try:
            rows = await session.apart(queries.members(session.version))
        except psycopg.Error as error:
            # Which accounts others act as is only known from memberships, and each such account is a role to hold.
            seen.fail(ROLE, _words(error))
            return
        seen.add_members(rows)

    async def _read_databases(self, session: Session, seen: "Seen") -> None:
        try:
            databases = await session.apart(queries.DATABASES)
            acl = await session.apart(queries.DATABASE_ACL)
        except psycopg.Error as error:
            seen.fail(DATABASE, _words(error))
            seen.databases = None
            return
        seen.add_databases(databases, acl)

    async def _read_schemas(self, seen: "Seen") -> None:
        """Read the schemas of each database; where one cannot be read, the collection is not whole."""
        if seen.databases is None:
            seen.fail(SCHEMA, "the databases could not be listed")
            return
        faults, count = [], 0
        for oid, name, open_to_all in seen.databases:
            if not self._config.wants_schemas_of(name):
                continue
            if not open_to_all:
                faults.append(f"the database {name} allows no connections")
                continue
            try:
                rows, acl = await self._server.read(_schemas, database=name)
            except ReadOnlyError:
                raise
            except ProviderError as error:
                faults.append(error.message)
                continue
            count += 1
            faults += seen.add_schemas(oid, name, rows, acl)
        if faults:
            seen.fail(SCHEMA, f"{'; '.join(faults)} (`schemas` says whose schemas are looked at)")
        else:
            seen.finish(SCHEMA, f"every row of pg_namespace in {count} databases")


async def _schemas(session: Session) -> tuple[_Rows, _Rows]:
    return await session.rows(queries.SCHEMAS), await session.rows(queries.SCHEMA_ACL)


class Seen:
    """What was read so far."""

    def __init__(self, config: PostgresConfig, system: str, own: int) -> None:
        self.builder = SnapshotBuilder()
        self.databases: list[tuple[int, str, bool]] | None = []
        self._config = config
        self._system = system
        self._own = own
        self._roles: dict[int, Role] = {}
        self._ignored: set[int] = set()

    def finish(self, kind: str, why: str) -> None:
        """Say that a kind's entitlements and grants are whole: a result is whole or an error, by the protocol."""
        self.builder.complete(entitlements_of(kind), why)
        self.builder.complete(grants_of(kind), why)

    def fail(self, kind: str, why: str) -> None:
        """Say that a kind's entitlements and grants are not whole."""
        self.builder.incomplete(entitlements_of(kind), why)
        self.builder.incomplete(grants_of(kind), why)

    def add_roles(self, roles: Iterable[Role]) -> None:
        """Add accounts, groups, everybody, and what roles are themselves."""
        for name in ATTRIBUTES:
            self.builder.entitlement(LiveEntitlement(name, f"{ATTRIBUTE}:{name}"))
        self.builder.entitlement(LiveEntitlement(self._id(0), f"{ROLE}:{PUBLIC}"))
        for role in roles:
            if matches(role.name, self._config.ignore):
                self._ignored.add(role.oid)
                continue
            self._roles[role.oid] = role
            if is_account(role, self._config):
                self.builder.account(to_account(role, self._system))
            else:
                self._role(role.oid)
        self._add_attributes()
        why = f"every row of pg_roles: {len(self._roles)}"
        self.builder.complete(ACCOUNTS, why)
        self.finish(ATTRIBUTE, why)

    def _add_attributes(self) -> None:
        for role in self._roles.values():
            for name in ATTRIBUTES:
                if getattr(role, name):
                    self._grant(role.oid, self._known(name), None)

    def add_members(self, rows: _Rows) -> None:
        """Add who is a member of what; of accounts as well, where somebody may act as one.

        Since 16, who makes a role may pass it on, without having it: the server itself grants that
        (https://www.postgresql.org/docs/16/sql-createrole.html). Ours of that sort are how we work, and are left out.
        """
        held: dict[tuple[int, int], Membership] = {}
        for role, member, grantor, _, *options in rows:
            if member == self._own and grantor == BOOTSTRAP_OID and Membership(*options) == MAKERS:
                continue
            known = held.get((member, role))
            held[member, role] = Membership(*options) | known if known else Membership(*options)
        for (member, role), membership in held.items():
            if member in self._roles and role in self._roles and not self._roles[member].is_predefined:
                self._grant(member, self._role(role), membership.level)
        self.finish(ROLE, f"every row of pg_roles and of pg_auth_members: {len(rows)}")

    def add_databases(self, rows: _Rows, acl: _Rows) -> None:
        """Add databases, and who holds what on them."""
        wanted = [row for row in rows if self._config.wants_database(row[1])]
        self.databases = [(oid, name, open_to_all) for oid, name, open_to_all, _ in wanted]
        for oid, name, _, owner in wanted:
            self.builder.entitlement(LiveEntitlement(self._id(oid), f"{DATABASE}:{name}", {"owner": owner}))
        chosen = {oid: self._id(oid) for oid, _, _ in self.databases}
        unknown = self._add_acl(DATABASE, chosen, acl)
        if unknown:
            self.fail(DATABASE, "; ".join(unknown))
        else:
            self.finish(DATABASE, f"every row of pg_database: {len(rows)}")

    def add_schemas(self, database_oid: int, database: str, rows: _Rows, acl: _Rows) -> list[str]:
        """Add a database's schemas, and who holds what on them; return what is wrong with it."""
        chosen = {}
        for oid, name, owner in rows:
            chosen[oid] = self._id(database_oid, oid)
            key = f"{SCHEMA}:{schema_name(database, name)}"
            self.builder.entitlement(LiveEntitlement(chosen[oid], key, {"owner": owner}))
        return self._add_acl(SCHEMA, chosen, acl)

    def _add_acl(self, kind: str, chosen: dict[int, str], acl: _Rows) -> list[str]:
        """Add the privileges of some objects; return which holders are not known, having been made since."""
        held: defaultdict[tuple[int, int], dict[str, bool]] = defaultdict(dict)
        for oid, grantee, privilege, grantable in acl:
            if oid in chosen and grantee not in self._ignored:
                held[oid, grantee][privilege] = grantable
        unknown = []
        for (oid, grantee), privileges in held.items():
            if grantee and grantee not in self._roles:
                unknown.append(f"the role with the oid {grantee} was made while it was read; read again")
                continue
            self._grant(grantee, self._known(chosen[oid]), level_of(kind, privileges))
        return unknown

    def _grant(self, holder: int, entitlement: int, level: str | None) -> None:
        account = self.builder.account_number(self._id(holder))
        self.builder.grant(account if account is not None else -1 - self._role(holder), entitlement, level)

    def _role(self, oid: int) -> int:
        """Return the number of a role as an entitlement, adding it on first use."""
        number = self.builder.entitlement_number(self._id(oid))
        if number is not None:
            return number
        return self.builder.entitlement(LiveEntitlement(self._id(oid), f"{ROLE}:{self._roles[oid].name}"))

    def _known(self, identifier: str) -> int:
        number = self.builder.entitlement_number(identifier)
        if number is None:
            raise AssertionError(f"{identifier} was added before")
        return number

    def _id(self, *oids: int) -> str:
        return remote_id(*oids, system=self._system)


def _words(error: "psycopg.Error") -> str:
    return error.diag.message_primary or type(error).__name__
