"""What is written on a pull request, an issue and the page of a run: Markdown in which nothing from outside can act."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.apply.report import Report, is_finished
from reconciler.ci.runner import Event
from reconciler.forge.issues import LONGEST_BODY
from reconciler.plan.digest import fingerprint_change
from reconciler.plan.plan import Plan
from reconciler.problems import Problem
from reconciler.provider.change import Receipt
from reconciler.render.comment import render_comment, render_summary
from reconciler.render.escape import shorten
from reconciler.render.inert import code, sentence
from reconciler.render.report import outcome_words
from reconciler.render.words import VERBS, number, objects

STATUS: Final = "access/plan"
SUMMARY_LIMIT: Final = 1_000_000
"""Bytes of a run's page that are used: GitHub takes 1 MiB of each step, and drops all of a longer one."""

_HELD: Final = (
    "What it changed is **held**: no scheduled run makes it true, now or when a date has come; only who has left goes. "
    "To go on, let a new pull request change it (or take it back) and be reviewed, or let somebody answer for it: "
    "`reconciler state release '{name}' --reason …`"
)
_SPARE: Final = 500
_MARKER: Final = "reconciler:plan"
_LISTED: Final = 100
_DIFFERING: Final = 40
_LONGEST_NAME: Final = 200
_CHANGES: Final = "<!-- reconciler:changes "
_MOST_REMEMBERED: Final = 150


def plan_comment(plan: Plan, event: Event, dependent: Sequence[str] = ()) -> str:
    """Return the comment of a plan: the plan, what it is of, and where nobody can edit it.

    Args:
        plan: of the pull request.
        event: that started the run.
        dependent: names in the forge of those whose approval will not count, since they gain by it.
    """
    ends = [_not_counting(dependent), _footer(event), _remember(plan)]
    room = LONGEST_BODY - sum(len(end.encode()) + 2 for end in ends) - _SPARE
    whole = render_comment(plan, marker=_MARKER, limit=room, details=event.run_url)
    _, _, body = whole.partition("\n")  # whoever writes the comment puts the marker there
    return "\n\n".join([body.strip("\n"), *filter(None, ends)])


def _not_counting(dependent: Sequence[str]) -> str:
    told = ", ".join(map(code, dependent))
    return f"> Who gains by it does not review it: an approval by {told} does not count." if dependent else ""


def plan_summary(plan: Plan) -> str:
    """Return the same for the page of the run, which takes more."""
    return render_summary(plan, SUMMARY_LIMIT)


def _footer(event: Event) -> str:
    page = f" [The page of the run]({event.run_url}) shows it where nobody can." if event.run_url else ""
    commit = code(event.head_sha[:12])
    return (
        f"<sub>Of commit {commit}. Approving it approves exactly this; merging applies exactly this, or nothing. "
        f"Everybody who can write here can edit this comment.{page}</sub>"
    )


def _remember(plan: Plan) -> str:
    """Return what tells a later comment the difference, hidden; it proves nothing, and is believed for nothing else."""
    changes = [[change.id, _short(fingerprint_change(change))] for change in plan.changes()]
    if len(changes) > _MOST_REMEMBERED:
        return ""
    return f"{_CHANGES}{base64.b64encode(json.dumps(changes).encode()).decode()} -->"


def _short(fingerprint: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(fingerprint, default=str).encode()).hexdigest()[:12]


def recall(comment: str) -> dict[str, str] | None:
    """Return the changes that a comment remembers, None if it does not."""
    _, found, rest = comment.partition(_CHANGES)
    if not found:
        return None
    try:
        data = json.loads(base64.b64decode(rest.partition(" -->")[0], validate=True))
        return {str(name): str(short) for name, short in data[:_MOST_REMEMBERED]}
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None


def tell_difference(before: Mapping[str, str] | None, plan: Plan) -> list[str]:
    """Return how a plan differs from the one that a comment remembers, a line each, in Markdown."""
    if before is None:
        return []
    now = {change.id: _short(fingerprint_change(change)) for change in plan.changes()}
    lines = [f"- no longer: {_named(name)}" for name in before if name not in now]
    lines += [f"- new: {_named(name)}" for name in now if name not in before]
    lines += [f"- different: {_named(name)}" for name, short in now.items() if before.get(name, short) != short]
    return lines[:_DIFFERING] or ["- the same changes, of other files or settings"]


def _named(change: str) -> str:
    return code(shorten(change, _LONGEST_NAME))


def invalid_comment(problems: Sequence[Problem], event: Event) -> str:
    """Return the comment of YAML that has errors."""
    lines = [f"- {code(str(one.place))} {sentence(one.message)}" for one in sorted(problems)[:_LISTED]]
    return "\n\n".join(["## ⚠ The YAML has errors, so there is no plan", "\n".join(lines), _footer(event)])


def failed_comment(message: str, event: Event) -> str:
    """Return the comment of a plan that could not be made."""
    lines = message.splitlines() or ["nothing more is known"]
    told = "\n".join(f"- {sentence(line)}" for line in lines[:_LISTED])
    return "\n\n".join(["## ⚠ No plan could be made", told, _footer(event)])


def fork_summary(*, valid: bool) -> str:
    """Return what a pull request from a fork is told on the page of its run."""
    word = "The YAML is valid." if valid else "The YAML has errors: see the annotations."
    return (
        f"## {word}\n\nThis pull request comes from a fork. Forks get no secrets, so no app was asked and there is no "
        "plan; nothing of it can be applied from there. Somebody with write access can push the branch to this "
        "repository, after a look at it.\n"
    )


def refused_comment(
    refusals: Sequence[str], plan: Plan | None = None, before: Mapping[str, str] | None = None, *, held: str = ""
) -> str:
    """Return the comment of a merge that was not applied: why, and what would be done now.

    Args:
        refusals: why, a sentence each.
        plan: what would be done now.
        before: what the comment of the reviewed plan remembers.
        held: the name under which what it changed is held from now on.
    """
    parts = ["## ⚠ Merged, and not applied", "\n".join(f"- {sentence(one)}" for one in refusals)]
    if held:
        parts.append(_HELD.format(name=held))
    if plan is not None:
        parts += (
            ["**The difference to the plan above:**\n\n" + "\n".join(lines)]
            if (lines := tell_difference(before, plan))
            else []
        )
        body = render_summary(plan, LONGEST_BODY - sum(len(part.encode()) for part in parts) - _SPARE).rstrip("\n")
        parts.append(f"<details><summary>What would be done now</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(parts)


def outcome_comment(report: Report, plan: Plan, approvers: Sequence[str], *, bypassed: bool) -> str:
    """Return the comment of an apply: what came of it, what needs a look in full, the rest counted."""
    word = "Applied" if not report.exit_code else "⚠ Applied in part"
    parts = [f"## {word}: {sentence(report.summary)}"]
    unfinished = [receipt for receipt in report.receipts if not is_finished(receipt)]
    if unfinished:
        lines = ["| | who | access | what came of it |", "|---|---|---|---|", *map(_row, unfinished[:_LISTED])]
        parts.append("\n".join(lines))
        if len(unfinished) > _LISTED:
            parts.append(f"…and {number(len(unfinished) - _LISTED, 'more change')}.")
    parts += [f"> ⚠ {sentence(problem)}" for problem in report.problems[:_LISTED]]
    by = ", ".join(code(name) for name in approvers) or "nobody"
    past = "; merged past the protection of its branch" if bypassed else ""
    parts.append(f"<sub>run {code(report.run)} · plan {code(plan.digest[:12])} · approved by {by}{past}</sub>")
    return "\n\n".join(parts)


def _row(receipt: Receipt) -> str:
    change = receipt.change
    access = "<br>".join(code(text) for text in objects(change) if text)
    cells = (VERBS[change.operation], f"{code(change.app)} {code(change.holder)}".strip(), access)
    return f"| {' | '.join(cells)} | {sentence(outcome_words(receipt))} |"
