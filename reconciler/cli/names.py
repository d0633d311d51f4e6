"""Names on the command line: found in what is declared, or answered with the nearest one."""

from collections.abc import Collection, Iterable

from reconciler.errors import ConfigurationError


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean NAME?`, or nothing if no known name is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def check_names(names: Iterable[str], known: Collection[str], noun: str) -> None:
    """Check that every name that was asked for is declared.

    Raises:
        ConfigurationError: one is not; the hint names the nearest, or some that are.
    """
    for name in names:
        if name not in known:
            some = f"there are: {', '.join(sorted(known)[:20])}" if known else f"there is no {noun} at all"
            raise ConfigurationError(f"no such {noun}: {name}", hint=nearest(name, known) or some)
