"""Who watches a command at work: progress on stderr, for a person or for a log, or nobody."""

import sys
from typing import TYPE_CHECKING

from reconciler.cli.options import Common
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.apply.progress import Progress
    from reconciler.errors import LockError
    from reconciler.plan.plan import Scope
    from reconciler.render.progress import PlainReading
    from reconciler.run.session import Session


def watch_reading(common: Common, session: "Session", scope: "Scope") -> "PlainReading | None":
    """Return the progress of reading the apps of a scope, None where stderr is to be quiet.

    Where there are none at all, that is said: it looks just like a company in which all is well.
    """
    if common.quiet:
        return None
    from reconciler.render.progress import open_reading

    if not session.company.apps:
        print_lines([f"warning: no app is declared in {session.settings.root}; -C names another folder"], sys.stderr)
    apps = len(scope.apps or session.company.apps)
    live = sys.stderr.isatty() and not common.verbose
    return open_reading(sys.stderr, apps=apps, colour=common.colour(sys.stderr), live=live)


def watch_applying(common: Common) -> "Progress":
    """Return who watches an apply: a machine on stdout with `--json`, nobody if quiet, else a person on stderr."""
    if common.json:
        from reconciler.apply.progress import JsonLines

        return JsonLines(sys.stdout)
    if common.quiet:
        from reconciler.apply.progress import Silence

        return Silence()
    from reconciler.render.progress import open_applying

    return open_applying(sys.stderr, colour=common.colour(sys.stderr), live=sys.stderr.isatty() and not common.verbose)


def watch_waiting(common: Common, wait: float) -> "Callable[[LockError], None] | None":
    """Return who is told on stderr whom an apply waits for, None where stderr is to be quiet."""
    if common.quiet:
        return None
    from reconciler.cli.output import print_lines

    return lambda error: print_lines([f"waiting up to {wait:.0f} s: {error.message}"], sys.stderr)
