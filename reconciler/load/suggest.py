"""Did you mean: the known name nearest to one that nobody knows."""

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches

_SIMILAR = 0.65
_MANY = 500
_LONGEST = 100
_SLIPS = 2


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` for the nearest known name, or nothing where none is near.

    The work is bounded: among very many names, only those that begin alike or are equally long are looked at.
    """
    nearest = find_nearest(name, known if isinstance(known, Collection) else list(known))
    return f'did you mean "{nearest}"?' if nearest else ""


def find_nearest(name: str, known: Collection[str]) -> str:
    """Return the known name nearest to a name, ignoring case, or an empty text."""
    if not name or len(name) > _LONGEST:
        return ""
    folded = name.casefold()
    candidates = {candidate.casefold(): candidate for candidate in known}
    if folded in candidates:
        return candidates[folded]
    nearest = get_close_matches(folded, _narrow(folded, candidates), 1, _SIMILAR)
    return candidates[nearest[0]] if nearest else ""


def _narrow(name: str, known: Collection[str]) -> Collection[str]:
    """Return all names if they are few, else those that begin or end alike and are about as long; never very many."""
    if len(known) <= _MANY:
        return known
    near = (
        one for one in known if abs(len(one) - len(name)) <= _SLIPS and (one[:2] == name[:2] or one[-3:] == name[-3:])
    )
    matcher = SequenceMatcher(b=name)
    found = []
    for one in near:
        matcher.set_seq1(one)
        if matcher.real_quick_ratio() >= _SIMILAR and matcher.quick_ratio() >= _SIMILAR:
            found.append(one)
        if len(found) == _MANY:
            break
    return found
