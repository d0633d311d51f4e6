"""`reconciler audit`: what was asked, done and seen; whether the trail of it is whole; and its export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.audit.anchor import Head
    from reconciler.audit.verify import Verified
    from reconciler.model.company import Settings
    from reconciler.state.contract import AuditEntry, StateStore

HELP = help_of(
    "audit",
    "Every apply tells here what was asked, by whose approval, what came back and what was seen. Each entry holds the "
    "digest of the one before it; after each apply the last digest is anchored outside the state, where `audit: "
    "{anchor: FILE}` of reconciler.yaml says.",
)


@click.group("audit", help=HELP)
@shared_options()
def command() -> None:
    """Hold the subcommands."""


@command.command("verify", help="Check the whole trail; exit code 3 if an entry was edited, removed or cut off.")
@click.option("--head", "heads", multiple=True, metavar="NUMBER:DIGEST", help="A head that was kept elsewhere, too.")
@shared_options()
@click.pass_obj
def verify(common: Common, /, heads: tuple[str, ...]) -> int:
    """Compare every entry with its digest, and the trail with the anchored heads."""
    from reconciler.audit.anchor import parse_head
    from reconciler.audit.verify import verify_trail
    from reconciler.cli.opening import settings_of

    settings = settings_of(common)
    kept = [*map(parse_head, heads), *_anchored(settings)]
    with _open(settings) as state:
        found = verify_trail(state.audit(), kept)
    if common.json:
        print_data(_verified_data(found))
    else:
        _tell(found, common)
    return Exit.REFUSED if found.faults else Exit.DONE


def _tell(found: "Verified", common: Common) -> None:
    if found.faults:
        print_lines(fault.text for fault in found.faults)
        print_lines([f"the audit trail is broken: {len(found.faults)} faults in {found.entries} entries"], sys.stderr)
        return
    print_lines([f"the audit trail is whole: {found.entries} entries, head {found.head}"])
    if not found.anchored and not common.quiet:
        words = "no head is anchored outside the state: nobody can tell whether its end was cut off"
        hint = "set `audit: {anchor: FILE}` in reconciler.yaml, or give --head"
        print_lines([f"warning: {words}", f"  {hint}"], sys.stderr)


def _verified_data(found: "Verified") -> dict[str, Any]:
    return {
        "whole": not found.faults,
        "entries": found.entries,
        "head": str(found.head),
        "anchored": found.anchored,
        "faults": [{"entry": fault.number, "text": fault.text} for fault in found.faults],
    }


@command.command("show", help="Show the last entries.")
@click.option("--last", type=click.IntRange(1), default=30, show_default=True, help="So many.")
@click.option("--run", metavar="ID", help="Only those of this run.")
@shared_options()
@click.pass_obj
def show(common: Common, /, last: int, run: str | None) -> None:
    """List entries, the newest last."""
    from collections import deque

    from reconciler.audit.summary import summarize
    from reconciler.cli.opening import settings_of
    from reconciler.render.table import render_table

    with _open(settings_of(common)) as state:
        start = 1 if run else max(1, state.audit_head()[0] - last + 1)
        wanted = (entry for entry in state.audit(since=start) if run in (None, entry.body.get("run")))
        entries = deque(wanted, maxlen=last)
    if common.json:
        print_data({"entries": [entry_data(entry) for entry in entries]})
        return
    rows = [(str(one.number), f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind, *summarize(one)) for one in entries]
    print_lines(render_table(rows) if rows else ["the audit trail is empty: nothing was applied yet"])


def entry_data(entry: "AuditEntry") -> dict[str, Any]:
    """Return an entry as plain data, with everything that its digest is made of."""
    return {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "body": entry.body,
        "previous": entry.previous,
        "digest": entry.digest,
    }


def _anchored(settings: "Settings") -> "list[Head]":
    from reconciler.audit.anchor import read_heads

    return read_heads(settings.root / Path(settings.audit_anchor)) if settings.audit_anchor else []


def _open(settings: "Settings") -> "StateStore":
    from reconciler.state.open import open_state

    return open_state(settings, read_only=True)
