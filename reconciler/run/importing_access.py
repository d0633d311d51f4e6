"""What is live in an app is imported into the YAML: grants, accounts, and drift that somebody accepts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.discover.access import Found, Stranger, find_access
from reconciler.discover.ids import make_id
from reconciler.discover.risky import find_risky, keep_lost
from reconciler.discover.roles import Suggestion, suggest_roles
from reconciler.edit.access import add_grants, add_service_accounts
from reconciler.edit.asking import Asked
from reconciler.edit.requests import revoke
from reconciler.edit.writing import Value
from reconciler.errors import ConfigurationError
from reconciler.items import GrantItem, Names
from reconciler.model.identities import Person, ServiceAccount
from reconciler.plan.inputs import IdentityKeys
from reconciler.plan.sides import Sides, join_sides
from reconciler.provider.snapshot import AccountStatus
from reconciler.resolve.app import declare_app
from reconciler.run.first import FirstApp, write_app
from reconciler.run.importing import Tree
from reconciler.run.live import read_sides
from reconciler.run.reading import ReadProgress
from reconciler.run.session import Session
from reconciler.state.open import open_state

ALL = "all"
"""The item that accepts all drift of an app, but none that is privileged, seems so, or is protected."""


@dataclass(frozen=True, slots=True)
class AccessImport:
    """What an import of an app came to; `files` were written (or would be).

    Attributes:
        kept: (`ana/group:admins`, why) of access that is gone in the app, and stays in the YAML unless it is named.
    """

    found: Found
    files: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for.

    Attributes:
        app: its name.
        first: how it is reached, where no YAML says so yet.
        unmatched: whether accounts that match nobody become service accounts of the app's owner.
        accept: items `ana/channel:eng`, or `all`; empty imports everything that is not privileged.
    """

    app: str
    first: FirstApp | None = None
    unmatched: bool = False
    accept: tuple[str, ...] = ()


def import_access(root: Path, order: Order, progress: ReadProgress | None, *, dry_run: bool) -> AccessImport:
    """Read an app and write what the YAML does not say about it yet.

    Raises:
        ConfigurationError: the app or an item is unknown, or the app cannot be reached.
        InputError: the YAML has errors.
        EditError: the YAML cannot be changed so.
    """
    tree = Tree.of(root)
    if order.first:
        company = tree.load().company
        order.first.app(order.app, company)
        write_app(tree, order.app, order.first, {one.id: one.email for one in company.people.values()})
    session = tree.load()
    sides = read_sides(session, order.app, progress)
    found = _find(session, sides, order.accept)
    if found.unread:
        return AccessImport(found)
    suggestions = suggest_roles(session.company.people, found.held, _here(session))
    if order.accept:
        _check_named(sides, found, order.accept)
    dropped = _drop_lost(tree, sides, order) if order.accept else ()
    kept = tuple(_kept(sides, order.accept)) if ALL in order.accept else ()
    services = _add_services(tree, session, found, order.app) if order.unmatched else ()
    if services:
        session = tree.load()
        found = _find(session, _rejoin(session, sides), order.accept)
    company = tree.load().company
    tree.edit(lambda files: add_grants(company, files, order.app, found.blocks))
    files = tuple(sorted(tree.changes))
    tree.write(dry_run=dry_run)
    return AccessImport(found, files, services, dropped, kept, suggestions)


def _here(session: Session) -> list[str]:
    roster = session.resolved.roster
    return [name for name in session.company.people if roster.number_here(name) is not None]


def _find(session: Session, sides: Sides, accept: Sequence[str]) -> Found:
    services = session.company.service_accounts
    named = {*accept} - {ALL}
    risky = find_risky(sides) if ALL in accept else {}
    careful = {holder for holder, _ in risky}

    def accepted(holder: str, key: str) -> bool:
        ordinary = (holder, key) not in risky if key else holder not in careful
        return _word(holder, key) in named or (ALL in accept and ordinary)

    return find_access(
        sides,
        here={*_here(session), *services},
        services=services.keys(),
        accepted=accepted if accept else None,
        risky=risky,
    )


def _word(holder: str, key: str) -> str:
    return f"{holder}/{key}" if key else holder


def _check_named(sides: Sides, found: Found, accept: Collection[str]) -> None:
    """Refuse an item that is no drift, and a level that differs: nothing that was named is silently left out."""
    written = {
        _word(holder, wanted.entitlement)
        for block in found.blocks
        for holder in (*block.people, *block.service_accounts, *block.entitlements)
        for wanted in block.wanted
    }
    bare = {name for block in found.blocks if not block.wanted for name in (*block.people, *block.service_accounts)}
    lost = {_word(item.holder, item.entitlement) for item in find_lost(sides)}
    for item in accept:
        if item != ALL and item not in written | bare | lost:
            hint = "write it like ana/channel:eng, as `reconciler drift` shows it; a level is changed by hand"
            raise ConfigurationError(f"{item!r} is no drift in {sides.inputs.app} that can be accepted", hint=hint)


def find_lost(sides: Sides) -> list[GrantItem]:
    """Return what is declared, was applied, and is gone."""
    gone = [grant for grant in sides.wanted if grant in sides.recorded and grant not in sides.granted]
    return sides.names.items(grant for grant in gone if grant not in sides.applied.pending)


def _drop_lost(tree: Tree, sides: Sides, order: Order) -> tuple[str, ...]:
    """Take out of the YAML what was taken away in the app, one after the other."""
    dropped = []
    for item in find_lost(sides):
        word = _word(item.holder, item.entitlement)
        if word not in order.accept and (ALL not in order.accept or keep_lost(sides, item)):
            continue
        session = tree.load()
        number = session.resolved.roster.numbers.get(item.holder)
        blocks = session.resolved.blocks.get(order.app, ())
        reaching = {block.place for block in blocks if number is not None and number in block.members}
        asked = Asked(item.holder, order.app, item.entitlement)
        tree.edit(lambda files: revoke(session.company, files, asked, reaching, exclude=False))  # noqa: B023 - at once
        dropped.append(word)
    return tuple(dropped)


def _kept(sides: Sides, accept: Collection[str]) -> Iterator[tuple[str, str]]:
    for item in find_lost(sides):
        word = _word(item.holder, item.entitlement)
        if word not in accept and (why := keep_lost(sides, item)):
            yield word, why


def _add_services(tree: Tree, session: Session, found: Found, app: str) -> tuple[str, ...]:
    """Write the active accounts that match nobody as service accounts of the app's owner, told by their username."""
    company = session.company
    taken = {*company.people, *company.service_accounts}
    added: dict[str, Mapping[str, Value]] = {}
    for stranger in found.strangers:
        account = stranger.account
        name = account.username or account.email
        if account.status is AccountStatus.ACTIVE and name and name.isprintable() and not stranger.privileged:
            name = make_id(account.email or account.username, account.username, taken)
            taken.add(name)
            added[name] = _service(stranger, company.apps[app].owner, app)
    tree.edit(lambda files: add_service_accounts(company, files, added))
    return tuple(added)


def _service(stranger: Stranger, owner: str, app: str) -> dict[str, Value]:
    account = stranger.account
    if account.username:
        return {"owner": owner, "usernames": {app: account.username}}
    return {"owner": owner, "email": account.email}


def _rejoin(session: Session, sides: Sides) -> Sides:
    """Match the same answer again, now that there are more identities; nothing is read twice."""
    app, names, company = sides.inputs.app, Names(), session.company
    everybody: list[Person | ServiceAccount] = [*company.people.values(), *company.service_accounts.values()]
    keys = tuple(IdentityKeys(one.id, one.email, one.usernames.get(app, "")) for one in everybody)
    declared = declare_app(session.resolved, app, names, dict(sides.levels))
    with open_state(session.settings, read_only=True) as state:
        applied = state.load(app, names)
    return join_sides(replace(sides.inputs, declared=declared, applied=applied, identities=keys))
