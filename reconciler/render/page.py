"""A plan as one self-contained HTML page: nothing is loaded from anywhere, and it reads without JavaScript too.

Its script and style are named by their hashes in a Content-Security-Policy that allows nothing else, so that a name
that got past the escaping could still do nothing.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from reconciler.plan.plan import AppPlan, Fact, Finding, Plan, Provenance
from reconciler.provider.change import Change
from reconciler.render.compared import comparison_words, left_out_words
from reconciler.render.escape import visible
from reconciler.render.forecast import cost_words, time_words
from reconciler.render.origins import origins_of
from reconciler.render.rows import Row, adoption_rows, finding_row, symbol_of, unread_rows
from reconciler.render.tally import all_well, app_headline, count_cancelled, count_changes, headline, limits, remarks
from reconciler.render.words import (
    DRIFT,
    TICKET,
    VERBS,
    because,
    cause_words,
    instant,
    join_words,
    objects,
    read_words,
    route_of,
    scope_words,
)

_URGENT = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.HELD, Fact.UNREAD})
_MEANINGS = {"+": "adds", "-": "removes", "~": "changes", "!": "by ticket", "⚠": "needs attention"}
_SHORT = 7


class ChangeRow(NamedTuple):
    """One change as the page shows it; every text is visible, and none is escaped for HTML yet."""

    app: str
    symbol: str
    meaning: str
    verb: str
    operation: str
    holder: str
    access: list[str]
    way: str
    cause: str
    why: str
    blocked: str
    privileged: bool
    commit: str


class AppPart(NamedTuple):
    """One app as the page shows it: what is new, what is drift, what is only told."""

    name: str
    number: int
    headline: str
    route: str
    effort: str
    error: str
    fresh: list[ChangeRow]
    drift: list[ChangeRow]
    urgent: list[Row]
    quiet: list[Row]


def render_page(plan: Plan) -> str:
    """Return a plan as a whole HTML document."""
    style, script = _resource("page.css"), _resource("page.js")
    apps = [_app_part(app, plan, number) for number, app in enumerate(plan.apps)]
    rows = [row for app in apps for row in (*app.fresh, *app.drift)]
    return _template().render(
        plan=plan,
        title=_title(plan),
        facts=_facts(plan),
        apps=[app for app in apps if any((app.error, app.fresh, app.drift, app.urgent, app.quiet))],
        privileged=[row for row in rows if row.privileged],
        total=len(rows),
        operations=sorted({row.operation for row in rows}),
        causes=sorted({row.cause for row in rows}),
        refused=[verdict for verdict in plan.verdicts if verdict.refused],
        tickets=list(_tickets(plan)),
        left_out=list(_left_out(plan)),
        warnings=["; ".join(visible(line.strip()) for line in one.splitlines()) for one in plan.warnings],
        origins=[(place.short, origin) for place, origin in plan.provenance],
        instant=instant,
        visible=visible,
        style=Markup(style),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own file
        policy=_policy(style, script),
    )


def _title(plan: Plan) -> str:
    done = plan.empty and plan.complete and not plan.refused
    return all_well(plan).capitalize() if done else f"Plan: {headline(count_changes(plan))}"


def _facts(plan: Plan) -> list[str]:
    tally = count_changes(plan)
    people = f"{tally.people:,} {'person' if tally.people == 1 else 'people'} affected" if tally.people else ""
    future = f"as it will be at {instant(plan.moment)}; cannot be applied" if plan.future else ""
    compared = [comparison_words(plan.comparison), left_out_words(plan.comparison)] if plan.comparison else []
    told = [future, scope_words(plan.scope), *compared, join_words([people, *remarks(plan, tally)])]
    return [text for text in (*told, limits(plan), cost_words(plan), time_words(plan)) if text]


def _app_part(app: AppPlan, plan: Plan, number: int) -> AppPart:
    rows = list(_change_rows(app.changes, plan))
    drift = [change.cause in DRIFT and not (change.privileged or change.blocked) for change in app.changes]
    urgent = [finding_row(one, verbose=True) for one in app.findings if _is_urgent(one)]
    quiet = [finding_row(one, verbose=True) for one in app.findings if not _is_urgent(one)]
    return AppPart(
        name=visible(app.app),
        number=number,
        headline=app_headline(app),
        route=" → ".join(route_of(app)),
        effort=read_words(app),
        error=visible(app.error),
        fresh=[row for row, old in zip(rows, drift, strict=True) if not old],
        drift=[row for row, old in zip(rows, drift, strict=True) if old],
        urgent=[*urgent, *unread_rows(app)],
        quiet=[*quiet, *adoption_rows(app)],
    )


def _change_rows(changes: Iterable[Change], plan: Plan) -> Iterator[ChangeRow]:
    origins = origins_of(plan)
    for change in changes:
        yield ChangeRow(
            app=visible(change.app),
            symbol=symbol_of(change),
            meaning=_MEANINGS[symbol_of(change)],
            verb=VERBS[change.operation],
            operation=change.operation.value,
            holder=visible(change.holder),
            access=[text for text in objects(change, whole=True) if text],
            way=visible(change.way),
            cause=change.cause.value,
            why=because(cause_words(change), change.why, whole=True),
            blocked=visible(change.blocked),
            privileged=change.privileged,
            commit=next((_origin(origins[one.place]) for one in change.why if one.place in origins), ""),
        )


def _origin(origin: Provenance) -> str:
    request = f" #{origin.pull_request}" if origin.pull_request else ""
    return visible(f"{origin.commit[:_SHORT]}{request}")


def _is_urgent(finding: Finding) -> bool:
    return finding.fact in _URGENT or finding.refuses or finding.fails_drift or finding.privileged


def _tickets(plan: Plan) -> Iterator[tuple[str, str, int, int]]:
    """Yield (app, owner, changes by ticket, tickets to cancel)."""
    for app in plan.apps:
        opened = sum(1 for change in app.changes if change.way == TICKET and not change.blocked)
        if opened or app.cancellations:
            yield visible(app.app), visible(app.owner), opened, count_cancelled(app)


def _left_out(plan: Plan) -> Iterator[tuple[str, list[ChangeRow], list[tuple[str, list[Row]]]]]:
    """Yield (title, changes, findings by app) of what the base of a pull request asks for as well."""
    if plan.comparison is None:
        return
    parts = (
        ("There before this pull request", plan.comparison.before),
        ("Not wanted any more", plan.comparison.dropped),
    )
    for title, apps in parts:
        rows = [row for app in apps for row in _change_rows(app.changes, plan)]
        found = [
            (visible(app.app), [finding_row(one, verbose=True) for one in app.findings]) for app in apps if app.findings
        ]
        if rows or found:
            yield title, rows, found


@cache
def _resource(name: str) -> str:
    return (files("reconciler.render") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_resource("page.html"))


def _policy(style: str, script: str) -> str:
    allowed = f"style-src {_hash_of(style)}; script-src {_hash_of(script)}; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
