"""What a plain scalar means by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema).

Nothing is resolved while parsing. Where the schema asks for text, the text counts as it was written: `NO` is Norway and
`0123` stays `0123`. Only where any value may stand (attributes, a provider's configuration) is a plain scalar resolved.
"""

import re
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 400


class Quoted(str):
    """A scalar that was written in quotes or as a block: text, whatever it looks like."""

    __slots__ = ()


def is_empty(text: str) -> bool:
    """Say whether nothing was written: an empty scalar without quotes, or `~`."""
    return (not text or text == "~") and text.__class__ is not Quoted


def is_null(text: str) -> bool:
    """Say whether a scalar is YAML's null, in any spelling."""
    return text in _NULL and text.__class__ is not Quoted


def resolve_scalar(text: str) -> Scalar:
    """Return what a scalar means by the core schema; quoted ones are text.

    Raises:
        ValueError: a number with too many digits to be one.
    """
    if text.__class__ is Quoted:
        return str(text)
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return _resolve_number(text) if text[0] in "-+.0123456789" else text


def _resolve_number(text: str) -> str | int | float:
    if len(text) > _LONGEST_NUMBER and _FLOAT.fullmatch(text):
        raise ValueError(f"a number of more than {_LONGEST_NUMBER} digits; quotes make it text")
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if _SPECIAL_FLOAT.fullmatch(text) else text
