"""Ids for people whom nobody has named yet: from the address or the name, unique, and the same on every run."""

import re
import unicodedata
from collections.abc import Container

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"})
_LONGEST = 60


def slug(text: str) -> str:
    """Return a text as an id: lower case, accents gone, other alphabets kept, everything else a dash; perhaps empty."""
    folded = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    dashed = re.sub(r"[^\w.]+|_+", "-", unicodedata.normalize("NFC", plain))
    return re.sub(r"-{2,}", "-", dashed)[:_LONGEST].strip("-.")


def make_id(email: str, name: str, taken: Container[str]) -> str:
    """Return an id that nobody has: the address's local part, else the name, with a number where it is taken."""
    stem = slug(email.partition("@")[0].partition("+")[0]) or slug(name) or "person"
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found
