"""The kinds of values: each reads a node, says what is wrong with it, and describes itself as JSON Schema.

A reader never raises: it notes a fault and returns the kind's empty value, so that one run finds everything.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any, Protocol

from reconciler.load.dates import parse_day, parse_duration, parse_instant
from reconciler.load.faults import Faults, Mark, quote
from reconciler.load.records import Scalar, Values
from reconciler.load.scalars import is_empty, is_null, resolve_scalar
from reconciler.load.suggest import suggest
from reconciler.load.tree import Map, Node, Seq
from reconciler.load.wording import Wording

MAX_TEXT = 65_536

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[^\s:@/\x00-\x1f\x7f-\x9f]{1,255}")

Schema = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What is shared while one file is read.

    Attributes:
        providers: the distributions whose providers checked something → their versions.
    """

    faults: Faults
    wording: Wording = field(default_factory=Wording)
    providers: dict[str, str] = field(default_factory=dict)


class Kind(Protocol):
    """A kind of value."""

    @property
    def schema(self) -> Schema:
        """The JSON Schema (draft 7) of what may be written."""

    @property
    def empty(self) -> Any:
        """The value where nothing is written."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str, /) -> Any:
        """Return the value of a node, noting a fault at `mark` (calling the value `what`) where it is none."""


def name_node(node: Node) -> str:
    """Return what a node is, for messages."""
    return "a mapping" if isinstance(node, Map) else "a list" if isinstance(node, Seq) else "text"


class Text:
    """A text of one line, as it was written (`NO`, `0123`); nothing and `~` mean that it is not given."""

    empty = ""
    schema: Schema = {"type": ["string", "number", "boolean", "null"]}  # noqa: RUF012 - never changed
    lines = False

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the text."""
        if node.__class__ is str and 1 < len(node) <= MAX_TEXT:  # without quotes: the parser refused what is no text
            return node
        return self._read_unusual(reading, node, mark, what)

    def _read_unusual(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        if not isinstance(node, str):
            reading.faults.error(mark, f"{what} is text, not {name_node(node)}")
            return ""
        if is_empty(node):
            return ""
        text = str(node)
        if len(text) > MAX_TEXT:
            reading.faults.error(mark, f"{what} has {len(text):,} characters; {MAX_TEXT:,} is the most")
        elif _CONTROL.search(text) or ("\n" in text and not self.lines):
            hint = "remove it" if self.lines else "write it in one line"
            reading.faults.error(mark, f"{what} holds a line break or a control character", hint)
        else:
            return text
        return ""


class LongText(Text):
    """A text of any number of lines."""

    lines = True


class Reference(Text):
    """The name of something else; YAML's null means none."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the name."""
        if node.__class__ is str and is_null(node):
            return ""
        return super().read(reading, node, mark, what)


class Email(Text):
    """An email address: something on both sides of one `@`, and no white space."""

    schema: Schema = {"type": ["string", "null"], "pattern": "^[^@\\s]+@[^@\\s]+$"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the address."""
        text = super().read(reading, node, mark, what)
        if (text.count("@") != 1 or " " in text or text[0] == "@" or text[-1] == "@") and text:
            shown = reading.faults.show(text)
            reading.faults.error(mark, f"{shown} is no email address", "write it like ana@acme.example")
            return ""
        return text


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    empty: str = ""

    @property
    def schema(self) -> Schema:
        """The words."""
        return {"enum": list(self.words)}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the word."""
        if node in self.words:
            return str(node)
        if isinstance(node, str) and is_empty(node):
            return self.empty
        shown = reading.faults.show(node) if isinstance(node, str) else name_node(node)
        hint = suggest(str(node), self.words) if isinstance(node, str) else ""
        reading.faults.error(mark, f"{what} is {_join(self.words)}, not {shown}", hint)
        return self.empty


class Flag:
    """`true` or `false`; nothing else is taken for one."""

    empty = False
    schema: Schema = {"type": "boolean"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> bool:
        """Return the truth."""
        value = resolve_scalar(node) if isinstance(node, str) else None
        if isinstance(value, bool):
            return value
        if not isinstance(node, str) or not is_empty(node):
            shown = reading.faults.show(node) if isinstance(node, str) else name_node(node)
            reading.faults.error(mark, f"{what} is true or false, not {shown}", "write true or false, without quotes")
        return False


class Day:
    """A day: `2026-03-31`."""

    empty = None
    schema: Schema = {"type": ["string", "null"], "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> date | None:
        """Return the day."""
        if not isinstance(node, str):
            reading.faults.error(mark, f"{what} is a date like 2026-03-31, not {name_node(node)}")
            return None
        if is_null(node):
            return None
        try:
            return parse_day(node)
        except ValueError as error:
            reading.faults.error(mark, f"{what} is {error}, not {reading.faults.show(node)}")
            return None


class Instant(Reference):
    """A day or an instant, kept as written (its zone may be the organization's) once it is known to be one."""

    schema: Schema = {"type": ["string", "null"], "pattern": "^\\d{4}-\\d{2}-\\d{2}"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the text."""
        text = super().read(reading, node, mark, what)
        if text:
            try:
                parse_instant(text, UTC, end=True)
            except ValueError as error:
                reading.faults.error(mark, f"{what} is {error}, not {reading.faults.show(text)}")
                return ""
        return text


class Moment(Instant):
    """An instant with its time: a bare day would leave open whether it is the beginning of it or the end."""

    schema: Schema = {"type": ["string", "null"], "pattern": "^\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2}:\\d{2}"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the text."""
        text: str = super().read(reading, node, mark, what)
        if text and ":" not in text:
            hint = "write the time too: 2026-03-31 18:00; for a whole day there is last_day"
            reading.faults.error(mark, f"{what} is a day, and no moment", hint)
            return ""
        return text


class Duration(Reference):
    """A duration (`30d`, `2w`, `12h`), in seconds."""

    empty = None  # type: ignore[assignment] # nothing written is no duration, not an empty text
    schema: Schema = {"type": ["string", "null"], "pattern": "^\\d{1,5} ?(d|days?|w|weeks?|h|hours?)$"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> float | None:  # type: ignore[override] # a reader of its own
        """Return the seconds."""
        text = super().read(reading, node, mark, what)
        if not text:
            return None
        try:
            return parse_duration(text).total_seconds()
        except ValueError as error:
            reading.faults.error(mark, f"{what} is {error}, not {reading.faults.show(text)}")
            return None


class Texts:
    """A list of texts, or one text."""

    empty: tuple[str, ...] = ()
    schema: Schema = {"type": ["string", "array", "null"], "items": {"type": ["string", "number", "boolean"]}}  # noqa: RUF012 - never changed
    _one = Text()

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> list[str]:
        """Return the texts; nothing in a list is an error, for it is a name that was forgotten."""
        if isinstance(node, Map):
            hint = "write [one, two], or one on a line after `- `"
            reading.faults.error(mark, f"{what} is a list of names, not a mapping", hint)
            return []
        if isinstance(node, str):
            text = self._one.read(reading, node, mark, what)
            return [text] if text else []
        return self._read_all(reading, node, what)

    def _read_all(self, reading: Reading, node: Seq, what: str) -> list[str]:
        texts: list[str] = []
        for element, mark in zip(node.items, node.marks, strict=True):
            before = len(reading.faults.found)
            text = self._one.read(reading, element, mark, f"each of {what}")
            if text:
                texts.append(text)
            elif before == len(reading.faults.found):
                reading.faults.error(mark, f"an element of {what} is empty", "remove the line, or write the name")
        if len(set(texts)) != len(texts):
            self._warn_of_repetition(reading, node, what)
            texts = list(dict.fromkeys(texts))
        return texts

    def _warn_of_repetition(self, reading: Reading, node: Seq, what: str) -> None:
        seen: set[object] = set()
        for element, mark in zip(node.items, node.marks, strict=True):
            if element in seen:
                reading.faults.warn(
                    mark, f"{reading.faults.show(element)} stands in {what} twice", "remove one of them"
                )
            seen.add(element)


class TextMap:
    """A mapping of names to texts."""

    empty: dict[str, str] = {}  # noqa: RUF012 - never changed
    schema: Schema = {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number"]}}  # noqa: RUF012 - never changed
    _one = Text()

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, str]:
        """Return the texts by name."""
        if not isinstance(node, Map):
            return _expect_mapping(reading, node, mark, what)
        texts = {}
        for key, key_mark, value, value_mark in node.pairs():
            text = self._one.read(reading, value, value_mark, f"{what}.{key}")
            if text:
                texts[key] = text
            elif isinstance(value, str) and is_empty(value):
                reading.faults.error(key_mark, f"{what}.{key} is empty", "write it, or remove the line")
        return texts


class AnyValues:
    """A mapping of names to whatever YAML 1.2 reads there: texts, numbers, truths, lists of them."""

    empty: Values = {}  # noqa: RUF012 - never changed
    schema: Schema = {  # noqa: RUF012 - never changed
        "type": ["object", "null"],
        "additionalProperties": {
            "type": ["string", "number", "boolean", "null", "array"],
            "items": {"type": ["string", "number", "boolean"]},
        },
    }

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> Values:
        """Return the values by name."""
        if not isinstance(node, Map):
            return _expect_mapping(reading, node, mark, what)
        return {key: read_value(reading, value, at, f"{what}.{key}") for key, _, value, at in node.pairs()}


def read_value(reading: Reading, node: Node, mark: Mark, what: str) -> Scalar | list[Scalar]:
    """Return an untyped value: a scalar, or a list of scalars."""
    if isinstance(node, Seq):
        return [read_scalar(reading, one, at, what) for one, at in zip(node.items, node.marks, strict=True)]
    return read_scalar(reading, node, mark, what)


def read_scalar(reading: Reading, node: Node, mark: Mark, what: str) -> Scalar:
    """Return an untyped scalar, by the core schema of YAML 1.2."""
    if not isinstance(node, str):
        reading.faults.error(mark, f"{what} is one value, not {name_node(node)}")
        return None
    if len(node) > MAX_TEXT:
        reading.faults.error(mark, f"{what} has {len(node):,} characters; {MAX_TEXT:,} is the most")
        return None
    try:
        return resolve_scalar(node)
    except ValueError as error:
        reading.faults.error(mark, f"{what} is {error}")
        return None


def read_plain(reading: Reading, node: Node, mark: Mark, what: str) -> Any:
    """Return any node as plain data: dicts, lists and scalars."""
    if isinstance(node, Map):
        return {key: read_plain(reading, value, at, f"{what}.{key}") for key, _, value, at in node.pairs()}
    if isinstance(node, Seq):
        return [read_plain(reading, one, at, what) for one, at in zip(node.items, node.marks, strict=True)]
    return read_scalar(reading, node, mark, what)


def check_name(reading: Reading, name: str, mark: Mark, what: str, hint: str = "") -> bool:
    """Say whether a name can be one: nothing in it that other notations (`app/kind:name`, emails) need."""
    if _NAME.fullmatch(name):
        return True
    why = "is empty" if not name else "is too long" if len(name) > 255 else "holds white space, `:`, `@` or `/`"  # noqa: PLR2004 - as in _NAME
    reading.faults.error(mark, f"{what} {quote(name)} {why}", hint or "use letters, digits, dots and dashes")
    return False


def _expect_mapping(reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, Any]:
    if not isinstance(node, str) or not is_null(node):
        reading.faults.error(mark, f"{what} is a mapping, not {name_node(node)}", f"write {what}: {{name: value}}")
    return {}


def _join(words: tuple[str, ...]) -> str:
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"  # noqa: PLR2004 - two need no comma
