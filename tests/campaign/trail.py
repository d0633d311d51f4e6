"""Whether the audit trail tells what happened, however often the apply was interrupted."""

from collections.abc import Collection, Iterator

from scene import Company

from reconciler.audit.history import SEEN_LATER, History, Period
from reconciler.audit.kinds import Kind
from reconciler.cli.exits import Exit
from reconciler.provider.change import Outcome

_TOLD = {Outcome.VERIFIED, Outcome.TICKET, SEEN_LATER}
_ENDS = {Kind.ANSWERED, Kind.TICKET, Kind.NOT_ATTEMPTED, Kind.SETTLED}


def judge_trail(changes: Collection[str], company: Company) -> Iterator[str]:
    """Yield what is wrong with a trail after the company recovered.

    Args:
        changes: ids of what an undisturbed apply does: each must be told from its request to its verification.
        company: with everything done.
    """
    verified = company.run("audit", "verify")
    if verified.code != Exit.DONE:
        yield f"audit verify ended with {verified.code}:\n{verified.out}{verified.err}"
    shown = company.run("audit", "show", "--last", "1000")
    if shown.code != Exit.DONE:
        yield f"audit show ended with {shown.code}:\n{shown.err}"
    with company.state() as state:
        entries = list(state.audit())
    asked = {(e.body["run"], e.body["change"]) for e in entries if e.kind == Kind.ASKED}
    ended = {(e.body["run"], e.body["change"]) for e in entries if e.kind in _ENDS}
    yield from (f"the trail does not tell what came of {change} in run {run}" for run, change in sorted(asked - ended))
    undecided = [e.body for e in entries if e.kind == Kind.SETTLED and e.body["outcome"] == Outcome.UNKNOWN]
    yield from (f"the trail cannot tell of {body['change']}: {body['detail']}" for body in undecided)
    history = History(Period())
    for entry in entries:
        history.take(entry)
    outcomes = {change: story.outcome for (_, change), story in history.changes.items()}
    for change in sorted(changes):
        if outcomes.get(change) not in _TOLD:
            yield f"the trail tells of {change}: {outcomes.get(change, 'nothing')}"
        if change not in shown.out:
            yield f"audit show does not show {change}"
