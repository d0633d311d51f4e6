"""An app's route becomes opened providers, the ticket always the last of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import msgspec

from reconciler.model.apps import App, Way
from reconciler.model.company import Settings
from reconciler.provider.contract import Capabilities, Provider, Surroundings
from reconciler.provider.registry import load_provider
from reconciler.resolve.asked import find_asked
from reconciler.run.session import Session

TICKET = "ticket"
DEFAULT_TICKETS: Mapping[str, str] = {"via": "directory", "directory": "tickets"}


@dataclass(frozen=True)
class OpenWay:
    """One way of an app's route, ready to be entered."""

    name: str
    provider: Provider

    @property
    def version(self) -> str:
        """Return the provider's version."""
        return self.provider.version

    @cached_property
    def capabilities(self) -> Capabilities:
        """Return what this way can do, as configured."""
        return self.provider.capabilities


def route_of(app: App, settings: Settings) -> tuple[Way, ...]:
    """Return an app's ways, with a ticket to its owner at the end where the route names none."""
    if any(way.provider == TICKET for way in app.route):
        return app.route
    return (*app.route, Way(TICKET, settings.tickets or DEFAULT_TICKETS, app.place))


def open_ways(session: Session, app: App, *, read_only: bool) -> tuple[OpenWay, ...]:
    """Make the providers of an app's route; nothing is connected to, and no secret is read, until they are entered.

    Raises:
        ProviderError: a provider is not installed, or its configuration cannot work.
    """
    surroundings = _surroundings(session, app, read_only=read_only)
    return tuple(_open(way, surroundings) for way in route_of(app, session.settings))


def routes_alike(known: App | None, app: App, settings: Settings) -> bool:
    """Say whether each way of an app is one that it is known to have: nothing is sent anywhere else then.

    Args:
        known: the app as it is trusted, or None where it is not known at all.
        app: the app as it is now.
        settings: trusted ones, which say how tickets are sent by default.
    """
    default = (TICKET, settings.tickets or DEFAULT_TICKETS)
    trusted = [(way.provider, way.config) for way in known.route] if known else []
    return all((way.provider, way.config) in (*trusted, default) for way in route_of(app, settings))


def digest_config(app: App, settings: Settings, versions: Sequence[str]) -> str:
    """Return a SHA-256 (hex) over how an app is reached and managed, and by which versions; secrets are references."""
    ways = [(way.provider, way.config) for way in route_of(app, settings)]
    rules = (app.manage, dict(app.manage_kinds), app.accounts.match, dict(app.accounts.attributes), app.owner)
    leaver = [(step.name, dict(step.options)) for step in app.leaver]
    grace = app.delete_after.total_seconds() if app.delete_after else None
    content = msgspec.json.encode([ways, rules, leaver, grace, list(versions)], order="deterministic", enc_hook=str)
    return hashlib.sha256(content).hexdigest()


def levels_of(ways: Sequence[OpenWay]) -> dict[str, tuple[str, ...]]:
    """Return the order of each kind's levels; where two ways know it, the first one says."""
    levels: dict[str, tuple[str, ...]] = {}
    for way in reversed(ways):
        levels.update(way.capabilities.levels)
    return levels


def _open(way: Way, surroundings: Surroundings) -> OpenWay:
    provider = load_provider(way.provider)
    config = provider.Config.model_validate(way.config)
    return OpenWay(way.provider, provider.open(config, surroundings))


def _surroundings(session: Session, app: App, *, read_only: bool) -> Surroundings:
    company, settings = session.company, session.settings
    return Surroundings(
        app=app.name,
        root=settings.root,
        read_only=read_only,
        now=datetime.now(UTC),
        owner=find_asked(session.resolved, app).person,
        people={person.id: (person.name, person.email) for person in company.people.values()},
        secrets_env=settings.secrets_env,
        secrets_files=settings.secrets_files,
        sops=settings.sops,
    )
