"""A plan as text for a terminal: aligned rows under one headline an app, the guards and the summary at the end."""

from collections.abc import Iterator, Sequence

from reconciler.plan.plan import AppPlan, Plan
from reconciler.render.colours import Palette, palette
from reconciler.render.compared import comparison_words, left_out, left_out_words, name_commits
from reconciler.render.escape import columns, visible, wrap
from reconciler.render.layout import UNLIMITED, Layout
from reconciler.render.rows import app_rows
from reconciler.render.tally import all_well, count_changes, headline, limits, remarks
from reconciler.render.words import effort, instant, join_words, number, read_words, route_of, scope_words

_SHORT_DIGEST = 12


def render_text(plan: Plan, *, width: int, colour: bool, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a plan, without line breaks.

    Args:
        plan: a plan, with its guards' verdicts and its digest.
        width: columns of the terminal, at least 40; `UNLIMITED` never breaks a line.
        colour: whether ANSI colours are used.
        verbose: every reason, whole values, every unmanaged item, and apps with nothing to show.
    """
    paint = palette(colour=colour)
    plan = name_commits(plan, whole=verbose)
    yield from plan_header(plan, paint)
    if verbose and (before := left_out(plan)):
        yield paint.paint(paint.quiet, "before this checkout's changes, and left to plans of their own:")
        yield from app_lines(before, width=width, paint=paint)
    yield from app_lines(plan, width=width, paint=paint, verbose=verbose)
    yield from _footer(plan, [] if verbose else _quiet_apps(plan), width, paint)


def app_lines(plan: Plan, *, width: int, paint: Palette, verbose: bool = False) -> Iterator[str]:
    """Yield each app's headline and rows and an empty line after them; apps with nothing to show only if verbose."""
    shown = [(app, list(app_rows(app, verbose=verbose))) for app in plan.apps]
    layout = Layout([row for _, rows in shown for row in rows], width, paint)
    for app, rows in shown:
        if rows or app.error or verbose:
            yield from _app_head(app, paint)
            yield from layout.lines(rows)
            yield ""


def _quiet_apps(plan: Plan) -> list[AppPlan]:
    return [app for app in plan.apps if not app.error and next(app_rows(app, verbose=False), None) is None]


def plan_header(plan: Plan, paint: Palette) -> Iterator[str]:
    """Yield what a plan was limited to, or that it is of another day; nothing for an ordinary one."""
    at = f"as it will be at {instant(plan.moment)}; cannot be applied" if plan.future else ""
    compared = comparison_words(plan.comparison) if plan.comparison else ""
    if said := join_words([at, scope_words(plan.scope), compared]):
        yield paint.paint(paint.strong, said)
        yield ""


def _app_head(app: AppPlan, paint: Palette) -> Iterator[str]:
    route = f" ({' → '.join(route_of(app))})" if app.ways else ""
    told = read_words(app)
    beside = f"  {paint.paint(paint.quiet, told)}" if told else ""
    yield f"{paint.paint(paint.strong, visible(app.app))}{route}{beside}"
    if app.error:
        yield f"  {paint.paint(paint.alarm, f'⚠ could not be read: {visible(app.error)}')}"


def _footer(plan: Plan, quiet: Sequence[AppPlan], width: int, paint: Palette) -> Iterator[str]:
    if not plan.comparison and quiet and len(quiet) < len(plan.apps):
        names = [f"{visible(app.app)} ({effort(app)})" if effort(app) else visible(app.app) for app in quiet]
        yield from _wrapped(f"As declared: {', '.join(names)}", width, paint.quiet, paint)
        yield ""
    for warning in plan.warnings:
        yield paint.paint(paint.alarm, visible(" · ".join(part.strip() for part in warning.split("\n"))))
    yield from _refusals(plan, paint)
    yield from _summary(plan, width, paint)
    told = join_words([_effort_of_all(plan, quiet), f"digest {plan.digest[:_SHORT_DIGEST]}" if plan.digest else ""])
    if told:
        yield paint.paint(paint.quiet, told)


def _refusals(plan: Plan, paint: Palette) -> Iterator[str]:
    for verdict in plan.verdicts:
        if verdict.refused:
            where = f" in {visible(verdict.app)}" if verdict.app else ""
            way_out = "" if verdict.overridable else "; cannot be overridden"
            told = f"⚠ refused{where} by {visible(verdict.guard)}: {visible(verdict.text)}{way_out}"
            yield paint.paint(paint.alarm, told)
    if any(verdict.refused and verdict.overridable for verdict in plan.verdicts) and plan.digest and not plan.future:
        yield paint.paint(
            paint.quiet, f"  if it is meant: reconciler apply --override {plan.digest[:_SHORT_DIGEST]} --reason '…'"
        )


def _summary(plan: Plan, width: int, paint: Palette) -> Iterator[str]:
    tally = count_changes(plan)
    nothing = plan.empty and plan.complete and not plan.refused
    first = all_well(plan) if nothing else f"Plan: {headline(tally)}"
    before = left_out_words(plan.comparison) if plan.comparison else ""
    rest = join_words([*remarks(plan, tally), limits(plan), before])
    if not rest:
        yield paint.paint(paint.strong, first)
    elif width == UNLIMITED or columns(first) + 3 + columns(rest) <= width:
        yield f"{paint.paint(paint.strong, first)} · {rest}"
    else:
        yield paint.paint(paint.strong, first)
        yield from _wrapped(rest, width, "", paint)


def _wrapped(text: str, width: int, code: str, paint: Palette) -> Iterator[str]:
    for line in [text] if width == UNLIMITED else wrap(text, width):
        yield paint.paint(code, line)


def _effort_of_all(plan: Plan, quiet: Sequence[AppPlan]) -> str:
    """Return the sum of requests where the apps' own are not all shown."""
    if len(quiet) != len(plan.apps) and len(plan.apps) == 1:
        return ""
    requests = sum(app.requests for app in plan.apps)
    return f"{number(requests, 'request')} to {number(len(plan.apps), 'app')}" if requests else ""
