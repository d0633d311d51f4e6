"""A plan as Markdown for a pull request: what matters first, the rest folded; nothing in it can act on the page.

Names and values from outside stand in code spans, in which GitHub makes no links, mentions, references or HTML.
Sentences stay plain only where they hold nothing but letters and harmless punctuation; any other becomes a code span.
"""

import re
from collections.abc import Iterable, Iterator

from reconciler.plan.plan import AppPlan, Fact, Finding, Plan
from reconciler.provider.change import Change
from reconciler.render.escape import visible
from reconciler.render.rows import adoption_rows, finding_row, symbol_of, unread_rows
from reconciler.render.tally import all_well, count_changes, headline, limits, remarks
from reconciler.render.words import (
    DRIFT,
    TICKET,
    VERBS,
    because,
    cause_words,
    effort,
    instant,
    join_words,
    number,
    objects,
    route_of,
    scope_words,
)

_HARMLESS = re.compile(r"""[^\W_](?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ ,;:.()'"?!%=+…→·—/-])*""")
_TALKATIVE = re.compile(r"\bGH-\d|www\.|://", re.IGNORECASE)
_URGENT = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.UNREAD})
_HEAD = "| | what | who | access | way | why |\n|---|---|---|---|---|---|"


def render_markdown(plan: Plan) -> str:
    """Return a plan as GitHub-flavoured Markdown, ending in a line break."""
    return "\n\n".join(_blocks(plan)) + "\n"


def _blocks(plan: Plan) -> Iterator[str]:
    yield from _top(plan)
    privileged = [change for change in plan.changes() if change.privileged]
    if privileged:
        yield "### Privileged access"
        yield _table(privileged, with_app=True)
    for app in plan.apps:
        yield from _app_blocks(app)
    yield from _tickets(plan)
    yield from _guards(plan)
    yield from _warnings(plan)
    yield _digest(plan)


def _top(plan: Plan) -> Iterator[str]:
    tally = count_changes(plan)
    done = plan.empty and plan.complete and not plan.refused
    yield f"## {all_well(plan).capitalize() if done else f'Plan: {headline(tally)}'}"
    people = f"{tally.people:,} {'person' if tally.people == 1 else 'people'} affected" if tally.people else ""
    if told := join_words([people, *remarks(plan, tally), sentence(limits(plan))]):
        yield told
    future = f"as it will be at {instant(plan.moment)}; cannot be applied" if plan.future else ""
    if told := join_words([future, sentence(scope_words(plan.scope))]):
        yield f"_{told}_"


def _app_blocks(app: AppPlan) -> Iterator[str]:
    fresh = [change for change in app.changes if not _is_folded(change)]
    drift = [change for change in app.changes if _is_folded(change)]
    urgent = [finding for finding in app.findings if _is_urgent(finding)]
    quiet = [finding for finding in app.findings if not _is_urgent(finding)]
    unread = [f"- ⚠ {row.label} {code(row.holder)}: {sentence(row.note)}" for row in unread_rows(app)]
    adopted = [f"- {row.label}: {row.holder} ({row.note})" for row in adoption_rows(app)]
    if not (app.changes or urgent or quiet or unread or adopted or app.error or app.cancellations):
        return
    route = " → ".join(code(way) for way in route_of(app))
    yield f"### {code(app.app)}" + (f" ({route})" if route else "")
    if app.error:
        yield f"⚠ **could not be read**: {sentence(app.error)}"
    if fresh:
        yield _table(fresh)
    if told := [*map(_finding_line, urgent), *unread]:
        yield "\n".join(told)
    if drift:
        yield _folded(f"Drift: {number(len(drift), 'change')} that nobody made in git", _table(drift))
    if told := [*map(_finding_line, quiet), *adopted]:
        yield _folded(f"Also noticed: {number(len(told), 'item')}", "\n".join(told))
    if told_effort := join_words([effort(app), f"as of {instant(app.as_of)}" if app.as_of else ""]):
        yield f"<sub>{told_effort}</sub>"


def _is_folded(change: Change) -> bool:
    """Say whether a change is drift that needs nobody's special attention."""
    return change.cause in DRIFT and not (change.privileged or change.blocked)


def _is_urgent(finding: Finding) -> bool:
    return finding.fact in _URGENT or finding.refuses or finding.fails_drift or finding.privileged


def _table(changes: Iterable[Change], *, with_app: bool = False) -> str:
    return "\n".join([_HEAD, *(_table_row(change, with_app=with_app) for change in changes)])


def _table_row(change: Change, *, with_app: bool) -> str:
    privileged = " **privileged**" if change.privileged and not with_app else ""
    what = f"{VERBS[change.operation]}{privileged}"
    access = "<br>".join(code(text) for text in objects(change) if text)
    if with_app:
        access = f"{code(change.app)} {access}".rstrip()
    why = sentence(because(cause_words(change), change.why, whole=True))
    if change.blocked:
        why = f"**blocked**: {sentence(change.blocked)}"
    cells = (symbol_of(change), what, code(change.holder), access, code(change.way), why)
    return f"| {' | '.join(cells)} |"


def _finding_line(finding: Finding) -> str:
    row = finding_row(finding)
    about = " ".join(code(text) for text in (row.holder, *row.objects) if text)
    label = f"**{row.label}, privileged**" if row.privileged else row.label
    return f"- {row.symbol} {label} {about}: {sentence(row.note)}".replace(" : ", ": ")


def _tickets(plan: Plan) -> Iterator[str]:
    owners = {app.app: f" to {code(app.owner)}" if app.owner else "" for app in plan.apps}
    opened = [change for change in plan.changes() if change.way == TICKET and not change.blocked]
    cancelled = [one for app in plan.apps for one in app.cancellations]
    if not (opened or cancelled):
        return
    yield "### Tickets"
    lines = [f"- {code(c.app)}{owners[c.app]}, for {code(c.holder or c.entitlement)}: {_task(c)}" for c in opened]
    lines += [f"- cancel {code(one.address)} ({code(one.change_id)}): {sentence(one.reason)}" for one in cancelled]
    yield "\n".join(lines)


def _task(change: Change) -> str:
    return " ".join([change.operation.value, *(code(text) for text in objects(change)[:1] if text)])


def _guards(plan: Plan) -> Iterator[str]:
    if not plan.verdicts:
        return
    refused = [verdict for verdict in plan.verdicts if verdict.refused]
    lines = ["| guard | app | verdict | |", "|---|---|---|---|"]
    for verdict in plan.verdicts:
        word = "ok"
        if verdict.refused:
            word = "**refused**" if verdict.overridable else "**refused**, cannot be overridden"
        lines.append(f"| {code(verdict.guard)} | {code(verdict.app)} | {word} | {sentence(verdict.text)} |")
    table = "\n".join(lines)
    if refused:
        yield "### ⚠ Refused by guards"
        yield table
    else:
        yield _folded("Guards: ok", table)


def _warnings(plan: Plan) -> Iterator[str]:
    if plan.warnings:
        yield _folded(number(len(plan.warnings), "warning"), "\n".join(f"- {code(text)}" for text in plan.warnings))


def _digest(plan: Plan) -> str:
    return f"<sub>digest {code(plan.digest)} · made by {code(plan.tool)} for {instant(plan.moment)}</sub>"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def code(text: str) -> str:
    """Return a text from outside so that it is shown as it is, in tables too; empty text stays empty.

    It becomes a code span. Where it holds what ends a span or a table's cell, it becomes a `<code>` in which every
    character but letters, digits and spaces is a reference: GitHub makes no mentions in either.
    """
    shown = visible(text)
    if not shown:
        return ""
    if "`" in shown or "|" in shown or shown.endswith("\\"):
        return f"<code>{''.join(map(_reference, shown))}</code>"
    space = " " if shown[0] == " " or shown[-1] == " " else ""
    return f"`{space}{shown}{space}`"


def _reference(character: str) -> str:
    return character if character.isalnum() or character == " " else f"&#{ord(character)};"


def sentence(text: str) -> str:
    """Return a sentence as it is where nothing in it can act on a page, else as a code span."""
    shown = visible(text)
    if not shown or (_HARMLESS.fullmatch(shown) and not _TALKATIVE.search(shown)):
        return shown
    return code(text)
