"""Giving and taking: memberships of roles, privileges on databases and schemas, and what a role itself may be.

Each looks at what is there in the same transaction, does only what differs, and looks again: where somebody lacks
the grant option, GRANT and REVOKE only warn, and have done nothing (https://www.postgresql.org/docs/current/sql-grant.html).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from providers.postgres import queries
from providers.postgres.config import PostgresConfig
from providers.postgres.levels import DATABASE, LEVELS, Membership, Privileges, level_of, privileges_of
from providers.postgres.mapping import ATTRIBUTES, Role
from providers.postgres.objects import Target, find_holder, find_role, find_target, name_of_holder
from providers.postgres.protection import check_attribute, check_changeable, check_given
from providers.postgres.session import Session
from reconciler.errors import ProviderError
from reconciler.provider.change import Change, Operation

_ALREADY = "it is so already"


def _name(name: str) -> sql.Identifier:
    return sql.Identifier(name)


async def change_membership(session: Session, change: Change, config: PostgresConfig) -> str:
    """Make a role held at a level, or not at all; return a remark.

    Raises:
        GoneError: the role or its holder is not there any more.
        ProviderError: it cannot be held so, or the server did not do it.
    """
    role = await find_role(session, change.entitlement_id, change.entitlement)
    holder = await find_holder(session, change)
    if holder is None:
        raise ProviderError("not everybody can be a member of a role")
    check_given(role, config)
    wanted = None if change.operation is Operation.REVOKE else Membership.parse(_level(change))
    rows = await session.rows(queries.members(session.version, one=True), (role.oid, holder.oid))
    if _together(rows) == wanted:
        return _ALREADY
    if session.version < queries.PG16:
        await _change_old_membership(session, role, holder, wanted, rows)
    else:
        await _change_membership(session, role, holder, wanted, rows)
    rows = await session.rows(queries.members(session.version, one=True), (role.oid, holder.oid))
    if _together(rows) != wanted:
        raise ProviderError(f"the server left {holder.name} as it was in {role.name}: somebody else granted that")
    return ""


async def _change_membership(
    session: Session, role: Role, holder: Role, wanted: Membership | None, rows: list[tuple[Any, ...]]
) -> None:
    """Since 16 each grantor has a grant of its own: ours is made as wanted, and none may give more."""
    if wanted is not None:
        options = {"admin": wanted.admin, "inherit": wanted.inherit, "can_set": wanted.set}
        words = {name: sql.SQL("TRUE" if value else "FALSE") for name, value in options.items()}
        statement = "GRANT {role} TO {holder} WITH ADMIN {admin}, INHERIT {inherit}, SET {can_set}"
        await session.run(statement, role=_name(role.name), holder=_name(holder.name), **words)
        rows = await session.rows(queries.members(session.version, one=True), (role.oid, holder.oid))
    for _, _, _, grantor, *given_options in rows:
        given = Membership(*map(bool, given_options))
        if wanted is None or given | wanted != wanted:
            names = {"role": role.name, "holder": holder.name, "grantor": str(grantor)}
            quoted = {each: _name(name) for each, name in names.items()}
            await session.run("REVOKE {role} FROM {holder} GRANTED BY {grantor}", **quoted)


async def _change_old_membership(
    session: Session, role: Role, holder: Role, wanted: Membership | None, rows: list[tuple[Any, ...]]
) -> None:
    names = {"role": _name(role.name), "holder": _name(holder.name)}
    if wanted is None:
        await session.run("REVOKE {role} FROM {holder}", **names)
    elif not (wanted.inherit and wanted.set):
        raise ProviderError(f"the level {wanted.level} needs PostgreSQL 16; this server is older")
    elif wanted.admin:
        await session.run("GRANT {role} TO {holder} WITH ADMIN OPTION", **names)
    elif rows:
        await session.run("REVOKE ADMIN OPTION FOR {role} FROM {holder}", **names)
    else:
        await session.run("GRANT {role} TO {holder}", **names)


def _together(rows: list[tuple[Any, ...]]) -> Membership | None:
    """Return what several grants of one membership give together; None for no grant."""
    found: Membership | None = None
    for _, _, _, _, *options in rows:
        given = Membership(*map(bool, options))
        found = found | given if found else given
    return found


async def change_attribute(session: Session, change: Change) -> str:
    """Give a role SUPERUSER or another of its attributes, or take it away."""
    holder = await find_holder(session, change)
    if holder is None:
        raise ProviderError(f"not everybody can be {change.entitlement_id}")
    check_attribute(change.entitlement_id)
    check_changeable(holder, session.own)
    wanted = change.operation is not Operation.REVOKE
    if change.entitlement_id not in ATTRIBUTES:
        raise ProviderError(f"{change.entitlement} is no attribute of roles")
    if getattr(holder, change.entitlement_id) == wanted:
        return _ALREADY
    option = ("" if wanted else "NO") + change.entitlement_id.upper()
    await session.run("ALTER ROLE {role} {option}", role=_name(holder.name), option=sql.SQL(option))
    return ""


async def change_privileges(session: Session, change: Change) -> str:
    """Make the privileges on a database or a schema those of a level, or none; return a remark.

    Raises:
        GoneError: the object or the holder is not there any more.
        ProviderError: the holder owns it, the level does not exist, or the server did not do it.
    """
    target = await find_target(session, change)
    holder = await find_holder(session, change)
    if holder and holder.oid == target.owner:
        raise ProviderError(f"{holder.name} owns {target.name}, and by that holds everything on it")
    wanted = {} if change.operation is Operation.REVOKE else privileges_of(change.kind, _level(change))
    held = await _held(session, target, holder)
    if held.together == wanted:
        return _ALREADY
    await _take(session, target, holder, held, wanted)
    await _give(session, target, holder, held.together, wanted)
    after = (await _held(session, target, holder)).together
    if after != wanted:
        left = f"{level_of(change.kind, after)}" if after else "nothing"
        who = name_of_holder(holder)
        raise ProviderError(f"the server left {who} with {left} on {target.name}: the tool lacks the grant option")
    return ""


@dataclass(slots=True)
class _Held:
    """What a holder has on an object: together, and from each grantor (oid and name)."""

    together: dict[str, bool] = field(default_factory=dict)
    by: defaultdict[tuple[int, str], dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))


async def _held(session: Session, target: Target, holder: Role | None) -> _Held:
    held = _Held()
    rows = await session.rows(target.grants, (target.oid, holder.oid if holder else 0))
    for privilege, grantable, grantor, name in rows:
        held.by[grantor, name][privilege] = grantable
        held.together[privilege] = held.together.get(privilege, False) or grantable
    return held


async def _take(session: Session, target: Target, holder: Role | None, held: _Held, wanted: Privileges) -> None:
    """Take what is too much, from each who granted it: nobody else can (REVOKE, "Notes")."""
    for (grantor, name), privileges in held.by.items():
        gone = [privilege for privilege in privileges if privilege not in wanted]
        tied = [each for each, grantable in privileges.items() if grantable and wanted.get(each) is False]
        if not (gone or tied):
            continue
        if grantor != target.owner:
            await session.run("SET LOCAL ROLE {grantor}", grantor=_name(name))
        await _say(session, "REVOKE {what} ON {kind} {target} FROM {holder}", target, holder, gone)
        await _say(session, "REVOKE GRANT OPTION FOR {what} ON {kind} {target} FROM {holder}", target, holder, tied)
        if grantor != target.owner:
            await session.run("RESET ROLE")


async def _give(session: Session, target: Target, holder: Role | None, held: Privileges, wanted: Privileges) -> None:
    plain = [each for each, grantable in wanted.items() if not grantable and each not in held]
    free = [each for each, grantable in wanted.items() if grantable and not held.get(each)]
    await _say(session, "GRANT {what} ON {kind} {target} TO {holder}", target, holder, plain)
    await _say(session, "GRANT {what} ON {kind} {target} TO {holder} WITH GRANT OPTION", target, holder, free)


async def _say(
    session: Session, statement: LiteralString, target: Target, holder: Role | None, privileges: list[str]
) -> None:
    """Run a GRANT or REVOKE of some privileges, if there are any."""
    known = list(LEVELS[target.kind].values())[-1]
    if not privileges:
        return
    await session.run(
        statement,
        what=sql.SQL(", ").join(sql.SQL(each) for each in known if each in privileges),
        kind=sql.SQL("DATABASE" if target.kind == DATABASE else "SCHEMA"),
        target=_name(target.name),
        holder=_name(holder.name) if holder else sql.SQL("PUBLIC"),
    )


def _level(change: Change) -> str | None:
    level = change.after.get("level")
    return None if level is None else str(level)
