"""`reconciler state`: what is applied, who holds the lock, and giving a stale lock back."""

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines
from reconciler.cli.state_opening import count, deed_of, on_record, open_for, reason_option
from reconciler.cli.state_upkeep import COMMANDS

if TYPE_CHECKING:
    from reconciler.state.contract import Applied, Lock

HELP = help_of(
    "state",
    "The state is what this tool made or took on; without it, nothing is treated as its own.",
)


@click.group("state", help=HELP)
@shared_options()
def command() -> None:
    """Hold the subcommands."""


@command.command("list", help="List the apps that the state knows, and the lock.")
@shared_options()
@click.pass_obj
def list_apps(common: Common) -> None:
    """Count what is applied in each app."""
    from reconciler.items import Names
    from reconciler.render.table import render_table
    from reconciler.state.merges import read_judged
    from reconciler.state.snapshots import is_inner

    with open_for(common) as state:
        counted = [(app, count(state.load(app, Names()))) for app in state.apps() if not is_inner(app)]
        holder, readers, refused = state.holder(), state.readers, read_judged(state).refused
    if common.json:
        apps = [{"app": app, **counts} for app, counts in counted]
        held = [{"merge": one.name, "commit": one.commit, "refused": one.refused} for one in refused]
        print_data({"apps": apps, "lock": _lock_data(holder), "readers": readers, "held": held})
        return
    rows = [("app", "accounts", "entitlements", "grants"), *((app, *map(str, c.values())) for app, c in counted)]
    print_lines(render_table(rows) if counted else ["the state is empty: nothing was applied yet"])
    print_lines(f"held: {one.name} ({one.commit[:12]}), refused at its merge: {one.refused}" for one in refused)
    if holder:
        since = f"{holder.since:%Y-%m-%d %H:%M %Z}"
        print_lines([f"locked by {holder.owner} ({holder.command}) since {since}; this is lock {holder.fence}"])
    if readers:
        print_lines([readers])


@command.command("show", help="Show what is applied in an app.")
@click.argument("app")
@shared_options()
@click.pass_obj
def show_app(common: Common, /, app: str) -> None:
    """List accounts, entitlements and grants."""
    from reconciler.cli.names import check_names
    from reconciler.items import Names
    from reconciler.render.table import render_table

    names = Names()
    with open_for(common) as state:
        check_names([app], state.apps(), "app in the state")
        applied = state.load(app, names)
    data = _applied_data(applied, names)
    if common.json:
        print_data({"app": app, **data})
        return
    rows = [
        *(("account", one["identity"], one["username"], one["status"], _pending(one)) for one in data["accounts"]),
        *(("entitlement", "", one["entitlement"], one["remote_id"], _pending(one)) for one in data["entitlements"]),
        *(("grant", one["holder"], one["entitlement"], one["level"] or "", _pending(one)) for one in data["grants"]),
    ]
    print_lines(render_table(rows) if rows else ["nothing is applied"])


@command.command("unlock", help="Give back the lock of a run that is no longer there; `state list` shows its ID.")
@click.argument("fence", metavar="ID", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option
@shared_options()
@click.pass_obj
def unlock(common: Common, /, fence: int, reason: str, yes: bool) -> None:
    """Break the lock, after telling whose it is."""
    from reconciler.cli.asking import confirm
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    settings = settings_of(common)
    with open_state(settings) as state:
        holder = state.holder()
        if holder is None:
            print_lines(["it is not locked"])
            return
        if holder.fence != fence:
            state.break_lock(fence)  # refuses, and says who holds it
        told = f"{holder.owner} ({holder.command}), since {holder.since:%Y-%m-%d %H:%M %Z}"
        confirm(f"Take the lock from {told}? That run will be refused to write anything more.", yes=yes)
        state.break_lock(fence)
        deed = deed_of("state unlock", {"item": f"lock {fence}", "detail": f"held by {told}"}, reason)
        on_record(settings, state, deed, lambda: None)
    print_lines([f"unlocked; it was held by {told}"])


for _command in COMMANDS:
    command.add_command(_command)


def _lock_data(lock: "Lock | None") -> dict[str, Any] | None:
    if lock is None:
        return None
    return {"id": lock.fence, "owner": lock.owner, "command": lock.command, "since": lock.since.isoformat()}


def _applied_data(applied: "Applied", names: Any) -> dict[str, list[dict[str, Any]]]:
    accounts = [
        {
            "identity": identity,
            "remote_id": account.remote_id,
            "username": account.username,
            "status": account.status.value,
            "since": account.since.isoformat() if account.since else None,
            "pending": account.pending,
        }
        for identity, account in sorted(applied.accounts.items())
    ]
    entitlements = [
        {"entitlement": key, "remote_id": one.remote_id, "created": one.created, "pending": one.pending}
        for key, one in sorted(applied.entitlements.items())
    ]
    grants = [
        {
            "holder": names.item(grant).holder,
            "entitlement": names.item(grant).entitlement,
            "level": names.levels[level],
            "pending": grant in applied.pending,
        }
        for grant, level in sorted(applied.grants.items(), key=lambda pair: names.item(pair[0]))
    ]
    return {"accounts": accounts, "entitlements": entitlements, "grants": grants}


def _pending(item: dict[str, Any]) -> str:
    return "not yet seen" if item["pending"] else ""
