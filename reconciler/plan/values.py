"""Single values compared: what counts as equal, and which row of the table a difference belongs to."""

from collections.abc import Mapping

from reconciler.items import Value
from reconciler.provider.change import Cause

_WORST = (Cause.CONFLICT, Cause.DRIFTED, Cause.UNFINISHED, Cause.EDITED, Cause.NEW)


def is_same(one: Value, other: Value) -> bool:
    """Say whether two values mean the same.

    Nothing, an empty text and an empty list are one; the order of several texts does not matter; a text that spells a
    number or a truth value (`"True"`, which templates and some apps give) equals it.
    """
    one, other = _plain(one), _plain(other)
    if type(one) is type(other) or one is None or other is None:
        return one == other
    return str(one).casefold() == str(other).casefold()


def _plain(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(sorted(value)) or None
    return None if value == "" else value


def differences(declared: Mapping[str, Value], live: Mapping[str, Value]) -> dict[str, tuple[Value, Value]]:
    """Return name → (live value, declared value) of the declared attributes that differ."""
    pairs = {name: (live.get(name), value) for name, value in declared.items()}
    return {name: pair for name, pair in pairs.items() if not is_same(*pair)}


def cause_of(declared: Value, live: Value, applied: Value, *, known: bool, pending: bool) -> Cause:
    """Say who made a difference between what is declared and what is live.

    Args:
        declared: the declared value.
        live: the live value, which differs from it.
        applied: what we last made it.
        known: whether there is an applied value at all.
        pending: whether an intent on the item is recorded whose outcome is not.
    """
    if not known:
        return Cause.NEW
    if is_same(applied, live):
        return Cause.EDITED
    if not is_same(applied, declared):
        return Cause.CONFLICT
    return Cause.UNFINISHED if pending else Cause.DRIFTED


def worst(causes: set[Cause]) -> Cause:
    """Return the cause that a change with several is shown under: a conflict before drift before an edit."""
    return next(cause for cause in _WORST if cause in causes)
