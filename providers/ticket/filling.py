"""JSON that the YAML writes for a stranger's API: texts with `{{ names }}` in them, and paths into what it answers."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from reconciler.errors import ProviderError

_NAME: Final = re.compile(r"\{\{\s*(\w*)\s*\}\}")
_CURSOR: Final = re.compile(r"\{\{\s*cursor\s*\}\}")
_STEP: Final = re.compile(r"\[[^\[\]=]+=[^\[\]]*\]|[^.\[\]]+")
_BETWEEN: Final = re.compile(r"[,;]+")
_CALLED: Final = ("name", "title", "value")
_SINCE_1970: Final = re.compile(r"\d{10}(?:\d{3})?")
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


def fill_query(query: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a request: what is no text as JSON, and an empty cursor not at all."""
    kept = without_cursor(query, values)
    filled = {name: fill(value, values) for name, value in kept.items()}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in filled.items()}


def without_cursor(value: Any, values: Mapping[str, str]) -> Any:
    """Return JSON without the keys that hold nothing but a cursor, where there is none yet: on the first page."""
    if values.get("cursor") or not isinstance(value, Mapping):
        return value
    return {name: part for name, part in value.items() if not (isinstance(part, str) and _CURSOR.fullmatch(part))}


def fill_path(path: str, values: Mapping[str, str]) -> str:
    """Return a path with every name replaced, so that no value leads elsewhere."""
    return _NAME.sub(lambda match: quote(values[match[1]], safe=""), path)


def pick(document: Any, path: str, where: str) -> Any:
    """Return what stands at a path of keys and indexes (`issue.journals`, `0.name`); the document for an empty one.

    A key may hold dots (`fields.System.State`); `fields[name=State].value` takes the element of a list by what one of
    its keys says. None stands for a last key that is not there, since many APIs leave out what is empty.

    Raises:
        ProviderError: the path leads through something else.
    """
    steps = [match[0] for match in _STEP.finditer(path)]
    while steps:
        if document is None:
            return None
        document, taken = _step(document, steps)
        if not taken:
            keys = ", ".join(sorted(document)[:20]) if isinstance(document, dict) else type(document).__name__
            raise ProviderError(f"{where}: the answer has no {path!r}", hint=f"at {steps[0]!r} there is: {keys}")
        steps = steps[taken:]
    return document


def _step(document: Any, steps: Sequence[str]) -> tuple[Any, int]:
    """Go one step, and return where it leads and how many parts of the path it took; none where it leads nowhere."""
    first = steps[0]
    if isinstance(document, list):
        if first.startswith("["):
            key, _, value = first[1:-1].partition("=")
            return next((one for one in document if isinstance(one, dict) and str(one.get(key)) == value), None), 1
        return (document[int(first)], 1) if first.isdecimal() and int(first) < len(document) else (document, 0)
    if isinstance(document, dict):
        for count in range(len(steps), 0, -1):
            if (key := ".".join(steps[:count])) in document:
                return document[key], count
        plain = not any(step.startswith("[") for step in steps)
        if len(steps) == 1 or (plain and any("." in key for key in document)):
            return None, len(steps)
    return document, 0


def pick_first(document: Any, paths: Iterable[str], where: str) -> Any:
    """Return what stands at the first of several paths that holds something; None where none does.

    Raises:
        ProviderError: a path leads through something else.
    """
    return next((found for path in paths if (found := pick(document, path, where)) not in (None, "", [])), None)


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts of a value: of each of a list, of what an object is called, of one text with `,` or `;` in it."""
    if isinstance(value, Mapping):
        value = [value[name] for name in _CALLED if name in value]
    if isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif value is not None:
        text = str(value).strip()
        yield text
        yield from (word.strip() for word in _BETWEEN.split(text) if word != text)


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
    if isinstance(value, str) and _SINCE_1970.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value or "")
    return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC).isoformat()
