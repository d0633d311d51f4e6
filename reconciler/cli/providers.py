"""`reconciler providers`: which are installed, and what each way of each app can do."""

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from reconciler.provider.contract import Ability, Capabilities

HELP = help_of(
    "providers",
    "With --app: what each way of that app's route can do there, and why not.",
)


@click.command("providers", help=HELP)
@click.option(
    "--app", "-a", "apps", multiple=True, metavar="APP", help="What the ways of this app can do, and why not."
)
@shared_options()
@click.pass_obj
def command(common: Common, /, apps: tuple[str, ...]) -> None:
    """List providers, or the abilities of the ways of some apps."""
    if apps:
        _list_abilities(common, apps)
    else:
        _list_providers(common)


def _list_providers(common: Common) -> None:
    from reconciler.provider.registry import installed
    from reconciler.render.table import render_table

    found = [_provider_data(name, point) for name, point in installed().items()]
    if common.json:
        print_data({"providers": found})
        return
    rows = [(one["name"], one["version"], one["summary"] or one["error"]) for one in found]
    print_lines(render_table(rows) if rows else ["no providers are installed"])


def _provider_data(name: str, point: "EntryPoint") -> dict[str, Any]:
    """Return what is known of a provider; one that cannot be imported is listed with the reason."""
    from reconciler.errors import ProviderError
    from reconciler.provider.registry import load_provider

    known = {"name": name, "package": point.dist.name if point.dist else "", "version": "", "summary": "", "error": ""}
    try:
        provider = load_provider(name)
    except ProviderError as error:
        return {**known, "error": error.message}
    summary = (provider.__doc__ or "").strip().partition("\n")[0]
    return {**known, "version": provider.version, "summary": summary}


def _list_abilities(common: Common, apps: tuple[str, ...]) -> None:
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.render.table import render_table
    from reconciler.run.ways import open_ways

    session = open_company(common)
    check_names(apps, session.company.apps, "app")
    ways = [
        (name, way)
        for name in dict.fromkeys(apps)
        for way in open_ways(session, session.company.apps[name], read_only=True)
    ]
    if common.json:
        data = [{"app": app, "way": way.name, **_capabilities_data(way.capabilities)} for app, way in ways]
        print_data({"ways": data})
        return
    for app, way in ways:
        print_lines([f"{app} ({way.name} {way.version})"])
        print_lines(render_table(list(_rows(way.capabilities)), indent=2))


def _rows(capabilities: "Capabilities") -> "Iterator[tuple[str, str, str]]":
    for collection, ability in capabilities.reads.items():
        yield f"read {collection}", *_words(ability)
    for operation, ability in capabilities.operations.items():
        yield operation.value, *_words(ability)
    for kind, operations in capabilities.kinds.items():
        for operation, ability in operations.items():
            yield f"{operation.value} {kind}", *_words(ability)


def _words(ability: "Ability") -> tuple[str, str]:
    return ("yes" if ability else "no"), ability.why


def _capabilities_data(capabilities: "Capabilities") -> dict[str, Any]:
    def told(table: Any) -> dict[str, Any]:
        return {str(name): {"can": ability.can, "why": ability.why} for name, ability in table.items()}

    return {
        "reads": told(capabilities.reads),
        "operations": told(capabilities.operations),
        "kinds": {kind: told(operations) for kind, operations in capabilities.kinds.items()},
        "levels": {kind: list(levels) for kind, levels in capabilities.levels.items()},
        "stable_ids": capabilities.stable_ids,
    }
