"""What the words in a person's status mean in exports: who has left, who is here, and what nobody knows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

_SHOWN: Final = 5
_LONGEST: Final = 40


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(", "))


_GONE: Final = _words(
    "terminated, inactive, left, former, former employee, leaver, resigned, disabled, deactivated, retired, deceased, "
    "0, false, no, ausgeschieden, ausgetreten, gekündigt, inaktiv, nein, inactif, parti, sorti, inactivo, baja, "
    "inattivo, cessato, non attivo, uit dienst, inactief"
)
_HERE: Final = _words(
    "active, employed, current, enabled, hired, on leave, leave, parental leave, 1, true, yes, aktiv, angestellt, ja, "
    "actif, présent, activo, alta, attivo, in dienst, actief"
)


def has_left(text: str) -> bool:
    """Say whether a status says that a person has left."""
    return text.casefold() in _GONE


def tell_unknown(name: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield a note on the words that say nothing here: whoever has one is taken as here.

    Args:
        name: the file's.
        texts: a column of statuses.
    """
    counts = Counter(text for text in texts if text and text.casefold() not in _GONE | _HERE)
    if counts:
        listed = ", ".join(f"{text[:_LONGEST]!r} ({count})" for text, count in counts.most_common(_SHOWN))
        more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
        yield f"{name}: taken as here, whatever the status says: {listed}{more}; whoever left needs a last day"
