"""`reconciler who`: who has an entitlement, or what an identity has: declared now or later, or live in the past."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, at_option, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.run.session import Session

HELP = help_of(
    "who",
    "Without --at, and for the future, it tells what is declared, present and absent, each with every reason.",
    "For a moment in the past it tells what was live: what the last complete read before then found, since when, and "
    "what nobody knows because nothing was read completely near then. What only closed tickets told then is told as "
    "attested, never as seen. Every apply and `drift --record` remember their reads. No app is asked.",
)


@click.command("who", help=HELP)
@click.argument("asked", metavar="APP/KIND:NAME|IDENTITY")
@at_option
@shared_options()
@click.pass_obj
def command(common: Common, /, asked: str, at: datetime | None) -> None:
    """List the holders of an entitlement, or what an identity holds."""
    from datetime import UTC

    from reconciler.cli.opening import open_company

    app, key = _parts(asked)
    session = open_company(common, at)
    if at is not None and session.moment < datetime.now(UTC):
        _tell_past(common, session, asked, app, key)
    elif app:
        _tell_holders(common, session, app, key)
    else:
        _tell_held(common, session, key)


def _parts(asked: str) -> tuple[str, str]:
    """Return the app and the entitlement's key, or no app and an identity."""
    app, slash, key = asked.partition("/")
    if not slash and ":" not in asked:
        return "", asked
    if not app or ":" not in key:
        raise click.UsageError(f"{asked!r} names no identity and no entitlement; write it like ana or chat/team:core")
    return app, key


def _tell_holders(common: Common, session: "Session", app: str, key: str) -> None:
    from reconciler.cli.names import check_names
    from reconciler.render.explain import explained_data, render_holders
    from reconciler.resolve.explain import who
    from reconciler.run.covering import attested_in
    from reconciler.run.declaring import declared_apps
    from reconciler.run.provenance import find_provenance

    check_names([app], session.company.apps, "app")
    declared = next(iter(declared_apps(session, [app])))
    check_names([key], {*declared.names.entitlements, *declared.entitlements}, "entitlement")
    items, entitlement = who(session.resolved, declared, key), f"{app}/{key}"
    origins = find_provenance(session, [place for item in items for reason in item.reasons for place in reason.places])
    told = attested_in(session, app)
    if common.json:
        moment, holders = session.moment.isoformat(), [explained_data(item, origins, told) for item in items]
        print_data({"basis": "declared", "entitlement": entitlement, "moment": moment, "holders": holders})
        return
    print_lines(
        render_holders(entitlement, items, width=common.width, colour=common.colour(), origins=origins, attested=told)
    )
    if not items:
        print_lines(["  nobody"])


def _tell_held(common: Common, session: "Session", identity: str) -> None:
    from reconciler.cli.names import check_names
    from reconciler.render.explain import explained_data, render_explained
    from reconciler.resolve.explain import explain
    from reconciler.run.covering import attested_in
    from reconciler.run.declaring import declared_apps

    check_names([identity], {*session.company.people, *session.company.service_accounts}, "identity")
    explained = [(one.app.name, explain(session.resolved, one, identity)) for one in declared_apps(session)]
    shown = [(app, items) for app, items in explained if any(item.presence for item in items)]
    told = {app: attested_in(session, app) for app, _ in shown}
    if common.json:
        apps = [
            {"app": app, "items": [explained_data(item, attested=told[app]) for item in items]} for app, items in shown
        ]
        print_data({"basis": "declared", "identity": identity, "moment": session.moment.isoformat(), "apps": apps})
        return
    for app, items in shown:
        print_lines(render_explained(app, items, width=common.width, colour=common.colour(), attested=told[app]))
    if not shown:
        print_lines(["nothing is declared in any app"])


def _tell_past(common: Common, session: "Session", asked: str, app: str, key: str) -> None:
    from zoneinfo import ZoneInfo

    from reconciler.cli.names import check_names
    from reconciler.render.history import PastApp, past_data, render_past
    from reconciler.state.open import open_state
    from reconciler.state.past import attested_at, seen_at

    moment = session.moment.astimezone(ZoneInfo(session.settings.timezone))
    only = {"entitlement": key} if app else {"holder": key}
    with open_state(session.settings, read_only=True) as state:
        known = sorted({*session.company.apps, *(one for one in state.apps() if not one.startswith("@"))})
        check_names([app] if app else [], known, "app")
        asked_of = [app] if app else known
        seen = [seen_at(state, one, moment, **only) for one in asked_of]
        attested = [attested_at(state, one, moment, **only) for one in asked_of]
    apps = [PastApp(*told) for told in zip(asked_of, seen, attested, strict=True)]
    if common.json:
        print_data({"entitlement" if app else "identity": asked, **past_data(moment, apps)})
        return
    by = "holder" if app else "entitlement"
    print_lines(render_past(asked, moment, apps, by=by, colour=common.colour()))
