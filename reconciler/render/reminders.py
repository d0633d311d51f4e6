"""What was told about open tickets, a line each."""

from collections.abc import Iterable, Iterator

from reconciler.render.escape import visible
from reconciler.run.reminding import Reminder


def reminder_lines(told: Iterable[Reminder]) -> Iterator[str]:
    """Yield a line for each thing that was told."""
    for one in told:
        yield visible(f"told: {one.ticket.address or one.ticket.key}: {one.note.text}")
