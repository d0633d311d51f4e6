"""Secrets taken out of any text, by value and by name."""

import base64
import json
import re
from collections.abc import Iterable
from threading import Lock
from urllib.parse import quote, quote_plus

MARK = "[secret]"
"""What stands where a secret was."""

_WHOLE_WORD_BELOW = 4

_NAMES = (
    r"(?:[\w-]{0,40}(?:token|secret|passw(?:or)?d|passwd|api[-_]?key|access[-_]?key|private[-_]?key|credentials?"
    r"|session[-_]?id|signature)|(?:proxy-)?authorization|set-cookie|cookie)"
)
_ASSIGNED = re.compile(
    rf"(?P<name>\b{_NAMES}\\?[\"']?\s{{0,4}})"
    r"(?P<sign>=|:)(?P<gap>\s{0,4})(?P<scheme>(?:bearer|basic|token|ssws)\s{1,4})?"
    r"(?P<quote>\\?[\"'])?(?P<value>[^\s\"',;&<>()\\]{1,4096})",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?:authorization|cookie)\W*$", re.IGNORECASE)
_SHAPES = re.compile(
    r"(?P<scheme>\b(?:bearer|basic|ssws)\s{1,4})[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<user>://[^\s/:@]{0,200}:)[^\s/@]{1,400}(?=@)"
    r"|\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bsk_(?:live|test)_\w{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?",
    re.IGNORECASE,
)


class Redactor:
    """Replaces known secrets, the forms that they travel in, and what looks like a credential by its name.

    Args:
        values: secrets that are known already; more come with `add` as they are revealed.
    """

    __slots__ = ("_adding", "_pattern", "_values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._adding = Lock()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} secrets)"

    def add(self, value: str) -> None:
        """Know one more secret. A value of fewer than four characters is replaced only where it is a whole word."""
        if not value:
            return
        with self._adding:  # secrets are revealed in threads: none may be known before the pattern has it, or lose it
            if value in self._values:
                return
            self._values.add(value)
            forms = {form for known in self._values for form in _forms(known)}
            self._pattern = re.compile("|".join(map(_match, sorted(forms, key=len, reverse=True))))

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(MARK, text)
        text = _SHAPES.sub(_keep_label, text)
        return _ASSIGNED.sub(_hide_assigned, text)

    def holds(self, text: str) -> bool:
        """Say whether a known secret, in any of its forms, is in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None


REVEALED = Redactor()
"""Knows every secret that this process has revealed: the last sieve before anything is told, logged or recorded."""


def _match(form: str) -> str:
    """Return the pattern of one form: whole words only where it is so short that it would be everywhere."""
    return re.escape(form) if len(form) >= _WHOLE_WORD_BELOW else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(value: str) -> set[str]:
    """Return a secret as it may appear: plain, URL-encoded, escaped in JSON, and within something base64-encoded."""
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1]}
    if len(value) >= _WHOLE_WORD_BELOW:
        forms |= {repr(value)[1:-1], *_base64_forms(value.encode())}
    return forms


def _base64_forms(value: bytes) -> set[str]:
    """Return what is left of a value in base64 of any text that contains it, at each of the three alignments."""
    forms = set()
    for before in range(3):
        padded = b"\0" * before + value
        start = (0, 2, 3)[before]
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(padded).decode()
            sure = whole[start : len(padded) * 8 // 6]
            if len(sure) >= _WHOLE_WORD_BELOW:
                forms.add(sure)
    forms |= {base64.b64encode(value).decode(), base64.urlsafe_b64encode(value).decode()}
    return forms


def _keep_label(match: re.Match[str]) -> str:
    """Replace a credential by its shape, keeping `Bearer ` or the user of a URL before it."""
    return f"{match['scheme'] or match['user'] or ''}{MARK}"


def _hide_assigned(match: re.Match[str]) -> str:
    """Replace what is assigned to a name like `token`; leave prose such as `invalid token: expired` as it is."""
    value = match["value"]
    sure = match["quote"] or match["scheme"] or match["sign"] == "=" or _opaque(value) or _HEADER.search(match["name"])
    if value.startswith(MARK[:-1]) or not sure:
        return match[0]
    return f"{match['name']}{match['sign']}{match['gap']}{match['scheme'] or ''}{match['quote'] or ''}{MARK}"


def _opaque(value: str) -> bool:
    """Say whether a value reads like a key rather than like a word."""
    return len(value) >= 16 or (len(value) >= 6 and any(c.isdigit() for c in value))  # noqa: PLR2004 - lengths of words
