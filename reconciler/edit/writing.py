"""Values become YAML text, as a person would write them: plain where that is safe, short lists in brackets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TypeAlias

from reconciler.load.scalars import resolve_scalar

Value: TypeAlias = "str | int | float | bool | date | Sequence[Value] | Mapping[str, Value] | None"
"""What can be written. A date is written as `2026-03-31`, and is text where it is read."""

WIDTH = 100
"""How long a line in brackets may become before it is written as a block."""

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=")
_FLOW = frozenset(",[]{}")
_OLD_TRUTHS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNSAFE = re.compile(r": |:$| #|\s$|^\s|^---|^\.\.\.")
_SPECIAL = {"True": "true", "False": "false", "None": "null", "inf": ".inf", "-inf": "-.inf", "nan": ".nan"}
_SHORT = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def write_scalar(value: Value, *, flow: bool = False, style: str | None = None) -> str:
    """Return one value as text.

    Args:
        value: no list and no mapping.
        flow: whether it will stand in brackets.
        style: the quotes to use where they can hold it; None uses none where that is safe.
    """
    if isinstance(value, int | float) or value is None:
        return _SPECIAL.get(repr(value), repr(value))
    text = value.isoformat() if isinstance(value, date) else str(value)
    if style == "'" and text.isprintable():
        return _single(text)
    if style != '"' and _is_plain(text, flow=flow):
        return text
    return _single(text) if text.isprintable() and '"' in text and "'" not in text else _double(text)


def _is_plain(text: str, *, flow: bool) -> bool:
    """Say whether a text means itself without quotes, to this tool and to readers of YAML 1.1."""
    if not text or not text.isprintable() or text[0] in _INDICATORS or _UNSAFE.search(text):
        return False
    if flow and not _FLOW.isdisjoint(text):
        return False
    try:
        resolved = resolve_scalar(text)
    except ValueError:
        return False
    return resolved == text and isinstance(resolved, str) and text.casefold() not in _OLD_TRUTHS


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(sign: str) -> str:
    if sign in _SHORT:
        return _SHORT[sign]
    if sign.isprintable():
        return sign
    number = ord(sign)
    if number <= 0xFF:  # noqa: PLR2004 - the three lengths of escapes, https://yaml.org/spec/1.2.2/#57-escaped-characters
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - same


def write_flow(value: Value) -> str:
    """Return a value on one line: `{people: [ana]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(write_pair(key, one) for key, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(write_flow, value)) + "]"
    return write_scalar(value, flow=True)


def write_pair(key: str, value: Value) -> str:
    """Return an entry of a mapping in brackets."""
    return f"{write_scalar(key, flow=True)}: {write_flow(value)}"


def is_list(value: Value) -> bool:
    """Say whether a value is a list."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def write_entry(key: str, value: Value, *, indent: int, flow: bool = False, step: int = 2) -> Iterator[str]:
    """Yield the lines of an entry of a mapping that is a block.

    Args:
        key: its name.
        value: what it holds; a mapping is written as a block, what is in it in brackets where that is short enough.
        indent: in which column it begins.
        flow: a mapping is written in brackets, if it fits.
        step: by how many columns what is inside is indented.
    """
    head = f"{' ' * indent}{write_scalar(key)}:"
    if not isinstance(value, Mapping) and not is_list(value):
        yield f"{head} {write_scalar(value)}"
        return
    line = f"{head} {write_flow(value)}"
    if not value or ((flow or is_list(value)) and len(line) <= WIDTH):
        yield line
        return
    yield head
    yield from write_block(value, indent=indent + step, step=step)


def write_block(value: Value, *, indent: int, step: int = 2) -> Iterator[str]:
    """Yield the lines of a mapping or a list as a block."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from write_entry(key, one, indent=indent, flow=True, step=step)
    elif isinstance(value, Sequence):
        for one in value:
            yield from write_item(one, indent=indent, flow=True)


def write_item(value: Value, *, indent: int, flow: bool = False) -> Iterator[str]:
    """Yield the lines of an element of a list that is a block.

    Args:
        value: what it holds.
        indent: the column of its dash.
        flow: a mapping or a list is written in brackets, if it fits.
    """
    dash = f"{' ' * indent}- "
    if not isinstance(value, Mapping) and not is_list(value):
        yield dash + write_scalar(value)
        return
    line = dash + write_flow(value)
    if not value or (flow and len(line) <= WIDTH):
        yield line
        return
    first, *rest = write_block(value, indent=indent + 2)
    yield dash + first[indent + 2 :]
    yield from rest


def write_section(name: str, value: Value, *, step: int = 2) -> Iterator[str]:
    """Yield the lines of a section with its entries, each of them a block."""
    if not value or not (isinstance(value, Mapping) or is_list(value)):
        yield from write_entry(name, value, indent=0)
        return
    yield f"{write_scalar(name)}:"
    yield from write_entries(value, indent=step, step=step)


def write_entries(value: Value, *, indent: int, step: int = 2, flow: bool = False) -> Iterator[str]:
    """Yield the lines of the entries of a mapping, or of the elements of a list, each of them a block.

    Args:
        value: a mapping or a list.
        indent: in which column each begins.
        step: by how many columns what is inside is indented.
        flow: an entry is written in brackets, if it fits.
    """
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from write_entry(key, one, indent=indent, step=step, flow=flow)
    elif isinstance(value, Sequence):
        for one in value:
            yield from write_item(one, indent=indent, flow=flow)
