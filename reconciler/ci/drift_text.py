"""An issue for each app with drift: what was changed outside git, what undoing it would do, and what to do about it."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.forge.issues import LONGEST_BODY
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.provider.change import Change
from reconciler.render.escape import visible
from reconciler.render.inert import code, sentence
from reconciler.render.rows import finding_row
from reconciler.render.words import VERBS, because, cause_words, number, objects

LABEL: Final = "access-drift"
Withheld = Sequence[tuple[str, str]]
"""Live access that is never proposed for the YAML, as (`ana/group:admins`, why)."""

_LISTED: Final = 100
_ROOM: Final = LONGEST_BODY - 1_000
_LONGEST_NAME: Final = 100
_WHAT_TO_DO: Final = (
    "To undo it, look at `reconciler plan` and run `reconciler apply`; to keep it, write it into the YAML by a pull "
    "request. Every scheduled run updates this issue, and closes it when the drift is gone."
)


_NEVER: Final = (
    "What is or seems privileged, or is protected, is never proposed for the YAML: take it away in the app, or declare "
    "it in a pull request of your own (`privileged: false` for an entitlement that only sounds so)."
)


def issue_name(app: str) -> str:
    """Return the marker of an app's issue; apps may be called whatever they like."""
    return f"drift/{hashlib.sha256(app.encode()).hexdigest()[:16]}"


def issue_title(app: AppPlan, withheld: Withheld = ()) -> str:
    """Return the title of an app's issue."""
    alarm = "Privileged access outside git" if is_alarming(app) or withheld else "Drift"
    return f"{alarm} in {visible(app.app)[:_LONGEST_NAME]}"


def is_alarming(app: AppPlan) -> bool:
    """Say whether somebody has privileged access that nobody declared, or changed such access outside git."""
    return any(finding.fails_drift for finding in app.findings) or any(change.privileged for change in app.changes)


def has_drift(app: AppPlan) -> bool:
    """Say whether an app of a plan from `drift_in` has any drift that somebody could act on."""
    return bool(app.changes) or any(_counts(finding) for finding in app.findings)


def _counts(finding: Finding) -> bool:
    """Say whether a finding is worth an issue: what was never declared is so only if it is privileged."""
    return finding.fails_drift or finding.fact in {Fact.CONFLICT, Fact.RENAMED}


def issue_body(app: AppPlan, withheld: Withheld = ()) -> str:
    """Return the text of an app's issue; the same drift always gives the same text."""
    parts = [
        f"What {code(app.app)} has is not what git says, and nobody changed git." + _owner(app),
        _fitting([*_changes(app), *_findings(app), *_withheld(withheld)]),
        _NEVER if withheld or is_alarming(app) else "",
        _WHAT_TO_DO,
    ]
    return "\n\n".join(filter(None, parts))


def _owner(app: AppPlan) -> str:
    return f" Its owner is {code(app.owner)}." if app.owner else ""


def _fitting(lines: list[str]) -> str:
    kept: list[str] = []
    room = _ROOM
    for line in lines[:_LISTED]:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    more = len(lines) - len(kept)
    return "\n".join([*kept, f"- …and {number(more, 'more item')}"] if more else kept)


def _changes(app: AppPlan) -> Iterator[str]:
    for change in sorted(app.changes, key=lambda change: (not change.privileged, change.id)):
        yield _change(change)


def _change(change: Change) -> str:
    mark = "**privileged:** " if change.privileged else ""
    access = ", ".join(code(text) for text in objects(change) if text)
    why = sentence(because(cause_words(change), change.why))
    return f"- {mark}{code(change.holder or change.entitlement)} {access}: {why}; undone by: {VERBS[change.operation]}"


def _findings(app: AppPlan) -> Iterator[str]:
    for finding in app.findings:
        if _counts(finding):
            row = finding_row(finding)
            mark = "**privileged:** " if finding.privileged else ""
            about = " ".join(code(text) for text in (row.holder, *row.objects) if text)
            yield f"- {mark}{about}: {row.label}, {sentence(row.note)}"


def _withheld(withheld: Withheld) -> Iterator[str]:
    for item, why in withheld:
        yield f"- **not declared:** {code(item)}: {sentence(why)}"


def gone_comment() -> str:
    """Return what is said when the drift of an app is gone."""
    return "The drift is gone: what this app has is what git says."
