"""`reconciler plan`: what would be changed in which app, and why. Nothing is written but the file of the plan."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.exits import exit_of_plan
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, at_option, base_option, scope_options, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan
    from reconciler.run.session import Session

HELP = help_of(
    "plan",
    "Every app is read over connections that cannot write. A plan that was kept with --out can be "
    "reviewed, shown again, and applied later exactly as it is.",
    "With --base the plan is that of a pull request: what the checkout changes, and nothing that the base asks for as "
    "well (drift, what is not yet applied). Guards count as in both; no secret is sent to a route that the base does "
    "not know.",
)


html_option = click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page for a browser, with search and filters.",
)


@click.command("plan", help=HELP)
@scope_options
@at_option
@base_option
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the plan.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@html_option
@click.option("--leavers", is_flag=True, help="Only people who have left: which accounts they still have.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if changes are pending.")
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    at: datetime | None,
    base: str | None,
    out: Path | None,
    markdown: bool,
    html: Path | None,
    leavers: bool,
    detailed_exitcode: bool,
    **asked: Any,
) -> int:
    """Plan, show, and write the plan's file."""
    from reconciler.cli.opening import make_scope, open_company
    from reconciler.cli.watching import watch_reading
    from reconciler.run.planning import make_plan

    scope = make_scope(**asked)
    if leavers and (scope.identities or base is not None):
        raise click.UsageError("--leavers chooses the people itself: leave --identity and --base out")
    if base is not None and scope.due:
        raise click.UsageError("--base and --due exclude each other: what is due is nobody's pull request")
    session = open_company(common, at, tell=False, base=base)
    if leavers:
        scope = replace(scope, identities=_leavers(session))
    plan = make_plan(session, scope, progress=watch_reading(common, session, scope), snapshots=True)
    if out:
        write_plan(plan, out)
    if html:
        write_page(plan, html)
    print_plan(plan, common, markdown=markdown)
    return exit_of_plan(plan, detailed=detailed_exitcode)


def _leavers(session: "Session") -> tuple[str, ...]:
    """Return everybody who has left.

    Raises:
        ConfigurationError: nobody has, so that a plan of only them would be one of everybody.
    """
    from reconciler.errors import ConfigurationError

    names = tuple(sorted(session.resolved.leavers))
    if not names:
        hint = "write down who left, with their `last_day`: people, not accounts, are looked for"
        raise ConfigurationError("nobody has left, as far as people are declared", hint=hint)
    return names


def print_plan(plan: "Plan", common: Common, *, markdown: bool = False) -> None:
    """Print a plan on stdout: as text, as data or as Markdown."""
    if common.json:
        from reconciler.render.data import plan_data

        print_data(plan_data(plan))
    elif markdown:
        from reconciler.render.markdown import render_markdown

        print_lines([render_markdown(plan).rstrip("\n")])
    else:
        from reconciler.render.text import render_text

        print_lines(render_text(plan, width=common.width, colour=common.colour(), verbose=common.verbose))


def write_plan(plan: "Plan", file: Path) -> None:
    """Write a plan's file, readable only by its owner, all of it or nothing.

    Raises:
        PlanError: the file cannot be written.
    """
    from reconciler.plan.file import encode_plan

    _write(file, encode_plan(plan), "plan")


def write_page(plan: "Plan", file: Path) -> None:
    """Write a plan as a page for a browser, readable only by its owner, all of it or nothing.

    Raises:
        PlanError: the file cannot be written.
    """
    from reconciler.render.page import render_page

    _write(file, render_page(plan), "page")


def _write(file: Path, text: str, what: str) -> None:
    from tempfile import mkstemp

    from reconciler.errors import PlanError

    try:
        handle, name = mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as error:
        raise PlanError(f"{file}: the {what} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise PlanError(f"{file}: the {what} cannot be written: {error.strerror}") from None


def read_plan(file: Path) -> "Plan":
    """Read a plan's file.

    Raises:
        PlanError: it cannot be read, is no plan, or was changed.
    """
    from reconciler.errors import PlanError
    from reconciler.plan.file import decode_plan

    try:
        return decode_plan(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{file}: the plan cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PlanError(f"{file}: this is no plan: it is not UTF-8") from None
