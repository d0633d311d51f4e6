"""`reconciler request`: access is asked for, extended or given back by a pull request that changes the right YAML."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.run.drafting import Draft
    from reconciler.run.proposing import Proposed
    from reconciler.run.requesting import Expired, Wish

HELP = help_of(
    "request",
    "The change is made on a branch of its own, from the newest default branch; what you are working on "
    "is not touched. The app's owner, or whoever the entitlement declares as approvers, is asked to review.",
    "What comes from a role cannot be given back alone: --except keeps the whole role away.",
)


@click.command("request", help=HELP)
@click.argument("identity", required=False)
@click.argument("entitlement", metavar="[APP/KIND:NAME]", required=False)
@click.option("--level", metavar="LEVEL", default="", help="At which level.")
@click.option("--until", metavar="WHEN", default="", help="Until when: 2026-03-31, or 2026-03-31 18:00.")
@click.option("--reason", metavar="TEXT", default="", help="Why; needed, and kept.")
@click.option("--revoke", "verb", flag_value="revoke", help="Give it back.")
@click.option("--except", "verb", flag_value="except", help="Give it back, by an exception to what gives it.")
@click.option("--extend", "verb", flag_value="extend", help="Move the end of a grant.")
@click.option("--new", is_flag=True, help="The app has this entitlement, but no YAML names it yet.")
@click.option("--expired", is_flag=True, help="Remove every grant from the YAML whose time is over.")
@click.option("--by", metavar="NAME", default="", help="Who asks, where somebody else runs this.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch, not from the default one.")
@click.option("--local", is_flag=True, help="Change the files here, and nothing else.")
@click.option("--dry-run", is_flag=True, help="Show what would be changed.")
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    identity: str | None,
    entitlement: str | None,
    level: str,
    until: str,
    reason: str,
    verb: str | None,
    new: bool,
    expired: bool,
    by: str,
    base: str,
    local: bool,
    dry_run: bool,
) -> None:
    """Ask for access."""
    from reconciler.run.requesting import Expired, Verb, Wish

    wish: Wish | Expired
    if expired:
        if identity or verb or level or until:
            raise click.UsageError("--expired stands alone")
        wish = Expired()
    else:
        if not (identity and entitlement):
            raise click.UsageError("name who, and what: reconciler request ana figma/role:admin")
        _check(verb, level, until, reason)
        wish = Wish(Verb(verb or "give"), identity, entitlement, level, until, reason.strip(), new)
    if local:
        _work_locally(common, wish, dry_run=dry_run)
    else:
        _open_pull_request(common, wish, reason.strip(), by, base, dry_run=dry_run)


def _check(verb: str | None, level: str, until: str, reason: str) -> None:
    if not reason.strip():
        raise click.UsageError("say why: --reason TEXT")
    if verb == "extend" and not until:
        raise click.UsageError("--extend needs the new end: --until WHEN")
    if verb in ("revoke", "except") and until:
        raise click.UsageError("what is given back has no end: leave --until out")
    if verb == "except" and level:
        raise click.UsageError("--except is about every level: leave --level out")


def _work_locally(common: Common, wish: "Wish | Expired", *, dry_run: bool) -> None:
    from reconciler.cli.opening import settings_of
    from reconciler.run.drafting import draft, read_tree
    from reconciler.run.proposing import write_locally

    root = settings_of(common).root
    drafted = draft(root, read_tree(root), datetime.now(UTC), wish.edit)
    wish.check(drafted)
    if not drafted.changes:
        _tell_nothing(common)
        return
    if not dry_run:
        write_locally(root, drafted.contents, drafted.changes)
    _show(common, wish, drafted, None, whole=dry_run)


def _open_pull_request(
    common: Common, wish: "Wish | Expired", reason: str, by: str, base: str, *, dry_run: bool
) -> None:
    from contextlib import closing

    from reconciler.cli.opening import settings_of
    from reconciler.forge.branch import Clone
    from reconciler.run.drafting import draft
    from reconciler.run.proposing import propose
    from reconciler.run.requesting import make_proposal

    root = settings_of(common).root
    with closing(Clone(root)) as clone:
        start = clone.base(base)
        drafted = draft(root, clone.files(start.commit), datetime.now(UTC), wish.edit)
        wish.check(drafted)
        if not drafted.changes:
            _tell_nothing(common)
            return
        proposal, silent = make_proposal(wish, drafted, reason, by)
        proposed = None if dry_run else propose(drafted.before.settings, clone, start, proposal)
    _show(common, wish, drafted, proposed, whole=dry_run)
    if silent and not common.quiet:
        names = ", ".join(silent)
        print_lines([f"nobody asks {names} to review: write their username in the forge under usernames"], sys.stderr)


def _tell_nothing(common: Common) -> None:
    if common.json:
        print_data({"files": [], "effects": []})
    else:
        print_lines(["nothing has expired"])


def _show(
    common: Common, wish: "Wish | Expired", drafted: "Draft", proposed: "Proposed | None", *, whole: bool
) -> None:
    """Show what is asked and what it does: to people, or to programs."""
    from reconciler.render.escape import visible
    from reconciler.render.request import diff_lines, effect_lines

    if common.json:
        print_data(_data(wish, drafted, proposed))
        return
    if whole:
        print_lines(diff_lines(drafted.contents, drafted.changes))
        print_lines([""])
    print_lines([visible(wish.words), *effect_lines(drafted.effects)])
    if proposed:
        print_lines([f"{'open already' if proposed.found else 'opened'}: {visible(proposed.address)}"])
        if proposed.refused and not common.quiet:
            names = ", ".join(map(visible, proposed.refused))
            print_lines([f"the forge does not let {names} review"], sys.stderr)
    elif not whole:
        print_lines([f"changed: {', '.join(map(visible, drafted.changes))}"])


def _data(wish: "Wish | Expired", drafted: "Draft", proposed: "Proposed | None") -> dict[str, object]:
    effects = [
        {"app": one.app, "holder": one.holder, "entitlement": one.entitlement, "level": one.level, "gained": one.gained}
        for one in drafted.effects
    ]
    data: dict[str, object] = {"request": wish.words, "files": list(drafted.changes), "effects": effects}
    if proposed:
        data |= {"pull_request": proposed.address, "branch": proposed.branch, "found": proposed.found}
    return data
