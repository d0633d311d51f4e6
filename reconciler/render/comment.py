"""A plan as the comment on a pull request and as a job's summary: within the forge's limits, cut by importance.

GitHub takes 65,536 characters in a comment (docs.github.com: "body is too long (maximum is 65536 characters)") and
1 MiB in a step's summary. Both are measured here in UTF-8 bytes, which are never fewer than characters or UTF-16 units.

Never cut while they fit in their shortest form: refusals, privileged access, leavers, each app's counts. The headline
and the digest always stay. What was cut is counted at the top.
"""

import re
from collections import Counter
from urllib.parse import urlsplit

from reconciler.plan.plan import Plan
from reconciler.render.fit import Fitted, Section, fit, measure, render_whole
from reconciler.render.markdown import Page
from reconciler.render.words import number

COMMENT_LIMIT = 65_536
SUMMARY_LIMIT = 1_048_576
SMALLEST_LIMIT = 8_192
"""Below this not even the headline and the digest are sure to fit."""

_LONGEST_TEXT = 200
_LONGEST_ADDRESS = 500
_NOTE_ROOM = 1_500
_MARKER = re.compile(r"[A-Za-z0-9_.:/=]+(?:[ -][A-Za-z0-9_.:/=]+)*")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:_-]+/[A-Za-z0-9._~/%?=&#+-]*")


def render_comment(plan: Plan, *, marker: str, limit: int = COMMENT_LIMIT, details: str = "") -> str:
    """Return a plan as a comment that begins with its hidden marker and ends in a line break.

    Args:
        plan: a plan with its guards' verdicts and its digest.
        marker: the name by which the comment is found again; `marker_line` says what it becomes.
        limit: bytes, at least `SMALLEST_LIMIT`.
        details: the http(s) address of the whole plan (the job's summary), linked where something was cut.

    Raises:
        ValueError: the marker could end its HTML comment, or the limit is too small.
    """
    return _render(plan, [Section(marker_line(marker))], limit, details)


def render_summary(plan: Plan, limit: int = SUMMARY_LIMIT) -> str:
    """Return a plan for a job's summary, ending in a line break.

    Raises:
        ValueError: the limit is below `SMALLEST_LIMIT`.
    """
    return _render(plan, [], limit, "")


def marker_line(marker: str) -> str:
    """Return the hidden line that a comment begins with: `<!-- marker -->`; nothing else in a comment has its form.

    Raises:
        ValueError: the marker is not made of words of letters, digits and `_.:/=`, parted by a space or a hyphen.
    """
    if not _MARKER.fullmatch(marker):
        raise ValueError(f"a marker is made of letters, digits and _.:/=, not {marker!r}")
    return f"<!-- {marker} -->"


def _render(plan: Plan, before: list[Section], limit: int, details: str) -> str:
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"a limit of {limit} bytes is below {SMALLEST_LIMIT}")
    page = Page(plan, _LONGEST_TEXT)
    top, rest, digest = [*before, *page.top()], list(page.rest()), page.digest()
    whole = _joined([*render_whole([*top, *rest, digest])])
    if measure(whole) <= limit:
        return whole
    fixed = measure(_joined([*render_whole([*top, digest])]))
    fitted = fit(rest, limit - fixed - _NOTE_ROOM)
    return _joined([*render_whole(top), _note(fitted, details), *fitted.texts(), *render_whole([digest])])


def _joined(texts: list[str]) -> str:
    return "\n\n".join(texts) + "\n"


def _note(fitted: Fitted, details: str) -> str:
    told = ", ".join(_counted(fitted.cut))
    where = " The job's summary has more."
    if len(details) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(details) and urlsplit(details).hostname:
        where = f" The rest is in [the job's summary]({details})."
    loud = " **Not even all refusals, privileged changes, leavers and apps fit: do not approve by this page alone.**"
    return f"> ⚠ Too long to be shown whole. Left out: {told}.{where}{loud if fitted.lost else ''}"


def _counted(cut: Counter[str]) -> list[str]:
    plurals = {"line about tickets": "lines about tickets", "change of drift": "changes of drift"}
    plurals |= {"change from before": "changes from before"}
    plurals |= {"change that is not wanted any more": "changes that are not wanted any more"}
    return [
        f"{count:,} {plurals[noun]}" if count > 1 and noun in plurals else number(count, noun)
        for noun, count in cut.items()
    ]
