"""`reconciler explain`: why somebody has what they have, in every app or one, from the YAML alone."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, at_option, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.company import Company

HELP = help_of(
    "explain",
    "IDENTITY is the id of a person or a service account, or the key of an entitlement that holds others "
    "(team:platform). Without APP, every app is looked at. No app is asked.",
)


@click.command("explain", help=HELP)
@click.argument("identity")
@click.argument("app", required=False)
@at_option
@shared_options()
@click.pass_obj
def command(common: Common, /, identity: str, app: str | None, at: datetime | None) -> None:
    """Explain an identity's account and grants."""
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.render.explain import explained_data, render_explained
    from reconciler.resolve.explain import explain
    from reconciler.run.covering import attested_in
    from reconciler.run.declaring import declared_apps
    from reconciler.run.provenance import find_provenance

    session = open_company(common, at)
    company = session.company
    check_names([app] if app else [], company.apps, "app")
    if identity.partition("/")[0] in company.apps and ":" in identity:
        raise click.UsageError(f"explain tells of an identity; who has an entitlement: reconciler who {identity}")
    if ":" not in identity:
        check_names([identity], {*company.people, *company.service_accounts}, "identity")
    explained = [
        (declared.app.name, explain(session.resolved, declared, identity))
        for declared in declared_apps(session, [app] if app else sorted(company.apps))
    ]
    shown = [(name, items) for name, items in explained if app or any(item.reasons for item in items)]
    places = [place for _, items in shown for item in items for reason in item.reasons for place in reason.places]
    origins = find_provenance(session, places)
    told = {name: attested_in(session, name) for name, _ in shown}
    if common.json:
        apps = [
            {"app": name, "items": [explained_data(item, origins, told[name]) for item in items]}
            for name, items in shown
        ]
        print_data({"identity": identity, "moment": session.moment.isoformat(), "apps": apps})
        return
    print_lines(_headline(company, identity))
    for name, items in shown:
        lines = render_explained(
            name, items, width=common.width, colour=common.colour(), origins=origins, attested=told[name]
        )
        print_lines(["", *lines])
    if not shown:
        print_lines(["", "nothing is declared in any app"])


def _headline(company: "Company", identity: str) -> "Iterator[str]":
    from reconciler.render.escape import visible
    from reconciler.render.words import join_words

    found: Any = company.people.get(identity) or company.service_accounts.get(identity)
    if found is None:
        yield visible(identity)
        return
    who = [found.name, getattr(found, "type", "service account"), getattr(found, "department", "")]
    dates = [
        f"{word} {day}"
        for word, name in (("from", "start"), ("until", "last_day"), ("left", "left"))
        if (day := getattr(found, name, None))
    ]
    yield f"{visible(identity)}  {visible(join_words([*who, *dates]))} ({visible(found.place.short)})"
