"""The functions that rules and templates may call, as filters or as methods; none can make much out of little."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from jinja2 import Undefined

from reconciler.errors import ExpressionError
from reconciler.resolve.expression import as_text

LONGEST_TEXT = 10_000
"""Characters that a value may have, on its way in or out."""


class Lacking(Undefined):
    """What a person lacks: equal to nothing but itself, neither less nor greater than anything, empty as a text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Lacking)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(Lacking)

    def __lt__(self, other: object) -> bool:  # type: ignore[override] # the base only ever raises
        return False

    __le__ = __gt__ = __ge__ = __lt__  # type: ignore[assignment] # same

    def __add__(self, other: object) -> object:  # type: ignore[override] # same
        return other

    __radd__ = __add__  # type: ignore[assignment] # same


class Function(NamedTuple):
    """A function, and how many arguments it takes beside the value it is applied to."""

    call: Callable[..., object]
    least: int = 0
    most: int = 0
    method: bool = True


def bounded(text: str) -> str:
    """Return a text that is no longer than a value may be.

    Raises:
        ExpressionError: it is longer.
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(
            f"a text of {len(text)} characters is too long", hint=f"at most {LONGEST_TEXT} are allowed"
        )
    return text


def _text(value: object) -> str:
    return "" if isinstance(value, Lacking) else as_text(value)


def _replace(value: object, old: str, new: str) -> str:
    text = _text(value)
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise ExpressionError("replacing makes a text that is too long", hint=f"at most {LONGEST_TEXT} are allowed")
    return text.replace(old, new)


def _join(value: object, between: str = "") -> str:
    parts = [_text(part) for part in value] if isinstance(value, (list, tuple)) else [_text(value)]
    if sum(map(len, parts)) + len(between) * len(parts) > LONGEST_TEXT:
        raise ExpressionError("joining makes a text that is too long", hint=f"at most {LONGEST_TEXT} are allowed")
    return between.join(parts)


def _default(value: object, instead: object = "") -> object:
    return instead if isinstance(value, Lacking) else value


def _item(value: object, index: int) -> object:
    if isinstance(value, (str, list, tuple)) and -len(value) <= index < len(value):
        return value[index]
    return Lacking()


def _slice(value: object, start: int | None, stop: int | None) -> object:
    return value[start:stop] if isinstance(value, (str, list, tuple)) else Lacking()


def _length(value: object) -> int:
    return len(value) if isinstance(value, (str, list, tuple)) else 0


def _is_in(value: object, several: object) -> bool:
    if isinstance(value, Lacking) or isinstance(several, Lacking):
        return False
    if not isinstance(several, (str, list, tuple)):
        raise ExpressionError(f"`in` needs a text or a list after it, not {several!r}")
    return value in several


def _is_lacking(value: object) -> bool:
    return isinstance(value, Lacking)


FUNCTIONS: Mapping[str, Function] = {
    "lower": Function(lambda value: _text(value).lower()),
    "upper": Function(lambda value: _text(value).upper()),
    "title": Function(lambda value: _text(value).title()),
    "capitalize": Function(lambda value: _text(value).capitalize()),
    "strip": Function(lambda value, *characters: _text(value).strip(*characters), 0, 1),
    "trim": Function(lambda value: _text(value).strip(), method=False),
    "startswith": Function(lambda value, start: _text(value).startswith(start), 1, 1),
    "endswith": Function(lambda value, end: _text(value).endswith(end), 1, 1),
    "removeprefix": Function(lambda value, start: _text(value).removeprefix(start), 1, 1),
    "removesuffix": Function(lambda value, end: _text(value).removesuffix(end), 1, 1),
    "split": Function(lambda value, *between: _text(value).split(*between), 0, 1),
    "replace": Function(_replace, 2, 2),
    "join": Function(_join, 0, 1, method=False),
    "default": Function(_default, 0, 1, method=False),
    "first": Function(lambda value: _item(value, 0), method=False),
    "last": Function(lambda value: _item(value, -1), method=False),
    "length": Function(_length, method=False),
}
"""What people may write: `name | lower`, and as far as `method` says `name.lower()`."""

OPERATORS: Mapping[str, Callable[..., object]] = {
    "+text": _text,
    "+in": _is_in,
    "+item": _item,
    "+slice": _slice,
    "+lacking": _is_lacking,
}
"""What the sandbox puts in place of operators; nobody can write these names."""
