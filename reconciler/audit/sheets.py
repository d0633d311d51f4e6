"""Rows as JSON Lines and as CSV that no spreadsheet takes for a formula."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell must not begin with (https://owasp.org/www-community/attacks/CSV_Injection)."""


def write_json_lines(parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield each row as one JSON object, `record` naming its part."""
    for part, rows in parts.items():
        for row in rows:
            yield json.dumps({"record": part, **row}, ensure_ascii=True)


def write_csv(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a header and a line for each row, all cells quoted; nothing for no rows."""
    if not rows:
        return
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for cells in (tuple(rows[0]), *(tuple(row.values()) for row in rows)):
        writer.writerow(map(_cell, cells))
        yield out.getvalue().removesuffix("\n")
        out.seek(0)
        out.truncate()


def _cell(value: Any) -> str:
    """Return a value as text: what could be a formula behind an apostrophe, what does not print as an escape."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in value)
    return f"'{text}" if value[:1] in _FORMULA or value.lstrip()[:1] in _FORMULA else text
