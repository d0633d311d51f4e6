"""What changes the state without touching any app: forget, unpin, repair; and what takes it elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines
from reconciler.cli.state_opening import count, deed_of, locked, on_record, open_for, reason_option

if TYPE_CHECKING:
    from reconciler.model.company import Settings
    from reconciler.state.contract import StateStore

_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("forget", help="Forget an app that is no longer in the YAML, or an identity; no app is touched.")
@click.argument("app", required=False)
@click.option("--identity", "-i", metavar="ID", help="Only this identity: in APP, or everywhere where none is named.")
@_YES
@reason_option
@shared_options()
@click.pass_obj
def forget(common: Common, /, app: str | None, identity: str | None, reason: str, yes: bool) -> None:
    """Drop what is applied, after telling how much that is."""
    if identity is not None:
        _forget_identity(common, identity, app, reason, yes=yes)
    elif app is not None:
        _forget_app(common, app, reason, yes=yes)
    else:
        raise click.UsageError("name an APP, or an identity with --identity")


def _forget_identity(common: Common, identity: str, app: str | None, reason: str, *, yes: bool) -> None:
    from reconciler.cli.asking import confirm
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    where = app or "every app"
    confirm(
        f"Forget what is recorded of {identity} in {where}? Whatever access is there stays, unmanaged; the audit trail "
        "still names it.",
        yes=yes,
    )
    settings = settings_of(common)
    deed = deed_of("state forget", {"identity": identity, **({"app": app} if app else {})}, reason)
    with locked(open_state(settings), "state forget") as state:
        dropped = on_record(settings, state, deed, lambda: _forget_everywhere(state, identity, app))
    print_lines([f"forgotten: {dropped} records of {identity} in {where}"])


def _forget_everywhere(state: "StateStore", identity: str, app: str | None) -> int:
    """Forget an identity, and the last answers of apps, which may hold it: the next apply keeps new ones."""
    from reconciler.state.snapshots import drop_reads

    drop_reads(state, app)
    return state.forget_identity(identity, app)


def _forget_app(common: Common, app: str, reason: str, *, yes: bool) -> None:
    from reconciler.cli.asking import confirm
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.errors import RefusedError
    from reconciler.items import Names
    from reconciler.state.open import open_state
    from reconciler.state.snapshots import drop_reads

    company = open_company(common).company
    if app in company.apps:
        raise RefusedError(f"{app} is still in the YAML ({company.apps[app].place.short})", hint="take it out first")
    with locked(open_state(company.settings), "state forget") as state:
        check_names([app], state.apps(), "app in the state")
        told = ", ".join(f"{number} {name}" for name, number in count(state.load(app, Names())).items())
        confirm(f"Forget {told} in {app}? Whatever access is there stays there, unmanaged.", yes=yes)
        deed = deed_of("state forget", {"app": app, "detail": told}, reason)

        def drop() -> None:
            drop_reads(state, app)
            state.forget(app)

        on_record(company.settings, state, deed, drop)
    print_lines([f"forgotten: {told} in {app}"])


@click.command("unpin", help="Drop the pin of what was made anew in an app; the next plan matches it.")
@click.argument("app")
@click.argument("item", metavar="ITEM")
@_YES
@reason_option
@shared_options()
@click.pass_obj
def unpin(common: Common, /, app: str, item: str, reason: str, yes: bool) -> None:
    """Drop the pin of an identity's account, or of an entitlement (`team:platform`)."""
    from reconciler.cli.asking import confirm
    from reconciler.cli.opening import settings_of
    from reconciler.errors import ConfigurationError
    from reconciler.items import AccountItem, EntitlementItem
    from reconciler.state.open import open_state

    confirm(f"Drop the pin of {item} in {app}? Whoever has its keys there now is taken for it.", yes=yes)
    settings = settings_of(common)

    def drop() -> None:
        if not state.unpin(app, EntitlementItem(item) if ":" in item else AccountItem(item)):
            raise ConfigurationError(
                f"nothing is applied for {item} in {app}", hint=f"see `reconciler state show {app}`"
            )

    with locked(open_state(settings), "state unpin") as state:
        on_record(settings, state, deed_of("state unpin", {"app": app, "item": item}, reason), drop)
    print_lines([f"unpinned: {item} in {app}; `reconciler plan --app {app}` shows what it is matched to"])


@click.command("repair", help="Drop all pins of an app that lost its ids; the next plan finds them anew.")
@click.argument("app")
@_YES
@reason_option
@shared_options()
@click.pass_obj
def repair(common: Common, /, app: str, reason: str, yes: bool) -> None:
    """Let every account and entitlement be matched and adopted again."""
    from reconciler.cli.asking import confirm
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    settings = settings_of(common)
    with locked(open_state(settings), "state repair") as state:
        check_names([app], state.apps(), "app in the state")
        confirm(f"Drop every pin in {app}? Accounts are then matched by their keys, as at first.", yes=yes)
        deed = deed_of("state repair", {"app": app}, reason)
        dropped = on_record(settings, state, deed, lambda: state.repair(app))
    print_lines([f"dropped {dropped} pins; `reconciler plan --app {app}` shows what they are matched to"])


@click.command("release", help="Let go what a merge was refused: the next scheduled run may do it. Recorded.")
@click.argument("names", nargs=-1, metavar="MERGE...")
@click.option("--reason", required=True, metavar="TEXT", help="Why, and who decided it; recorded in the audit trail.")
@_YES
@shared_options()
@click.pass_obj
def release(common: Common, /, names: tuple[str, ...], reason: str, yes: bool) -> None:
    """Release merges by their names (`#12`) or commits."""
    from reconciler.cli.asking import confirm
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import settings_of
    from reconciler.state.merges import read_judged, release_merges
    from reconciler.state.open import open_state

    if not reason.strip():
        raise click.UsageError("--reason says why nobody needs to review it, and who decided that")
    settings = settings_of(common)
    with locked(open_state(settings), "state release") as state:
        held = {name: merge for merge in read_judged(state).refused for name in (merge.name, merge.commit)}
        check_names(names, sorted({merge.name for merge in held.values()} | held.keys()), "held merge")
        told = "; ".join(f"{held[name].name} ({held[name].refused})" for name in names)
        confirm(f"Let the next scheduled run do what was refused of {told}?", yes=yes)
        deed = deed_of("state release", {"item": ", ".join(names), "detail": told}, reason)
        on_record(settings, state, deed, lambda: len(release_merges(state, names)))
    print_lines([f"released: {told}; `reconciler plan` shows what will be done"])


@click.command("export", help="Print the whole state as JSON lines. It holds personal data, and no secret.")
@shared_options()
@click.pass_obj
def export(common: Common, /) -> None:
    """Print every row."""
    with open_for(common) as state:
        print_lines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in state.export())


@click.command("import", help="Fill an empty state with what `state export` printed.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reason_option
@shared_options()
@click.pass_obj
def import_(common: Common, /, file: Path, reason: str) -> None:
    """Take every row over, or none."""
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    settings = settings_of(common)
    with locked(open_state(settings), "state import") as state:
        deed = deed_of("state import", {"item": file.name}, reason)
        taken = on_record(settings, state, deed, lambda: state.restore(_rows(file)))
    print_lines([f"imported {taken} rows"])


def _rows(file: Path) -> Iterator[list[Any]]:
    from reconciler.errors import StateError

    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise StateError(f"{file}:{number}: this is no JSON", hint="export it again") from error
            if not isinstance(row, list) or not row:
                raise StateError(f"{file}:{number}: this is no row of a state", hint="export it again")
            yield row


@click.command("move", help="Copy the state into an empty one elsewhere, as `state:` in reconciler.yaml would name it.")
@click.option("--to", "target", required=True, metavar="STATE", help="Such as '{postgres: {dsn: {env: STATE_DSN}}}'.")
@reason_option
@shared_options()
@click.pass_obj
def move(common: Common, /, target: str, reason: str) -> None:
    """Copy every row under both locks."""
    from dataclasses import replace

    from reconciler.cli.opening import settings_of
    from reconciler.errors import ConfigurationError
    from reconciler.state.open import open_state

    settings = settings_of(common)
    there = replace(settings, state=_parse(target))
    if _same(settings, there):
        raise ConfigurationError("the state is there already", hint="name another back end, path, schema or branch")
    with (
        locked(open_state(settings), "state move") as source,
        locked(open_state(there), "state move") as moved,
    ):
        deed = deed_of("state move", {"item": f"{source.name} to {moved.name}"}, reason)
        taken = on_record(settings, moved, deed, lambda: moved.restore(source.export()))
    print_lines([f"copied {taken} rows; now write `state: {target}` in reconciler.yaml, then delete the old state"])


def _parse(target: str) -> dict[str, dict[str, Any]]:
    import yaml

    from reconciler.errors import ConfigurationError

    try:
        found = yaml.safe_load(target)
    except yaml.YAMLError:
        found = None
    options = {name: value or {} for name, value in found.items()} if isinstance(found, dict) else {}
    if len(options) != 1 or not all(isinstance(value, dict) for value in options.values()):
        raise ConfigurationError(
            "--to names one back end with its options", hint="write it like '{sqlite: {path: .reconciler/state.db}}'"
        )
    return options


def _same(one: "Settings", other: "Settings") -> bool:
    return (dict(one.state) or {"sqlite": {}}) == other.state


COMMANDS = (forget, unpin, repair, release, export, import_, move)
