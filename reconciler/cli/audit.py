"""`reconciler audit`: what was asked, done and seen; whether the trail of it is whole; and its export."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, Instant, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.audit.anchor import Head
    from reconciler.audit.verify import Verified
    from reconciler.model.company import Settings
    from reconciler.state.contract import AuditEntry, StateStore

PARTS = ("populations", "runs", "changes", "leavers", "exceptions")
_FAULTS = 20

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


class Until(Instant):
    """The end of a period: a bare day is meant with all of it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text."""
        from datetime import timedelta

        found = super().convert(value, param, ctx)
        return found + timedelta(days=1) if len(str(value)) == len("2026-12-01") else found


@command.command("export", help="Export what auditors ask for, each change from request to verification.")
@click.option("--from", "start", type=Instant(), metavar="DAY", help="From this day or instant on.")
@click.option("--to", "end", type=Until(), metavar="DAY", help="To the end of this day, or to before this instant.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Only this part (may be repeated).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="A file for each part.")
@click.option(
    "--tickets-within",
    "days",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    metavar="DAYS",
    help="How long a ticket may stay open; a leaver's is due on its day.",
)
@shared_options()
@click.pass_obj
def export(
    common: Common,
    /,
    *,
    start: "datetime | None",
    end: "datetime | None",
    form: str,
    parts: tuple[str, ...],
    out: Path | None,
    days: int,
) -> int:
    """Print or write rows; exit code 3 if the trail they come from is broken."""
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from reconciler.audit.export import Question, make_export
    from reconciler.audit.history import Period
    from reconciler.cli.opening import open_company
    from reconciler.version import tool_version

    wanted = parts or PARTS
    if form == "csv" and out is None and len(wanted) > 1:
        raise click.UsageError("CSV on stdout has one table: name it with --part, or give --out FOLDER")
    company = open_company(common).company
    zone = ZoneInfo(company.settings.timezone)
    period = Period(*(at.replace(tzinfo=zone) if at and at.tzinfo is None else at for at in (start, end)))
    last_days = {one.id: one.left.date() if one.left else one.last_day for one in company.people.values()}
    question = Question(period, last_days, timedelta(days=days), datetime.now(UTC), tool_version())
    with _open(company.settings) as state:
        found = make_export(state.audit(), _anchored(company.settings), question)
    _write({name: found.parts[name] for name in PARTS if name in wanted}, form, out)
    for fault in found.verified.faults[:_FAULTS]:
        print_lines([f"error: {fault.text}"], sys.stderr)
    return Exit.REFUSED if found.verified.faults else Exit.DONE


def _write(parts: "Mapping[str, Sequence[Mapping[str, Any]]]", form: str, out: Path | None) -> None:
    """Write each part into a file of its own, or everything to stdout."""
    from reconciler.audit.sheets import write_csv, write_json_lines

    if out is None:
        rows = (line for part in parts.values() for line in write_csv(part))
        print_lines(rows if form == "csv" else write_json_lines(parts))
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        lines = write_csv(part) if form == "csv" else write_json_lines({name: part})
        file = out / f"{name}.{form}"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        print_lines([f"{file}: {len(part)}"], sys.stderr)


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
