"""`reconciler schema`: JSON Schemas, for editors and for whoever reads plan files."""

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

HELP = help_of(
    "schema",
    "Draft 7 for the YAML, so that editors complete it; 2020-12 for the plan file.",
)


@click.command("schema", help=HELP)
@click.argument("what", type=click.Choice(["config", "plan"]), default="config")
@shared_options()
@click.pass_obj
def command(common: Common, /, what: str) -> None:  # noqa: ARG001 - every command has the shared options
    """Print a schema, always indented: it is a file."""
    import json

    if what == "plan":
        from reconciler.plan.file import plan_schema

        schema = plan_schema()
    else:
        from reconciler.load.schema import json_schema

        schema = json_schema()
    print_lines([json.dumps(schema, indent=2, ensure_ascii=False)])
