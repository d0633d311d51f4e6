"""Free text on its way into the trail: without what looks like a secret, bounded, and text in every back end."""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.items import Value
from reconciler.provider.redaction import MARK, Redactor
from reconciler.state.codec import encode_canonical

_LONGEST: Final = 2000
_PROBE: Final = "x1y2z3x1y2z3x1y2z3"
_redactor: Final = Redactor()


def clean(text: str) -> str:
    """Return a text as it may be kept for years.

    Known secrets were taken out where they are known, at the edge to the provider; here goes what looks like one.
    """
    if not text:
        return text
    return plain(_redactor.clean(text))


def plain(text: str) -> str:
    """Return a text that can be stored anywhere: no lone surrogates, no NUL, cut where it is endless."""
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def clean_values(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return attributes as plain data: those that look like a secret, by name or by shape, are hidden."""
    if not values:
        return {}
    plainly = {plain(name): _plain_value(value) for name, value in values.items()}
    text = encode_canonical(plainly)
    if _redactor.clean(text) == text:
        return plainly
    return {name: _hide(name, value) for name, value in plainly.items()}


def _plain_value(value: Value) -> Any:
    if isinstance(value, str):
        return plain(value)
    return [plain(text) for text in value] if isinstance(value, tuple) else value


def _hide(name: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if MARK in _redactor.clean(f'{name}="{_PROBE}"'):
        return MARK
    if isinstance(value, list):
        return [clean(text) for text in value]
    return clean(value) if isinstance(value, str) else value
