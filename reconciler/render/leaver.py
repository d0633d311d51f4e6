"""One leaver's access in every app, on one page: what is left comes first, what was never there last."""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any, Final

from reconciler.audit.leaver import NOT_READ, OPEN, LeaverApp, LeaverView, Standing, Step
from reconciler.render.colours import palette
from reconciler.render.escape import visible, wrap
from reconciler.render.fit import fold
from reconciler.render.inert import code, sentence
from reconciler.render.layout import Layout
from reconciler.render.rows import Row
from reconciler.render.words import join_words, number

_SYMBOLS: Final = {
    Standing.LEFT: "✗",
    Standing.PENDING: "!",
    Standing.CLAIMED: "!",
    Standing.UNKNOWN: "?",
    Standing.DONE: "·",
    Standing.ATTESTED: "·",
    Standing.VERIFIED: "✓",
}
_HEADS: Final = {
    Standing.LEFT: "to do",
    Standing.PENDING: "waits for somebody",
    Standing.CLAIMED: "claimed done, and no newer read shows it",
    Standing.UNKNOWN: "nobody can say",
    Standing.DONE: "done, not verified",
    Standing.ATTESTED: "attested by who closed the ticket, never seen",
    Standing.VERIFIED: "verified by a complete read",
}
_ENDLESS: Final = 1_000_000
_WIDE: Final = 160
_TABLE: Final = ("", "| app | what | way | |", "|---|---|---|---|")
_WORDS: Final = {Standing.LEFT: "to do", Standing.PENDING: "pending", Standing.CLAIMED: "claimed done"}


def headline(view: LeaverView) -> str:
    """Return the one line that matters: everything is gone, or how much is left, and of how much nobody can say."""
    told = join_words(
        [
            f"{view.count(Standing.VERIFIED)} verified" if view.count(Standing.VERIFIED) else "",
            f"{view.count(Standing.ATTESTED)} attested" if view.count(Standing.ATTESTED) else "",
            f"{view.count(Standing.DONE)} done, not verified" if view.count(Standing.DONE) else "",
            f"{view.count(Standing.NEVER)} with nothing there" if view.count(Standing.NEVER) else "",
        ]
    )
    unknown = view.count(Standing.UNKNOWN)
    unsaid = f"nobody can say of {number(unknown, 'app')}" if unknown else ""
    left = sum(view.left.values())
    if left:
        parts = ", ".join(f"{count} {_WORDS[standing]}" for standing, count in view.left.items())
        late = f" ({view.overdue} overdue)" if view.overdue else ""
        where = f"{'to take away' if view.ahead else 'left'} in {number(view.count(*OPEN), 'app')}"
        head = f"{number(left, 'thing')} {where}: {parts}{late}"
    else:
        head = "everything that is known of is gone" if unknown else "everything is gone"
    return join_words([head, unsaid, told])


def render_leaver(view: LeaverView, zone: tzinfo, *, width: int, colour: bool) -> Iterator[str]:
    """Yield the view for a terminal.

    Args:
        view: what became of somebody.
        zone: the time zone that times are told in.
        width: of the terminal, 0 for any.
        colour: whether to paint.
    """
    paint = palette(colour=colour)
    yield paint.paint(paint.strong, f"{_who(view)}")
    alarm = paint.add if view.all_gone else paint.alarm
    yield from (paint.paint(alarm, line) for line in wrap(headline(view), width or _ENDLESS))
    rows = {standing: [*_rows(view, standing, zone)] for standing in _HEADS}
    layout = Layout([row for part in rows.values() for row in part], width, paint)
    for standing, part in rows.items():
        if part:
            yield ""
            yield paint.paint(paint.strong, _HEADS[standing])
            yield from layout.lines(part)
    for head, names in _lists(view):
        yield ""
        yield from (paint.paint(paint.strong, line) for line in wrap(head, width or _ENDLESS))
        yield from (f"  {line}" for line in wrap(", ".join(map(visible, names)), (width or _WIDE) - 2))


def _lists(view: LeaverView) -> Iterator[tuple[str, list[str]]]:
    """Yield what is told of many apps at once: a head, and their names."""
    unsaid = [f"{app.app} ({app.owner})" if app.owner else app.app for app in view.apps if _is_unread(app)]
    if unsaid:
        yield f"nobody can say: nothing reads it, and no ticket ever named them; ask the owner ({len(unsaid)})", unsaid
    never = [app.app for app in view.apps if app.standing is Standing.NEVER]
    if never:
        yield f"nothing there, and nothing was ever asked ({len(never)})", never


def _is_unread(app: LeaverApp) -> bool:
    return app.standing is Standing.UNKNOWN and not app.steps and app.why == NOT_READ


def _who(view: LeaverView) -> str:
    name = f"  {visible(view.name)}" if view.name else ""
    if not view.gone:
        return f"{visible(view.identity)}  no longer in the YAML"
    return f"{visible(view.identity)}{name}, {'leaves after' if view.ahead else 'left after'} {view.gone}"


def _rows(view: LeaverView, standing: Standing, zone: tzinfo) -> Iterator[Row]:
    for app, step in _lines(view, standing):
        what = _what(step) if step else "access"
        yield Row(
            symbol=_SYMBOLS[standing],
            label=visible(app.app),
            holder="",
            objects=[what],
            way=visible(step.way) if step else "",
            note=visible(_note(app, step, view, zone)),
        )


def _lines(view: LeaverView, standing: Standing) -> Iterator[tuple[LeaverApp, Step | None]]:
    """Yield what has come so far and no further; an app of which nothing was done stands for itself."""
    for app in view.apps:
        steps = [step for step in app.steps if step.standing is standing]
        yield from ((app, step) for step in steps)
        if app.standing is standing and not steps and not _is_unread(app):
            yield app, None


def _what(step: Step) -> str:
    return f"{step.what} {visible(step.entitlement)}".strip()


def _note(app: LeaverApp, step: Step | None, view: LeaverView, zone: tzinfo) -> str:
    """Return when, by whom, until when: what there is to say of one line."""
    if step is None:
        read = f"by {app.read_by}" if app.read_by else ""
        asked = f"ask {app.owner}" if app.standing is Standing.UNKNOWN and app.owner else ""
        return join_words([f"not there, or suspended, {read}" if not app.why else app.why, asked, _as_of(app, zone)])
    if step.standing is Standing.PENDING and step.address:
        until = f", until {step.due}" if step.due else ""
        days = (_today(view, zone) - step.due).days if step.due and step.overdue else 0
        late = f", overdue for {number(days, 'day')}" if days else ""
        return join_words([f"waits for {step.who or 'nobody'}{until}{late}", _asked(step, zone), step.address])
    by = f" by {step.who}" if step.who else ""
    done = f"done {_day(step.done, zone)}{by}" if step.done else ""
    seen = f"seen gone {_day(step.verified, zone)}" if step.verified else ""
    read = app.why or _as_of(app, zone) if step.standing is Standing.CLAIMED else ""
    return join_words([step.why, done, seen, read, step.address])


def _today(view: LeaverView, zone: tzinfo) -> date:
    return view.moment.astimezone(zone).date()


def _asked(step: Step, zone: tzinfo) -> str:
    return f"asked {_day(step.asked, zone)}" if step.asked else ""


def _as_of(app: LeaverApp, zone: tzinfo) -> str:
    return f"{app.read_by} as of {_day(app.as_of, zone)}" if app.as_of else ""


def _day(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""


def render_leaver_markdown(view: LeaverView, zone: tzinfo) -> str:
    """Return the view as GitHub-flavoured Markdown, whole, ending in a line break; nothing in it acts on a page."""
    blocks = [f"## {code(view.identity)} {sentence(_who(view).partition('  ')[2] or '')}".rstrip(), headline(view)]
    for standing, head in _HEADS.items():
        lines = [_markdown_row(app, step, view, zone) for app, step in _lines(view, standing)]
        if lines:
            blocks.append("\n".join([f"### {head.capitalize()}", *_TABLE, *lines]))
    blocks += [fold(head.capitalize(), ", ".join(map(code, names))) for head, names in _lists(view)]
    return "\n\n".join(blocks) + "\n"


def _markdown_row(app: LeaverApp, step: Step | None, view: LeaverView, zone: tzinfo) -> str:
    what = " ".join(filter(None, [step.what, code(step.entitlement)])) if step else "access"
    way = code(step.way) if step else ""
    return f"| {code(app.app)} | {what} | {way} | {sentence(_note(app, step, view, zone))} |"


def leaver_data(view: LeaverView) -> dict[str, Any]:
    """Return the view as data."""
    return {
        "identity": view.identity,
        "name": view.name,
        "last_day": view.gone or None,
        "ahead": view.ahead,
        "moment": view.moment.isoformat(),
        "headline": headline(view),
        "all_gone": view.all_gone,
        "left": sum(view.left.values()),
        "overdue": view.overdue,
        "apps_by_standing": {standing.value: view.count(standing) for standing in Standing if view.count(standing)},
        "apps": [_app_data(app) for app in view.apps],
    }


def _app_data(app: LeaverApp) -> dict[str, Any]:
    return {
        "app": app.app,
        "standing": app.standing.value,
        "read_by": app.read_by or None,
        "as_of": _iso(app.as_of),
        "why": app.why,
        "owner": app.owner,
        "steps": [_step_data(step) for step in app.steps],
    }


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "what": step.what,
        "entitlement": step.entitlement or None,
        "standing": step.standing.value,
        "way": step.way or None,
        "asked": _iso(step.asked),
        "done": _iso(step.done),
        "verified": _iso(step.verified),
        "who": step.who or None,
        "due": _iso(step.due),
        "overdue": step.overdue,
        "ticket": step.address or None,
        "why": step.why,
    }


def _iso(moment: date | datetime | None) -> str | None:
    return moment.isoformat() if moment else None
