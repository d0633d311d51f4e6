"""`reconciler state`: what is applied, who holds the lock, and giving a stale lock back."""

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.state.contract import Applied, StateStore

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

    with _open(common) as state:
        counted = [(app, _count(state.load(app, Names()))) for app in state.apps()]
        holder = state.holder()
    if common.json:
        lock = {"owner": holder.owner, "command": holder.command, "since": holder.since.isoformat()} if holder else None
        print_data({"apps": [{"app": app, **counts} for app, counts in counted], "lock": lock})
        return
    rows = [("app", "accounts", "entitlements", "grants"), *((app, *map(str, c.values())) for app, c in counted)]
    print_lines(render_table(rows) if counted else ["the state is empty: nothing was applied yet"])
    if holder:
        print_lines([f"locked by {holder.owner} ({holder.command}) since {holder.since:%Y-%m-%d %H:%M %Z}"])


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
    with _open(common) as state:
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


@command.command("unlock", help="Give back the lock of a run that is no longer there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options()
@click.pass_obj
def unlock(common: Common, /, yes: bool) -> None:
    """Break the lock, after telling whose it is."""
    from reconciler.cli.asking import confirm

    with _open(common, read_only=False) as state:
        holder = state.holder()
        if holder is None:
            print_lines(["it is not locked"])
            return
        told = f"{holder.owner} ({holder.command}), since {holder.since:%Y-%m-%d %H:%M %Z}"
        confirm(f"Take the lock from {told}? That run will be refused to write anything more.", yes=yes)
        state.break_lock()
    print_lines([f"unlocked; it was held by {told}"])


@command.command(
    "forget", help="Forget an app that is no longer in the YAML, or whose account one identity's is; no app is touched."
)
@click.argument("app")
@click.option("--identity", "-i", metavar="ID", help="Only which account this one's is: it is looked for anew.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options()
@click.pass_obj
def forget(common: Common, /, app: str, identity: str | None, yes: bool) -> None:
    """Drop what is applied in an app, or one pin, after telling what that is."""
    if identity:
        _forget_pin(common, app, identity, yes=yes)
    else:
        _forget_app(common, app, yes=yes)


def _forget_pin(common: Common, app: str, identity: str, *, yes: bool) -> None:
    from reconciler.cli.asking import confirm
    from reconciler.cli.names import check_names
    from reconciler.items import AccountItem
    from reconciler.state.contract import Adoption

    with _open(common, read_only=False) as state:
        check_names([app], state.apps(), "app in the state")
        check_names([identity], state.accounts(app, [identity]), f"account in the state of {app}")
        account = state.accounts(app, [identity])[identity]
        told = f"{identity} in {app}: {account.username or 'an account'} (id {account.remote_id or 'unknown'})"
        confirm(f"Forget {told}? The next plan looks for the account by its names again.", yes=yes)
        state.adopt(app, Adoption(gone=(AccountItem(identity),)))
    print_lines([f"forgotten: {told}"])


def _forget_app(common: Common, app: str, *, yes: bool) -> None:
    from reconciler.cli.asking import confirm
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.errors import RefusedError
    from reconciler.items import Names

    company = open_company(common).company
    if app in company.apps:
        raise RefusedError(f"{app} is still in the YAML ({company.apps[app].place.short})", hint="take it out first")
    with _open(common, read_only=False) as state:
        check_names([app], state.apps(), "app in the state")
        counts = _count(state.load(app, Names()))
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        confirm(f"Forget {told} in {app}? Whatever access is there stays there, unmanaged.", yes=yes)
        state.forget(app)
    print_lines([f"forgotten: {told} in {app}"])


def _open(common: Common, *, read_only: bool = True) -> "StateStore":
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    return open_state(settings_of(common), read_only=read_only)


def _count(applied: "Applied") -> dict[str, int]:
    return {
        "accounts": len(applied.accounts),
        "entitlements": len(applied.entitlements),
        "grants": len(applied.grants),
    }


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
