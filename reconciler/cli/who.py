"""`reconciler who`: who has an entitlement, and why, from the YAML alone."""

from datetime import datetime

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, at_option, shared_options
from reconciler.cli.output import print_data, print_lines

HELP = help_of(
    "who",
    "What is declared, present and absent, each with every reason. No app is asked.",
)


@click.command("who", help=HELP)
@click.argument("entitlement", metavar="APP/KIND:NAME")
@at_option
@shared_options()
@click.pass_obj
def command(common: Common, /, entitlement: str, at: datetime | None) -> None:
    """List the holders of an entitlement."""
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.render.explain import explained_data, render_holders
    from reconciler.resolve.explain import who
    from reconciler.run.declaring import declared_apps
    from reconciler.run.provenance import find_provenance

    app, key = _parts(entitlement)
    session = open_company(common, at)
    check_names([app], session.company.apps, "app")
    declared = next(iter(declared_apps(session, [app])))
    check_names([key], {*declared.names.entitlements, *declared.entitlements}, "entitlement")
    items = who(session.resolved, declared, key)
    origins = find_provenance(session, [place for item in items for reason in item.reasons for place in reason.places])
    if common.json:
        holders = [explained_data(item, origins) for item in items]
        print_data({"entitlement": entitlement, "moment": session.moment.isoformat(), "holders": holders})
        return
    lines = render_holders(entitlement, items, width=common.width, colour=common.colour(), origins=origins)
    print_lines(lines)
    if not items:
        print_lines(["  nobody"])


def _parts(entitlement: str) -> tuple[str, str]:
    app, slash, key = entitlement.partition("/")
    if not slash or ":" not in key:
        raise click.UsageError(f"{entitlement!r} names no entitlement; write it like github/team:platform")
    return app, key
