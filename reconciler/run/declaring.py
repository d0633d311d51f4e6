"""What is declared, without asking any app: for `explain` and `who`."""

from collections.abc import Iterator, Sequence

from reconciler.items import Names
from reconciler.resolve.app import declare_app
from reconciler.resolve.declared import DeclaredApp
from reconciler.run.session import Session
from reconciler.run.ways import levels_of, open_ways


def declared_apps(session: Session, apps: Sequence[str] = ()) -> Iterator[DeclaredApp]:
    """Yield what is declared in each app (all of them where none is named); the providers only say how levels rank.

    Raises:
        ConfigurationError: an app does not exist.
        ProviderError: a provider is not installed, or its configuration cannot work.
    """
    for name in apps or sorted(session.company.apps):
        app = session.company.apps.get(name)
        levels = levels_of(open_ways(session, app, read_only=True)) if app else {}
        yield declare_app(session.resolved, name, Names(), levels)
