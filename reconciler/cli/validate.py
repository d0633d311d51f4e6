"""`reconciler validate`: everything that is wrong with the YAML, all at once, without asking any app."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, at_option, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.model.company import Company

HELP = help_of(
    "validate",
    "No app is asked, and no secret is read. Errors are told with file, line and column, all of them in one run.",
)


@click.command("validate", help=HELP)
@at_option
@shared_options()
@click.pass_obj
def command(common: Common, /, at: datetime | None) -> None:
    """Load and resolve; problems are told by whoever called."""
    from reconciler.cli.opening import open_company
    from reconciler.render.problems import count_problems, problem_data

    session = open_company(common, at, tell=not common.json)
    counted = _count(session.company)
    if common.json:
        problems = [problem_data(problem) for problem in session.warnings]
        print_data({"valid": True, "problems": problems, "counts": counted})
    else:
        told = ", ".join(f"{count:,} {_noun(name, count)}" for name, count in counted.items() if count)
        also = f" · {count_problems(session.warnings)}" if session.warnings else ""
        print_lines([f"ok: {told or 'nothing is declared'}{also}"])


def _noun(name: str, count: int) -> str:
    words = name.replace("_", " ")
    if count != 1:
        return words
    return "person" if name == "people" else words.removesuffix("s")


def _count(company: "Company") -> dict[str, int]:
    return {
        "people": len(company.people),
        "service_accounts": len(company.service_accounts),
        "groups": len(company.groups),
        "apps": len(company.apps),
        "roles": len(company.roles),
        "grants": len(company.grants),
    }
