"""The head of a ticket file: `name: value` lines between two `---`, a small part of YAML that can be read one way only.

Values that we write are JSON (which is YAML too); values that a person writes may be plain: `status: done` is the text
`done`, `NO` is the text `NO`, and `# …` after a blank is a remark. Anything else is an error with its line, no guess.
"""

import difflib
import json
import re
from collections.abc import Mapping

from reconciler.items import Value

MAX_CHARACTERS = 256 * 1024
FIELDS = (
    "key",
    "change",
    "app",
    "operation",
    "holder",
    "account",
    "username",
    "entitlement",
    "level",
    "wanted",
    "generation",
    "owner",
    "status",
    "opened",
    "due",
    "closed",
    "attested_by",
    "evidence",
    "also",
)
_LINE = re.compile(r"([A-Za-z_][\w-]*)\s*:(?:[ \t]+(.*))?")
_REMARK = re.compile(r"(?:^|[ \t])#.*$")


class HeaderError(Exception):
    """A head that cannot be read.

    Args:
        message: what is wrong.
        line: where, from 1.
        app: the app that the rest of the head names, as far as it could be read.
    """

    def __init__(self, message: str, line: int = 1, app: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.app = app


def write_header(fields: Mapping[str, object]) -> str:
    """Return a head; empty values are left blank, for a person to fill in."""
    lines = [f"{name}: {_write(value)}".rstrip() for name, value in fields.items()]
    return "\n".join(("---", *lines, "---", ""))


def _write(value: object) -> str:
    """Write a value; what JSON may hold as it is, and YAML, a terminal or an eye takes for something else, escaped."""
    if value is None or value == "":
        return ""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w-]*", value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(dict(value) if isinstance(value, Mapping) else value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() or letter > _LAST else json.dumps(letter)[1:-1] for letter in text)


_LAST = "\uffff"
"""Behind it JSON escapes in pairs, which YAML does not put together again: those letters stand as they are."""
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def read_header(text: str) -> tuple[dict[str, object], str]:
    """Return the fields of a head, and the body under it.

    Raises:
        HeaderError: there is no head, or a line of it cannot be read, or a field is unknown or there twice.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise HeaderError("a ticket begins with a line `---`")
    fields: dict[str, object] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == "---":
            return fields, "\n".join(lines[number:])
        try:
            _read_line(line, fields)
        except (ValueError, RecursionError) as error:
            raise HeaderError(str(error), number, _app(fields, lines)) from None
    raise HeaderError("the head has no end: a second line `---`", len(lines), _app(fields, lines))


def _app(fields: Mapping[str, object], lines: list[str]) -> str:
    """Return the app that a broken head names, if that much can be read."""
    for line in lines:
        if line.startswith("app:") and "app" not in fields:
            return line.removeprefix("app:").strip().strip("\"'")
    return str(fields.get("app", ""))


def _read_line(line: str, fields: dict[str, object]) -> None:
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return
    match = _LINE.fullmatch(line.rstrip())
    if match is None:
        raise ValueError("this is no `name: value`; write longer texts under the head")
    name, value = match[1], (match[2] or "").strip()
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1)
        raise ValueError(f"there is no field {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if name in fields:
        raise ValueError(f"the field {name!r} is there twice")
    fields[name] = _read_value(value)


def _read_value(text: str) -> object:
    if text.startswith(("{", "[", '"')):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            raise ValueError(f"{text[:40]} cannot be read: a quote or a bracket may be missing") from None
        if _REMARK.sub("", text[end:]).strip():
            raise ValueError(f"{text[end:].strip()[:40]!r} after the value means nothing")
        return value
    if text.startswith("'"):
        match = re.fullmatch(r"'((?:[^']|'')*)'\s*(#.*)?", text)
        if match is None:
            raise ValueError(f"{text[:40]} cannot be read: a quote may be missing")
        return match[1].replace("''", "'")
    if text.startswith(("&", "*", "!", "|", ">", "%", "@", "`")):
        raise ValueError(f"{text[:40]!r} needs quotes")
    return _REMARK.sub("", text).strip()


def edit_header(text: str, values: Mapping[str, Value]) -> str:
    """Return the file with some fields of its head changed, and every other line as it was."""
    lines = text.split("\n")
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---")
    for name, value in values.items():
        line = f"{name}: {_write(value)}".rstrip()
        place = next((n for n in range(1, end) if re.match(rf"{re.escape(name)}\s*:", lines[n])), None)
        if place is None:
            lines.insert(end, line)
            end += 1
        else:
            lines[place] = line
    return "\n".join(lines)
