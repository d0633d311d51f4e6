"""`reconciler import`: people from an export or an app, and what an app has, become YAML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.run.first import FirstApp

PEOPLE = "people"
HELP = help_of(
    "import",
    "`import people --from hr.csv` (or --from APP) writes people. `import APP` writes the access that an app has and "
    "the YAML does not say. Both only add and update: done again, nothing changes, and nobody is ever deleted.",
    "An app that no YAML names yet: --provider scim --set url=https://… --set token.env=NAME --owner ID.",
)


def _pairs(_ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        key, sign, text = value.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{value!r} is no KEY=VALUE", param=parameter)
        pairs[key] = text
    return pairs


@click.command("import", help=HELP)
@click.argument("what", metavar="people|APP")
@click.option("--from", "source", metavar="CSV|APP", default="", help="For people: where they are.")
@click.option("--map", "columns", multiple=True, callback=_pairs, metavar="FIELD=HEADER", help="What a column holds.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), default=None, help="What 03/04/2026 means.")
@click.option("--delimiter", default="", metavar="SIGN", help="What divides the cells, if it is not found.")
@click.option("--encoding", default="", metavar="NAME", help="The file's encoding, if it is not found.")
@click.option("--skip", is_flag=True, help="Leave out rows that cannot be used.")
@click.option("--provider", default="", metavar="NAME", help="For a new app: how it is reached.")
@click.option("--set", "settings", multiple=True, callback=_pairs, metavar="KEY=VALUE", help="The provider's settings.")
@click.option("--owner", default="", metavar="ID", help="For a new app: its owner, an id or an address.")
@click.option("--unmatched", is_flag=True, help="Write accounts that match nobody as service accounts.")
@click.option("--suggest-roles", "suggest", is_flag=True, help="Show roles that would say the same shorter.")
@click.option("--accept", multiple=True, metavar="ITEM", help="Take only this drift: ana/channel:eng, or all.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@shared_options()
@click.pass_obj
def command(common: Common, /, **asked: Any) -> int:
    """Import people, or an app."""
    if asked["provider"] and not asked["owner"]:
        raise click.UsageError("a new app has an owner: --owner ID")
    if asked["what"] == PEOPLE:
        if not asked["source"]:
            raise click.UsageError("say where the people are: --from FILE.csv, or --from APP")
        return _import_people(common, asked)
    if asked["source"]:
        raise click.UsageError("--from is for people: reconciler import people --from …")
    return _import_app(common, asked)


def _first(asked: dict[str, Any]) -> "FirstApp | None":
    from reconciler.run.first import FirstApp

    return FirstApp(asked["provider"], asked["settings"], asked["owner"]) if asked["provider"] else None


def _import_people(common: Common, asked: dict[str, Any]) -> int:
    from reconciler.cli.opening import settings_of
    from reconciler.render.importing import people_data, render_people
    from reconciler.run.importing import Layout, import_accounts, import_export

    root, source, dry_run = settings_of(common).root, asked["source"], asked["dry_run"]
    if Path(source).suffix or Path(source).exists():
        layout = Layout(asked["columns"], asked["dates"] or "", asked["delimiter"], asked["encoding"])
        done = import_export(root, Path(source), layout, skip=asked["skip"], dry_run=dry_run)
    else:
        done = import_accounts(root, source, _first(asked), None, dry_run=dry_run)
    if common.json:
        print_data(people_data(done))
    else:
        print_lines(render_people(done, dry_run=dry_run))
    return Exit.DONE


def _import_app(common: Common, asked: dict[str, Any]) -> int:
    from reconciler.cli.opening import settings_of
    from reconciler.render.importing import access_data, render_access, render_suggestions
    from reconciler.run.importing_access import Order, import_access

    order = Order(asked["what"], _first(asked), asked["unmatched"], asked["accept"])
    done = import_access(settings_of(common).root, order, None, dry_run=asked["dry_run"])
    if common.json:
        print_data(access_data(done))
    else:
        print_lines(render_access(order.app, done, dry_run=asked["dry_run"]))
        if asked["suggest"]:
            print_lines(render_suggestions(order.app, done.suggestions))
    return Exit.UNREAD if done.found.unread else Exit.DONE
