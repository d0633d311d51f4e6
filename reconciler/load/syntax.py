"""What makes a file unreadable, in words for the person who wrote it."""

import re

from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from reconciler.errors import ReconcilerError
from reconciler.load.faults import Mark, Point, quote

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SEPARATORS = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

_INDENT = "is the line indented like its neighbours? a value that holds `: `, ` #` or quotes is itself quoted"
_WORDS = (
    (
        "cannot start any token",
        "this character cannot begin a value: quote the value (and indent with spaces, never tabs)",
    ),
    (
        "mapping values are not allowed",
        "there is a second `: ` in this value, or the line is indented wrongly: quote the value",
    ),
    ("could not find expected ':'", "this key has no colon after it"),
    ("did not find expected key", "a key should stand here; " + _INDENT),
    ("did not find expected '-' indicator", "a `- ` should stand here, like on the lines above"),
    ("did not find expected ',' or ']'", "the [ is never closed, or a comma is missing"),
    ("did not find expected ',' or '}'", "the { is never closed, or a comma is missing"),
    ("found unexpected end of stream", "quotes or a bracket are opened here and never closed"),
    ("found unknown escape character", "\\ begins an escape in double quotes: use single quotes, or write \\\\"),
    ("block sequence entries are not allowed", "a list cannot begin here: put it on a line of its own"),
    ("did not find expected <document start>", "this cannot follow what is above; " + _INDENT),
    ("did not find expected node content", "a value should stand here"),
    ("exceeded max depth", "nothing here needs that much nesting"),
)
_BEGUN_BEFORE = frozenset(
    {
        "could not find expected ':'",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "found unexpected end of stream",
    }
)
"""Complaints that the parser makes long after the place where something was begun and never ended."""


class UnreadableError(ReconcilerError):
    """A file cannot be read any further from a mark on; `load_company` turns it into a problem of that file."""

    def __init__(self, mark: Mark, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.mark = mark


def check_encoding(content: bytes) -> bytes:
    """Return the content without its byte order mark; it is UTF-8 and holds nothing that only YAML 1.1 breaks lines at.

    Raises:
        UnreadableError: it is not.
    """
    if content.startswith(_WIDE):
        raise UnreadableError(Point(0, 0), "this file is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
    content = content.removeprefix(_BOM)
    if content.isascii():
        return content
    try:
        content.decode()
    except UnicodeDecodeError as error:
        byte = f"0x{content[error.start]:02x}"
        raise UnreadableError(
            _point(content, error.start), f"this file is not UTF-8 (byte {byte})", "save it as UTF-8"
        ) from None
    if found := _SEPARATORS.search(content):
        raise UnreadableError(
            _point(content, found.start()),
            "an invisible line separator stands here",
            'remove it, or write it as "\\u2028" in double quotes',
        )
    return content


def check_characters(value: str, mark: Mark) -> None:
    """Refuse control characters that escapes in double quotes put into a value.

    Raises:
        UnreadableError: there is one.
    """
    if found := _CONTROL.search(value):
        raise UnreadableError(mark, f"a control character ({quote(found.group())[1:-1]}) in a value", "remove it")


def explain(error: MarkedYAMLError) -> UnreadableError:
    """Return the parser's complaint in our words, where we have some."""
    problem = str(error.problem or error.context or "this is not YAML")
    mark = error.problem_mark or error.context_mark or Point(0, 0)
    for words, ours in _WORDS:
        if words in problem:
            begun = error.context_mark if words in _BEGUN_BEFORE else None
            return UnreadableError(begun or mark, f"not valid YAML: {problem}", ours)
    return UnreadableError(mark, f"not valid YAML: {problem}", _INDENT)


def explain_reader(error: ReaderError, content: bytes) -> UnreadableError:
    """Return the parser's complaint about a character."""
    sign = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    where = _point(content, int(error.position or 0))
    return UnreadableError(where, f"a control character (U+{sign:04X}) that YAML does not allow", "remove it")


def _point(content: bytes, offset: int) -> Point:
    """Return the position of a byte."""
    before = content[:offset]
    start = before.rfind(b"\n") + 1
    return Point(before.count(b"\n"), len(before[start:].decode(errors="replace")))
