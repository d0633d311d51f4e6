"""A real PostgreSQL server: roles of people, roles as groups, and their members."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from reading import Reading, add_folders, members

add_folders("postgres")

from postgres_harness import PASSWORD, PostgresApp  # noqa: E402 - the folders of the tests are not installed
from postgres_proxy import LossyProxy  # noqa: E402 - same
from support.postgres_server import find_binaries, running_postgres  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.postgres.provider import PostgresProvider  # noqa: E402 - same
from reconciler.provider.conformance.harness import World  # noqa: E402 - same

__all__ = ["missing", "start"]
OWN = 2
"""The superuser and the tool's own role are accounts too."""
QUERIES, TRANSACTIONS = 6, 2
WHY = (
    "queries: roles, memberships, databases and their privileges, the schemas of one database and theirs; and in both "
    "transactions the server's own word that nothing can be written; what begins and ends them is not counted"
)


def missing() -> str:
    """Return what is missing of the server."""
    return "" if find_binaries() else "PostgreSQL (Debian: postgresql)"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve a cluster."""
    os.environ["POSTGRES_PASSWORD"] = PASSWORD
    binaries = find_binaries()
    assert binaries is not None
    with running_postgres(binaries) as dsn:
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
        async with LossyProxy(str(parts["host"]), int(str(parts["port"]))).serving() as proxy:
            app = PostgresApp(dsn, proxy)
            app.reset(World())
            fill(dsn, people - OWN, teams)
            async with PostgresProvider.open(app.config(), surroundings(read_only=True)) as provider:
                yield Reading(provider, QUERIES + TRANSACTIONS, WHY, lambda: proxy.queries)


def fill(dsn: str, people: int, teams: int) -> None:
    """Make roles and memberships in one transaction."""
    statements = [f"CREATE ROLE p{number} LOGIN" for number in range(people)]
    statements += [f"CREATE ROLE team{number}" for number in range(teams)]
    statements += [f"GRANT team{team} TO p{person}" for team, person in members(people, teams)]
    with psycopg.connect(dsn) as connection:
        connection.execute(";".join(statements))  # type: ignore[arg-type]  # nothing in it comes from outside
