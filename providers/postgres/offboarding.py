"""What is done for who has left: sessions ended, objects handed over, and at last the role dropped."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import LiteralString

from psycopg import sql

from providers.postgres import queries
from providers.postgres.client import Server
from providers.postgres.config import PostgresConfig
from providers.postgres.mapping import Role
from providers.postgres.objects import ROLE_NAME, find_changeable, find_named, find_role
from providers.postgres.protection import check_new_owner
from providers.postgres.session import Session
from reconciler.errors import AnswerError, ProviderError
from reconciler.provider.change import Change

_REASSIGN = "REASSIGN OWNED BY {role} TO {heir}"


@dataclass(slots=True)
class Dependents:
    """Where a role is more than a name.

    Attributes:
        owning: databases in which it owns something; an empty name stands for what all databases share.
        named: databases in which it holds privileges.
        closed: those of both that allow no connection.
    """

    owning: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)


class Offboarding:
    """The steps of a leaver, over all databases of a server."""

    def __init__(self, server: Server, config: PostgresConfig) -> None:
        self._server = server
        self._config = config

    async def end_sessions(self, change: Change) -> str:
        """End every session of a role; return how many there were.

        Raises:
            GoneError: the role is not there any more.
            AnswerError: the tool may not (it needs `pg_signal_backend`).
        """

        async def work(session: Session) -> str:
            role = await find_changeable(session, change.account_id, change.username)
            ((open_ones, ended),) = await session.rows(queries.END_SESSIONS, (role.oid,))
            if ended < open_ones:
                raise ProviderError(f"{open_ones - ended} of {open_ones} sessions of {role.name} have not ended yet")
            return f"{ended} sessions ended" if ended else "it had no session"

        return await self._server.write(work)

    async def end_left_sessions(self, change: Change) -> str:
        """End what is still open of a role that cannot log in any more; say what could not be ended."""
        try:
            return await self.end_sessions(change)
        except (AnswerError, ProviderError) as error:
            return f"it cannot log in any more, but its open sessions could not be ended: {error.message}"

    async def hand_over(self, change: Change) -> str:
        """Give all that a role owns, in every database, to another one.

        Raises:
            GoneError: the role is not there any more.
            ProviderError: nobody is named who gets it, or something could not be handed over; the message says where.
        """
        role, found = await self._server.write(lambda session: _look(session, change))
        if not found.owning:
            return "it owns nothing"
        if found.owning & found.closed:
            where = _list(found.owning & found.closed)
            raise ProviderError(f"{role.name} owns something in {where}, which allows no connections")
        heir = ""
        for database in sorted(found.owning - {""}) or [self._config.database]:
            heir = await self._server.write(lambda session: self._reassign(session, change), database)
        left = (await self._server.read(lambda session: dependents(session, role))).owning
        if left:
            raise ProviderError(f"{role.name} still owns something in {_list(left)}")
        return f"what it owned in {_list(found.owning)} belongs to {heir} now"

    async def _reassign(self, session: Session, change: Change) -> str:
        """Hand over what is in one database, and what all share; return whose it is now."""
        role = await find_changeable(session, change.account_id, change.username)
        heir = await _heir(session, change, self._config)
        if heir.oid == role.oid:
            raise ProviderError(f"{role.name} cannot get what it owns itself")
        async with _borrowing(session, role, heir):
            await session.run(_REASSIGN, role=sql.Identifier(role.name), heir=sql.Identifier(heir.name))
        return heir.name

    async def drop(self, change: Change) -> str:
        """Drop a role that owns nothing, and its privileges with it.

        Raises:
            GoneError: it is not there any more.
            ProviderError: it owns something; nothing that it owns is ever dropped.
        """
        role, found = await self._server.write(lambda session: _look(session, change))
        if found.owning:
            where = _list(found.owning)
            hint = "hand it over first: the step `transfer_files` in `leaver`"
            raise ProviderError(
                f"{role.name} still owns something in {where}, and nothing of that is dropped", hint=hint
            )
        for database in sorted(found.named - {""}) or [self._config.database] * bool(found.named):
            await self._server.write(lambda session: self._forget_privileges(session, change), database)
        await self._server.write(lambda session: _drop(session, change))
        return ""

    async def _forget_privileges(self, session: Session, change: Change) -> None:
        """Take a role's privileges in one database; DROP OWNED also drops what it owns, so that must be nothing."""
        role = await find_changeable(session, change.account_id, change.username)
        if (await dependents(session, role)).owning:
            raise ProviderError(f"{role.name} owns something since a moment ago; nothing was dropped")
        await _expect_nothing_passed_on(session, role)
        async with _borrowing(session, role):
            await session.run("DROP OWNED BY {role} RESTRICT", role=sql.Identifier(role.name))


async def _drop(session: Session, change: Change) -> None:
    role = await find_changeable(session, change.account_id, change.username)
    await session.check_names()
    await session.run("DROP ROLE {role}", role=sql.Identifier(role.name))
    session.expect_dropped()


async def _heir(session: Session, change: Change, config: PostgresConfig) -> Role:
    """Return who gets what a leaver owns: the account that the step names, else the role that it or the YAML names.

    Raises:
        ProviderError: nobody is known, there is no such role, or it is protected.
    """
    account = change.after.get("to_account")
    name = str(change.after.get("to_role") or config.reassign_to)
    if isinstance(account, str) and account:
        heir = await find_role(session, account, str(change.after.get("to")))
    elif name:
        found = await find_named(session, name)
        if found is None:
            raise ProviderError(f"there is no role {name} that could get what it owns")
        heir = found
        session.rely_on(ROLE_NAME, heir.oid, heir.name)
    else:
        hint = "write `transfer_files: {to: manager}` or `{to_role: NAME}`, or `reassign_to` in the route"
        raise ProviderError("nobody is known who gets what it owns", hint=hint)
    check_new_owner(heir)
    return heir


async def _look(session: Session, change: Change) -> tuple[Role, Dependents]:
    role = await find_changeable(session, change.account_id, change.username)
    return role, await dependents(session, role)


async def _expect_nothing_passed_on(session: Session, role: Role) -> None:
    """Refuse to take from others what they hold because a role passed it on: DROP OWNED would, without a word.

    Up to 15 a membership stays, whoever granted it; since 16 it goes with its grantor.

    Raises:
        ProviderError: somebody does; the message says where.
    """
    rows = await session.rows(queries.PASSED_ON, {"oid": role.oid})
    if session.version >= queries.PG16:
        rows += await session.rows(queries.PASSED_ON_MEMBERSHIPS, {"oid": role.oid})
    if rows:
        where = ", ".join(sorted({str(name) for name, _ in rows}))
        hint = "grant that anew as the owner or an administrator, then it is not lost with the role"
        others = f"{len(rows)} privileges or memberships that others hold in {session.database} ({where})"
        raise ProviderError(f"{role.name} granted {others}", hint=hint)


@asynccontextmanager
async def _borrowing(session: Session, *roles: Role) -> AsyncIterator[None]:
    """Hold roles until the block ends, where nobody outside of the transaction sees it.

    REASSIGN OWNED and DROP OWNED need the privileges of each role concerned
    (https://www.postgresql.org/docs/current/sql-reassign-owned.html). A block that fails is rolled back as a whole.
    """
    borrowed = [each for each in roles if not await _may_act_as(session, each)]
    own = sql.SQL("CURRENT_USER")
    for each in borrowed:
        await session.run("GRANT {role} TO {own}" + _with(session), role=sql.Identifier(each.name), own=own)
    yield
    for each in borrowed:
        await session.run("REVOKE {role} FROM {own}" + _by(session), role=sql.Identifier(each.name), own=own)


async def _may_act_as(session: Session, role: Role) -> bool:
    if session.version >= queries.PG16:
        return bool((await session.rows(queries.MAY_ACT_AS_16, (role.oid, role.oid)))[0][0])
    return bool((await session.rows(queries.MAY_ACT_AS, (role.oid,)))[0][0])


def _with(session: Session) -> LiteralString:
    return " WITH INHERIT TRUE, SET TRUE" if session.version >= queries.PG16 else ""


def _by(session: Session) -> LiteralString:
    return " GRANTED BY {own}" if session.version >= queries.PG16 else ""


async def dependents(session: Session, role: Role) -> Dependents:
    """Return where a role owns something or is named."""
    found = Dependents()
    seen: defaultdict[bool, set[str]] = defaultdict(set)
    for database, is_open, owns in await session.rows(queries.DEPENDENT, (role.oid,)):
        seen[owns].add(database or "")
        if database and not is_open:
            found.closed.add(database)
    found.owning, found.named = seen[True], seen[False]
    return found


def _list(databases: set[str]) -> str:
    return ", ".join(database or "what all databases share" for database in sorted(databases))
