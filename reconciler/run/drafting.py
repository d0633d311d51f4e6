"""A change of YAML is drafted: edited in memory, loaded as a whole, and what it does to access is worked out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reconciler.edit.files import Files
from reconciler.errors import ConfigurationError, ProviderError
from reconciler.items import Names, unpack
from reconciler.load.cache import Cache
from reconciler.load.company import load_contents
from reconciler.load.files import SETTINGS_NAMES, find_files, read_content
from reconciler.load.settings import load_settings
from reconciler.model.company import Company
from reconciler.resolve.app import declare_app
from reconciler.resolve.declared import DeclaredApp, Presence
from reconciler.run.session import CACHE, Session
from reconciler.run.ways import levels_of, open_ways


class Effect(NamedTuple):
    """One thing that somebody will have, or no longer have, once the change is applied.

    Attributes:
        gained: whether it is had afterwards.
        entitlement: its key, or empty for the account itself.
    """

    app: str
    holder: str
    entitlement: str
    level: str
    gained: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A change of YAML that loads.

    Attributes:
        before, after: the company without and with it.
        contents: path → what the files held, of those that are changed (nothing for a new one).
        changes: path → what they will hold; empty where there is nothing to change.
        effects: what changes for whom, sorted.
    """

    before: Session
    after: Session
    contents: Mapping[str, bytes]
    changes: Mapping[str, bytes]
    effects: tuple[Effect, ...]


def read_tree(root: Path) -> dict[str, bytes]:
    """Return the YAML files under a folder, with `reconciler.yaml`, by path.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    settings = load_settings(root)
    paths = [name for name in SETTINGS_NAMES if (root / name).exists()][:1] + find_files(root, settings.ignore).paths
    try:
        return {path: read_content(f"{root}/{path}") for path in paths}
    except OSError as error:
        raise ConfigurationError(f"{root}: a file cannot be read: {error.strerror}") from None


def draft(
    root: Path,
    contents: Mapping[str, bytes],
    moment: datetime,
    edit: Callable[[Session, Files], Iterable[str]],
) -> Draft:
    """Edit the files of a company, load what comes out, and compare.

    Args:
        root: the folder that relative paths in the settings start from.
        contents: path → content of its YAML files.
        moment: what is due is judged by it.
        edit: changes the files, and returns the apps in which access may change.

    Raises:
        InputError: the YAML has errors, before or after.
        ConfigurationError: the request cannot be.
        EditError: a file cannot be changed that way.
    """
    cache = Cache(root / CACHE)
    before = _session(root, contents, moment, cache)
    files = Files(contents)
    apps = list(edit(before, files))
    changes = files.changes()
    after = _session(root, {**contents, **changes}, moment, cache)
    return compare(before, after, contents, changes, apps)


def compare(
    before: Session, after: Session, contents: Mapping[str, bytes], changes: Mapping[str, bytes], apps: Iterable[str]
) -> Draft:
    """Return what a change of files does to access in apps.

    Args:
        before: the company without it.
        after: the company with it.
        contents: path → what the files held.
        changes: path → what they will hold.
        apps: where access may change.
    """
    known = {path: contents.get(path, b"") for path in changes}
    return Draft(before, after, known, changes, tuple(_effects(before, after, sorted(set(apps)))))


def _session(root: Path, contents: Mapping[str, bytes], moment: datetime, cache: Cache) -> Session:
    loaded = load_contents(root, contents, moment=moment, cache=cache)
    return Session(loaded.company, loaded.warnings, moment)


def _effects(before: Session, after: Session, apps: Iterable[str]) -> Iterable[Effect]:
    for app in apps:
        had, has = _held(before, app), _held(after, app)
        yield from (Effect(app, *one, gained=False) for one in sorted(had - has))
        yield from (Effect(app, *one, gained=True) for one in sorted(has - had))


def _held(session: Session, app: str) -> set[tuple[str, str, str]]:
    """Return (holder, entitlement, level) of all that is declared in an app; an account has no entitlement."""
    if app not in session.company.apps:
        return set()
    declared = declare(session, app)
    names = declared.names
    held = {(holder, "", "") for holder, presence in declared.accounts.items() if presence is Presence.PRESENT}
    for grant, level in declared.grants.items():
        holder, entitlement = unpack(grant)
        held.add((names.holders[holder], names.entitlements[entitlement], names.levels[level] or ""))
    return held


def declare(session: Session, app: str) -> DeclaredApp:
    """Return what is declared in an app; where its provider is not installed here, levels rank as the YAML says."""
    try:
        levels = levels_of(open_ways(session, session.company.apps[app], read_only=True))
    except ProviderError:
        levels = {}
    return declare_app(session.resolved, app, Names(), levels)


def find_owner(company: Company, app: str, here: Callable[[str], bool]) -> str:
    """Return who answers for an app: its owner, the deputy where the owner is not here, or nobody."""
    found = (company.apps[app].owner, company.apps[app].deputy)
    return next((person for person in found if person and here(person)), "")
