"""Roles made, changed, suspended and dropped."""

from collections.abc import Awaitable, Callable

from psycopg import sql

from providers.postgres.config import PostgresConfig
from providers.postgres.mapping import (
    Role,
    check_moment,
    check_name,
    is_account,
    mark,
    marked_id,
    remote_id,
)
from providers.postgres.objects import find_changeable, find_named, find_target
from providers.postgres.protection import check_new_owner
from providers.postgres.session import Session
from reconciler.errors import ProviderError
from reconciler.provider.change import Change

_IDENTITY = "external_id"


class Roles:
    """Changes of roles; each is done in a transaction, by someone who looks first.

    Args:
        config: which roles are accounts.
    """

    def __init__(self, config: PostgresConfig) -> None:
        self._config = config

    async def create_account(self, session: Session, change: Change) -> tuple[str, str]:
        r"""Make a role that can log in, marked with whose it is; return a remark and its remote id.

        It has no password and gets none: how people prove who they are is pg_hba.conf's (certificate, LDAP, GSSAPI,
        OAuth), or theirs alone (`\password`).

        Raises:
            ProviderError: a role of that name is there, and is not this identity's.
        """
        name = check_name(str(change.after.get("username") or change.username))
        identity = str(change.after.get(_IDENTITY) or change.holder)
        found = await find_named(session, name)
        if found is not None:
            return self._found(found, identity, session)
        await session.run("CREATE ROLE {role} LOGIN", role=sql.Identifier(name))
        await self._set_attributes(session, name, change)
        await _comment(session, name, mark("", identity))
        return "", await _id_of(session, name)

    def _found(self, role: Role, identity: str, session: Session) -> tuple[str, str]:
        """Judge a role that has the name already: one that was made for this identity is what was asked for."""
        if role.can_login and is_account(role, self._config) and marked_id(role.comment) == identity:
            return "it is there already", remote_id(role.oid, system=session.system)
        what = "account" if is_account(role, self._config) else "role that cannot log in"
        hint = (
            f"if it is a suspended account, name it under `accounts`; if it is to be {identity}'s, declare the username"
        )
        raise ProviderError(f"the {what} {role.name} is there, and was not made for {identity}", hint=hint)

    async def update_account(self, session: Session, change: Change) -> str:
        """Set attributes, and rename."""
        role = await find_changeable(session, change.account_id, change.username)
        await self._set_attributes(session, role.name, change)
        name = check_name(str(change.after.get("username") or role.name))
        if name != role.name:
            await _rename(session, role, name)
        return ""

    async def _set_attributes(self, session: Session, name: str, change: Change) -> None:
        role = sql.Identifier(name)
        after = change.after
        if "valid_until" in after:
            until = check_moment(after["valid_until"])
            await session.run("ALTER ROLE {role} VALID UNTIL {until}", role=role, until=sql.Literal(until))
        if "connection_limit" in after:
            limit = sql.Literal(_whole_number(after["connection_limit"]))
            await session.run("ALTER ROLE {role} CONNECTION LIMIT {limit}", role=role, limit=limit)
        if "inherit" in after:
            option = sql.SQL("INHERIT" if after["inherit"] is True else "NOINHERIT")
            await session.run("ALTER ROLE {role} {option}", role=role, option=option)

    async def suspend(self, session: Session, change: Change) -> str:
        """Take the right to log in, and mark the role, so that it is not taken for a group from now on."""
        role = await find_changeable(session, change.account_id, change.username)
        if not role.can_login:
            return "it cannot log in already"
        await session.run("ALTER ROLE {role} NOLOGIN", role=sql.Identifier(role.name))
        if mark(role.comment) != role.comment:
            await _comment(session, role.name, mark(role.comment))
        return ""

    async def reactivate(self, session: Session, change: Change) -> str:
        """Give the right to log in back."""
        role = await find_changeable(session, change.account_id, change.username)
        if role.can_login:
            return "it can log in already"
        await session.run("ALTER ROLE {role} LOGIN", role=sql.Identifier(role.name))
        return ""

    async def create_group(self, session: Session, change: Change) -> tuple[str, str]:
        """Make a role that cannot log in; return a remark and its remote id."""
        name = check_name(change.entitlement.partition(":")[2])
        found = await find_named(session, name)
        if found is None:
            await session.run("CREATE ROLE {role} NOLOGIN", role=sql.Identifier(name))
            return "", await _id_of(session, name)
        if is_account(found, self._config):
            raise ProviderError(f"{name} is an account already")
        return "it is there already", remote_id(found.oid, system=session.system)

    async def rename_group(self, session: Session, change: Change) -> str:
        """Give a role another name."""
        role = await find_changeable(session, change.entitlement_id, str(change.before.get("key")))
        name = check_name(change.entitlement.partition(":")[2])
        if role.name == name:
            return "it has that name already"
        await _rename(session, role, name)
        return ""


async def change_owner(session: Session, change: Change) -> str:
    """Make somebody else own a database or a schema: all that an entitlement has as its own."""
    target = await find_target(session, change)
    owner = await find_named(session, str(change.after.get("owner") or ""))
    if owner is None:
        raise ProviderError(f"there is no role {change.after.get('owner')} that could own {target.name}")
    check_new_owner(owner)
    if owner.oid != target.owner:
        names = {"target": sql.Identifier(target.name), "owner": sql.Identifier(owner.name)}
        kind = sql.SQL("DATABASE" if target.kind == "database" else "SCHEMA")
        await session.run("ALTER {kind} {target} OWNER TO {owner}", kind=kind, **names)
    return ""


async def _rename(session: Session, role: Role, name: str) -> None:
    await session.check_names()
    await session.run("ALTER ROLE {old} RENAME TO {new}", old=sql.Identifier(role.name), new=sql.Identifier(name))
    session.expect_renamed(role.oid, name)


async def _comment(session: Session, name: str, text: str) -> None:
    await session.run("COMMENT ON ROLE {role} IS {text}", role=sql.Identifier(name), text=sql.Literal(text))


async def _id_of(session: Session, name: str) -> str:
    made = await find_named(session, name)
    if made is None:
        raise ProviderError(f"{name} was not made")
    return remote_id(made.oid, system=session.system)


def _whole_number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    raise ProviderError("connection_limit must be a whole number; -1 means no limit")


Work = Callable[[Session, Change], Awaitable[str]]
"""A change of a role inside a transaction; returns a remark."""
