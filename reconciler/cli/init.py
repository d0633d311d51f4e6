"""`reconciler init`: a repository gets what it needs: first files, workflows, code owners, an issue form."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.model.company import Company

HELP = help_of(
    "init",
    "In an empty repository it writes reconciler.yaml and first files; with --actions the workflows that plan pull "
    "requests, apply merges and look for drift, the code owners of apps, and a form to ask for access.",
    "Run it again after apps changed: what it made is made anew, what somebody edited is kept and told, and where "
    "nothing changed nothing is written.",
)


@click.command("init", help=HELP)
@click.option("--actions", metavar="OWNER/NAME@COMMIT", default="", help="Where the actions are, pinned by 40 digits.")
@click.option("--branch", metavar="NAME", default="main", show_default=True, help="The default branch.")
@click.option(
    "--environment", metavar="NAME", default="access", show_default=True, help="The environment of tokens that write."
)
@click.option("--organization", metavar="NAME", default="", help="A name for headlines.")
@click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="What a bare date means.")
@click.option(
    "--propose",
    type=click.Choice(["expired", "drift"]),
    multiple=True,
    help="What the scheduled run proposes as pull requests (repeatable).",
)
@click.option("--overwrite", metavar="PATH", multiple=True, help="Replace this file though it is yours (repeatable).")
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    actions: str,
    branch: str,
    environment: str,
    organization: str,
    timezone: str,
    propose: tuple[str, ...],
    overwrite: tuple[str, ...],
) -> None:
    """Write what is missing, and tell."""
    from reconciler.ci.scaffold import Choices, make_files, owners_file, write_files
    from reconciler.load.files import SETTINGS_NAMES
    from reconciler.load.settings import find_root, named_root
    from reconciler.run.session import open_session

    start = common.config or Path.cwd()
    folder = start.parent if start.name in SETTINGS_NAMES and start.parent.is_dir() else named_root(start)
    known = any((folder / name).exists() for name in SETTINGS_NAMES)
    company = open_session(find_root(folder), cache=False).company if known else None
    choices = Choices(actions, branch, environment, organization, timezone, propose)
    made = make_files(choices, company)
    if company and actions:
        made |= owners_file(folder, company)
    told = list(write_files(folder, made, overwrite=overwrite))
    if common.json:
        print_data({"files": [{"path": path, "done": done.value} for path, done in told]})
        return
    print_lines(f"{path}: {done}" for path, done in told)
    if not told:
        print_lines(["nothing to write: give --actions to get workflows"], sys.stderr)
    elif actions:
        print_lines(_next_steps(environment, branch), sys.stderr)
        if company:
            print_lines(_check(company, environment, branch), sys.stderr)


def _check(company: "Company", environment: str, branch: str) -> list[str]:
    """Ask the forge whether all of that is so, where anything says which repository this is and by which token."""
    import asyncio

    from reconciler.ci.reachable import Reach, check_reach
    from reconciler.ci.scaffold import secret_names
    from reconciler.errors import ReconcilerError
    from reconciler.forge.github import open_forge
    from reconciler.render.escape import visible

    async def look() -> Reach:
        async with open_forge(company.settings, read_only=True) as forge:
            return await check_reach(forge, environment, branch, secret_names(company))

    try:
        reach = asyncio.run(look())
    except ReconcilerError as error:
        return ["", f"not checked: {error.message}", *([f"  {error.hint}"] if error.hint else [])]
    lines = [*(f"  change: {one}" for one in reach.problems), *(f"  better: {one}" for one in reach.advice)]
    lines += [f"  not seen: {one}" for one in reach.unseen]
    return ["", "checked on GitHub:", *map(visible, lines or ["  all of it is so"])]


def _next_steps(environment: str, branch: str) -> list[str]:
    return [
        "",
        "on GitHub, next:",
        f"  make the environment {environment}, allow only {branch} in its deployment branches, put the tokens there",
        f"  make the environment {environment}-read, put tokens that only read there, under the same names",
        f"  protect {branch}: one approval, dismissed by new commits, and the status access/plan",
    ]
