"""The chain: each entry holds the digest of the one before it, so that none can be changed without all that follow.

A digest is the SHA-256 (hex) of the UTF-8 text of one JSON list, `[number, at, kind, body, previous]`: keys sorted, no
spaces, nothing escaped but quotes, backslashes and control characters, `at` in ISO 8601 with offset in UTC. Anyone can
compute it again with a few lines of any language.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from reconciler.state.codec import encode_canonical, encode_moment
from reconciler.state.contract import AuditEntry

Event: TypeAlias = tuple[str, Mapping[str, Any]]
"""What is to be told: a kind, and its body as plain JSON data."""


def digest_entry(number: int, at: datetime, kind: str, body: Mapping[str, Any], previous: str) -> str:
    """Return the digest of an entry with this content."""
    text = encode_canonical([number, encode_moment(at), kind, body, previous])
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(entry: AuditEntry) -> bool:
    """Say whether an entry's digest is that of its content."""
    return entry.digest == digest_entry(entry.number, entry.at, entry.kind, entry.body, entry.previous)


def link(head: tuple[int, str], events: Iterable[Event], at: datetime) -> list[AuditEntry]:
    """Return events as entries that continue a chain.

    Args:
        head: number and digest of the last entry, (0, "") where there is none.
        events: in the order in which they are told.
        at: when they are told.
    """
    number, previous = head
    entries = []
    for kind, body in events:
        number += 1
        digest = digest_entry(number, at, kind, body, previous)
        entries.append(AuditEntry(number, at, str(kind), body, previous, digest))
        previous = digest
    return entries
