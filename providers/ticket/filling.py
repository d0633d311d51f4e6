"""JSON that the YAML writes for a stranger's API: texts with `{{ names }}` in them, and paths into what it answers."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from reconciler.errors import ProviderError

_NAME: Final = re.compile(r"\{\{\s*(\w*)\s*\}\}")
_MILLISECONDS: Final = 1e11
"""Greater numbers are milliseconds since 1970, not seconds."""


def names_in(value: object) -> set[str]:
    """Return the names that JSON asks for, wherever they stand in it."""
    if isinstance(value, str):
        return set(_NAME.findall(value))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {name for part in parts for name in names_in(part)}


def check_names(what: str, value: object, known: Collection[str], needed: Collection[str] = ()) -> None:
    """Refuse JSON that asks for something that there is not, or that lacks what it cannot do without.

    Raises:
        ValueError: it does; the message says which names there are.
    """
    asked = names_in(value)
    if unknown := sorted(asked - set(known)):
        raise ValueError(f"`{what}`: there is no {{{{ {unknown[0]} }}}}; there is {', '.join(sorted(known))}")
    if missing := sorted(set(needed) - asked):
        raise ValueError(f"`{what}` does not say where {{{{ {missing[0]} }}}} goes")


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Return JSON with every name replaced in its texts."""
    if isinstance(value, str):
        return _NAME.sub(lambda match: values[match[1]], value)
    if isinstance(value, Mapping):
        return {name: fill(part, values) for name, part in value.items()}
    return [fill(part, values) for part in value] if isinstance(value, list | tuple) else value


def fill_path(path: str, values: Mapping[str, str]) -> str:
    """Return a path with every name replaced, so that no value leads elsewhere."""
    return _NAME.sub(lambda match: quote(values[match[1]], safe=""), path)


def pick(document: Any, path: str, where: str) -> Any:
    """Return what stands at a path of keys and indexes (`issue.journals`, `0.name`); the document for an empty one.

    None stands for a last key that is not there, since many APIs leave out what is empty.

    Raises:
        ProviderError: the path leads through something else.
    """
    steps = path.split(".") if path else []
    for number, step in enumerate(steps):
        if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and (step in document or number == len(steps) - 1):
            document = document.get(step)
        elif document is None:
            return None
        else:
            keys = ", ".join(sorted(document)[:20]) if isinstance(document, dict) else type(document).__name__
            raise ProviderError(f"{where}: the answer has no {path!r}", hint=f"at {step!r} there is: {keys}")
    return document


def pick_list(document: Any, path: str, where: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of the list at a path.

    Raises:
        ProviderError: there is something else.
    """
    found = pick(document, path, where)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        what = f"at {path!r}" if path else "as a whole"
        raise ProviderError(f"{where}: the answer is no list of objects {what}", hint="say with `items` where it is")
    yield from found


def as_instant(value: object) -> str:
    """Return a moment as ISO 8601: seconds or milliseconds since 1970 are turned into it, a text is left as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value or "")
    return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC).isoformat()
