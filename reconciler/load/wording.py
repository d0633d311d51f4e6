"""The entitlements of one file, each distinct wording once: a million of them are a million small numbers."""

import re

UNUSUAL = -1
"""The index of what is no plain `kind:name`: a mapping, or a mistake."""

KEY = re.compile(
    r"[A-Za-z][A-Za-z0-9_.-]{0,99}:[^\s\x00-\x1f\x7f-\x9f](?:[^\x00-\x1f\x7f-\x9f]{0,998}[^\s\x00-\x1f\x7f-\x9f])?"
)
"""An entitlement key: a kind, a colon, a name without white space at its ends."""


class Wording(dict[object, int]):
    """Texts as written → their number in `table`; a text that was not seen before is looked at when it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.table: list[tuple[str, str | None]] = []
        self._numbers: dict[tuple[str, str | None], int] = {}

    def __missing__(self, written: object) -> int:
        if not isinstance(written, str):
            return UNUSUAL
        number = self[written] = self.add(str(written), None) if KEY.fullmatch(written) else UNUSUAL
        return number

    def add(self, key: str, level: str | None) -> int:
        """Return the number of an entitlement key at a level."""
        number = self._numbers.get((key, level))
        if number is None:
            number = self._numbers[key, level] = len(self.table)
            self.table.append((key, level))
        return number
