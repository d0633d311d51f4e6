"""`reconciler audit accept`: the way out of a trail that does not fit its anchor, for somebody who looked at it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from reconciler.state.contract import StateStore

_SHORTEST = 12


@click.command("accept", help="Go on with a trail that was rewritten, cut off or damaged, after looking into it.")
@click.argument("head", metavar="HEAD")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be believed again; recorded.")
@click.option(
    "--approval",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who approved that, as JSON from the forge; else by hand. Recorded.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options()
@click.pass_obj
def accept(common: Common, /, head: str, reason: str, approval: Path | None, yes: bool) -> None:
    """Accept the head that the trail has now, by its name (NUMBER:DIGEST, 12 digits are enough; `empty` for none)."""
    from datetime import UTC, datetime

    from reconciler.audit.anchor import open_anchor
    from reconciler.audit.by_hand import accept_trail
    from reconciler.audit.doubt import find_doubt
    from reconciler.cli.asking import confirm
    from reconciler.cli.opening import settings_of
    from reconciler.cli.state_opening import deed_of, locked
    from reconciler.errors import RefusedError
    from reconciler.state.open import open_state

    settings = settings_of(common)
    anchor = open_anchor(settings)
    if not reason.strip():
        raise RefusedError("accepting a trail needs a reason", hint="say what you found out")
    with locked(open_state(settings), "audit accept") as state:
        doubt = find_doubt(state, anchor)
        _check_name(state, head)
        if not doubt:
            raise RefusedError("the audit trail is whole: there is nothing to accept", hint="apply as usual")
        print_lines([f"the audit trail is in doubt: {doubt}"])
        confirm("Accept the state and its trail as they are now? What is recorded is then believed again.", yes=yes)
        made = accept_trail(state, anchor, deed_of("audit accept", {}, reason, approval), doubt, datetime.now(UTC))
    print_lines([f"accepted: the audit trail goes on from {made}"])


def _check_name(state: "StateStore", named: str) -> None:
    """Check that the head which somebody looked at is the one that is there."""
    from reconciler.errors import RefusedError

    number, digest = state.audit_head()
    there = f"{number}:{digest}" if number else "empty"
    shortest = len(f"{number}:") + _SHORTEST if number else len(there)
    if len(named) < shortest or not there.startswith(named):
        shown = there[: len(f"{number}:") + _SHORTEST] if number else there
        raise RefusedError(f"the trail's head is {shown}, not {named}", hint="look at it again, then name that one")
