"""The exit codes of every command, in one place; they are published in the README and in `--help`."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    ERROR = 1
    PENDING = 2
    REFUSED = 3
    PARTIAL = 4
    UNREAD = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done, or nothing to do",
    Exit.ERROR: "error (wrong usage too)",
    Exit.PENDING: "changes pending (only with --detailed-exitcode)",
    Exit.REFUSED: "refused by a guard or a policy",
    Exit.PARTIAL: "applied in part",
    Exit.UNREAD: "an app could not be read completely",
    Exit.INTERRUPTED: "given up at the second Ctrl-C; what was begun is settled by the next apply",
}
EPILOG = "\n".join(["\b", "Exit codes:", *(f"  {code.value}  {meaning}" for code, meaning in MEANINGS.items())])


def exit_of_plan(plan: "Plan", *, detailed: bool) -> Exit:
    """Return how a command ends that only plans: unread before refused before pending.

    Args:
        plan: what would be done.
        detailed: whether pending changes have a code of their own.
    """
    if not plan.complete:
        return Exit.UNREAD
    if plan.refused:
        return Exit.REFUSED
    return Exit.PENDING if detailed and not plan.empty else Exit.DONE
