"""A real PostgreSQL server as an app: seeded, looked into and made to fail without the provider."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
from postgres_proxy import LossyProxy
from psycopg import sql
from support.surroundings import surroundings

from providers.postgres.config import PostgresConfig
from providers.postgres.provider import PostgresProvider
from reconciler.items import Value
from reconciler.provider.conformance.harness import Fault, RunningApp, TrueAccount, World
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.secret import Secret
from reconciler.provider.snapshot import AccountStatus, Snapshot

TOOL = "access tool"
PASSWORD = "canary-7f3a-postgres"
ATTRIBUTES = {
    "superuser": "rolsuper",
    "createrole": "rolcreaterole",
    "createdb": "rolcreatedb",
    "replication": "rolreplication",
    "bypassrls": "rolbypassrls",
}
SERVERS = ("system", "newer")
FROZEN = "in a read-only transaction"
_PRIVILEGES = {
    ("database", "connect"): "CONNECT",
    ("database", "temp"): "CONNECT, TEMPORARY",
    ("database", "create"): "CONNECT, TEMPORARY, CREATE",
    ("schema", "usage"): "USAGE",
    ("schema", "create"): "USAGE, CREATE",
}
_LEVELS = {
    "CONNECT": "connect",
    "CONNECT,TEMPORARY": "temp",
    "CONNECT,CREATE,TEMPORARY": "create",
    "USAGE": "usage",
    "CREATE,USAGE": "create",
}
_ACL = """
SELECT e.key, g.rolname, a.grantee, string_agg(a.privilege_type, ',' ORDER BY a.privilege_type)
FROM (
  SELECT 'database:' || datname AS key, coalesce(datacl, acldefault('d', datdba)) AS acl, datdba AS owner
  FROM pg_database
  WHERE NOT datistemplate
  UNION ALL
  SELECT 'schema:' || nspname, coalesce(nspacl, acldefault('n', nspowner)), nspowner FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
) e, aclexplode(e.acl) a LEFT JOIN pg_authid g ON g.oid = a.grantee
WHERE a.grantee <> e.owner GROUP BY 1, 2, 3
"""


class ShortSchemas(PostgresProvider):
    """The provider, with schemas of the database `postgres` called by their own names: the suite calls them so."""

    async def read(self) -> Snapshot:
        """Read, and shorten."""
        snapshot = await super().read()
        for number, entitlement in enumerate(snapshot.entitlements):
            if entitlement.key.startswith("schema:postgres."):
                short = entitlement.key.replace("postgres.", "", 1)
                snapshot.entitlements[number] = type(entitlement)(entitlement.remote_id, short, entitlement.attributes)
        return snapshot


class PostgresApp:
    """One cluster, of which everything that a test made is taken away again at the next start.

    Args:
        dsn: of a superuser.
    """

    def __init__(self, dsn: str, proxy: LossyProxy | None = None) -> None:
        self.dsn = dsn
        self.proxy = proxy

    def config(self, **changes: Any) -> PostgresConfig:
        """Return a configuration for the tool's own role, which is no superuser unless a test makes it one."""
        parts = psycopg.conninfo.conninfo_to_dict(self.dsn)
        plain: dict[str, Any] = {
            "host": parts["host"],
            "port": self.proxy.port if self.proxy else int(str(parts["port"])),
            "user": TOOL,
            "password": Secret("env", "POSTGRES_PASSWORD"),
            "schemas": ("postgres",),
        }
        return PostgresConfig(**(plain | changes))

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return ShortSchemas.open(self.config(), surroundings(read_only=read_only))

    def run(self, statement: str, *names: str) -> None:
        """Run a statement as the superuser, the names in it quoted."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]

    def run_in(self, database: str, statement: str, *names: str) -> None:
        """Run a statement as the superuser in one database, the names in it quoted."""
        with psycopg.connect(self.dsn, dbname=database, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return rows as the superuser sees them."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(query, arguments).fetchall()  # type: ignore[arg-type]

    def reset(self, world: World) -> None:
        """Take away what was made, and make a world."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            _clear(connection)
            _prepare(connection)
            _seed(connection, world)

    @property
    def is_new(self) -> bool:
        """Whether memberships have options of their own."""
        return int(self.rows("SHOW server_version_num")[0][0]) >= 160000

    @property
    def system(self) -> str:
        """The cluster's identifier."""
        return str(self.rows("SELECT system_identifier FROM pg_control_system()")[0][0])

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return await asyncio.to_thread(self._peek)

    def _peek(self) -> World:
        system = self.system
        asked = "SELECT oid, rolname, rolcanlogin, shobj_description(oid, 'pg_authid') FROM pg_authid ORDER BY oid"
        roles = self.rows(asked)
        people = {name: oid for oid, name, login, comment in roles if login or "[account" in (comment or "")}
        accounts = tuple(
            TrueAccount(
                name,
                status=AccountStatus.ACTIVE if login else AccountStatus.SUSPENDED,
                remote_id=f"{oid}.{system}",
            )
            for oid, name, login, _ in roles
            if name in people
        )
        entitlements = {f"role:{name}": f"{oid}.{system}" for oid, name, _, _ in roles if name not in people}
        entitlements |= {"role:public": f"0.{system}"} | {f"attribute:{name}": name for name in ATTRIBUTES}
        for oid, name in self.rows("SELECT oid, datname FROM pg_database WHERE NOT datistemplate"):
            entitlements[f"database:{name}"] = f"{oid}.{system}"
        query = (
            "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()), oid, nspname FROM pg_namespace"
        )
        for database, oid, name in self.rows(query):
            if not name.startswith(("pg_", "information_schema")):
                entitlements[f"schema:{name}"] = f"{database}.{oid}.{system}"
        return World(accounts, entitlements, frozenset(self._grants(people)))

    def _grants(self, people: Mapping[str, int]) -> set[tuple[str, str, str | None]]:
        grants: set[tuple[str, str, str | None]] = set()
        members = """SELECT m.rolname, r.rolname, a.admin_option, to_jsonb(a)->>'inherit_option' FROM pg_auth_members a
            JOIN pg_authid m ON m.oid = a.member JOIN pg_authid r ON r.oid = a.roleid"""
        for member, role, admin, inherit in self.rows(members):
            is_ours = member == TOOL and admin and inherit == "false"
            if not member.startswith("pg_") and not is_ours:
                grants.add((_holder(member, people), f"role:{role}", "admin" if admin else "member"))
        for name, column in ATTRIBUTES.items():
            for (holder,) in self.rows(f"SELECT rolname FROM pg_authid WHERE {column}"):  # noqa: S608 - our own names
                grants.add((_holder(holder, people), f"attribute:{name}", None))
        for key, holder, _, privileges in self.rows(_ACL):
            kind = key.partition(":")[0]
            words = "only " + privileges.lower().replace(",", "+")
            level = _LEVELS.get(privileges, words) if privileges != "CREATE" else "only create"
            grants.add((_holder(holder or "public", people), key, level if kind else None))
        return grants

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        await asyncio.to_thread(self._inject, fault, subject, to)

    def _inject(self, fault: Fault, subject: str, to: str) -> None:
        match fault:
            case Fault.REFUSE:
                self.run("ALTER ROLE {} SET default_transaction_read_only = on", TOOL)
                self.kick()
            case Fault.LOSE_ANSWER:
                assert self.proxy
                self.proxy.lose_next = True
            case Fault.DELETE_ACCOUNT:
                self._drop_role(subject)
            case Fault.DELETE_ENTITLEMENT:
                self._drop_entitlement(*subject.split(":", 1))
            case Fault.RENAME_ENTITLEMENT:
                kind, name = subject.split(":", 1)
                self.run(f"ALTER {kind.upper()} {{}} RENAME TO {{}}", name, to.split(":", 1)[1])
            case Fault.RECYCLE_ENTITLEMENT:
                self._drop_entitlement(*subject.split(":", 1))
                self.make_entitlement(*subject.split(":", 1))
            case Fault.RENAME_ACCOUNT:
                self.run("ALTER ROLE {} RENAME TO {}", subject, to)
            case Fault.RECYCLE_USERNAME:
                self._drop_role(subject)
                self.run("CREATE ROLE {} LOGIN", subject)
            case _:
                raise AssertionError(fault)

    def kick(self, role: str = TOOL) -> None:
        """End a role's sessions, as an administrator or a failover does."""
        self.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", role)

    def _drop_role(self, name: str) -> None:
        self.run("DROP OWNED BY {}", name)
        self.run("DROP ROLE {}", name)

    def make_entitlement(self, kind: str, name: str) -> None:
        """Make a role, or a database or a schema that the tool owns."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            _make_entitlement(connection, kind, name)

    def _drop_entitlement(self, kind: str, name: str) -> None:
        if kind == "role":
            self._drop_role(name)
        else:
            self.run(f"DROP {kind.upper()} {{}}", name)


def _holder(name: str, people: Mapping[str, int]) -> str:
    return name if name in people else f"role:{name}"


def _clear(connection: psycopg.Connection[Any]) -> None:
    query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
    for (name,) in connection.execute(query).fetchall():
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    schemas = (
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"
    )
    for (name,) in connection.execute(schemas).fetchall():
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    roles = "SELECT rolname FROM pg_authid WHERE oid >= 16384"
    for (name,) in connection.execute(roles).fetchall():
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
    for (name,) in connection.execute(roles).fetchall():
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def _prepare(connection: psycopg.Connection[Any]) -> None:
    """Make the tool's role with what the README asks for, and no more."""
    role = sql.Identifier(TOOL)
    create = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE IN ROLE pg_signal_backend PASSWORD {}")
    connection.execute(create.format(role, sql.Literal(PASSWORD)))
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE postgres TO {}").format(role))


def _seed(connection: psycopg.Connection[Any], world: World) -> None:
    for account in world.accounts:
        login = "LOGIN" if account.status is AccountStatus.ACTIVE else "NOLOGIN"
        connection.execute(sql.SQL("CREATE ROLE {} " + login).format(sql.Identifier(account.username)))
        _entrust(connection, account.username)
        mark = sql.Literal(f"seeded [account {account.external_id}]")
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(account.username), mark))
    for key in world.entitlements:
        _make_entitlement(connection, *key.split(":", 1))
    for holder, key, level in world.grants:
        _grant(connection, holder.removeprefix("role:"), *key.split(":", 1), str(level))


def _make_entitlement(connection: psycopg.Connection[Any], kind: str, name: str) -> None:
    owner = sql.SQL({"role": "", "database": " OWNER {} STRATEGY wal_log", "schema": " AUTHORIZATION {}"}[kind])
    statement = sql.SQL(f"CREATE {kind.upper()} {{}}").format(sql.Identifier(name))
    connection.execute(statement + owner.format(sql.Identifier(TOOL)))
    if kind == "role":
        _entrust(connection, name)


def _entrust(connection: psycopg.Connection[Any], name: str) -> None:
    """Let the tool change a role that it has not made: since 16, CREATEROLE alone is not enough."""
    if _is_new(connection):
        statement = "GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(TOOL)))


def _is_new(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.server_version >= 160000


def _grant(connection: psycopg.Connection[Any], holder: str, kind: str, name: str, level: str) -> None:
    who, what = sql.Identifier(holder), sql.Identifier(name)
    if kind == "role":
        option = sql.SQL(" WITH ADMIN OPTION" if level == "admin" else "")
        by = sql.SQL(" GRANTED BY {}").format(sql.Identifier(TOOL) if _is_new(connection) else sql.SQL("CURRENT_USER"))
        connection.execute(sql.SQL("GRANT {} TO {}").format(what, who) + option + by)
    else:
        statement = f"GRANT {_PRIVILEGES[kind, level]} ON {kind.upper()} {{}} TO {{}}"
        connection.execute(sql.SQL(statement).format(what, who))


class PostgresHarness:
    """What the suite needs to know of PostgreSQL.

    Args:
        kind: the kind of entitlement that the worlds have.
        levels: of which levels.
        server: one of `SERVERS`.
    """

    name = "postgres"
    page = 0
    attribute: tuple[str, Value] | None = ("valid_until", "2031-08-31")
    secrets: Sequence[str] = (PASSWORD,)
    refusal = FROZEN
    suspended = True

    def __init__(self, kind: str, levels: tuple[str, ...], server: str) -> None:
        self.server = server
        self.kinds: Mapping[str, tuple[str | None, ...]] = {kind: levels}
        self.nesting: Mapping[str, tuple[str, ...]] = {"role": ("role",)} if kind == "role" else {}
        self.troubles = {kind: frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT})}

    def start(self, world: World) -> AbstractAsyncContextManager[RunningApp]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningApp]:
        dsn = os.environ[f"POSTGRES_TEST_{self.server.upper()}"]
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
        async with LossyProxy(str(parts["host"]), int(str(parts["port"]))).serving() as proxy:
            app = PostgresApp(dsn, proxy)
            await asyncio.to_thread(app.reset, world)
            yield app

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.FORBID:
            return cannot(
                "accounts and roles are rows of one catalogue; the catalogues are forbidden one by one elsewhere"
            )
        if fault is Fault.CUT_SHORT:
            return cannot("a result is whole or an error, by the protocol")
        if fault is Fault.THROTTLE:
            return cannot("a server that is too busy refuses the connection; that is tried elsewhere")
        return CAN
