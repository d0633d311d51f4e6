"""The last whole answer of an app, kept so that plans can be made of it where no credential is that only reads.

It is kept beside what is applied, as entitlements of an app that cannot exist (its name holds an `@`), so that every
back end can: a head that names the digest of the rest, and the rest in parts, compressed. Who keeps one tells its
digest in the audit trail; who reads one compares it with what the trail says.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from reconciler.errors import StateError
from reconciler.items import EntitlementItem, Names
from reconciler.provider.snapshot import Completeness, LiveAccount, LiveEntitlement, Snapshot
from reconciler.state.codec import encode_moment
from reconciler.state.contract import Adoption, AppliedEntitlement, StateStore

PREFIX: Final = "@snapshot/"
_HEAD: Final = "kept:head"
_PART: Final = "kept:part-"
_PIECE: Final = 48 * 1024
_LARGEST: Final = 512 * 1024 * 1024


class _Stored(msgspec.Struct, array_like=True):
    """A snapshot as it is written; columns are lists of numbers."""

    accounts: list[LiveAccount]
    entitlements: list[LiveEntitlement]
    holders: list[int]
    granted: list[int]
    levels: list[int]
    level_names: list[str | None]
    collections: dict[str, Completeness]
    own_account: str
    undated: bool
    notes: list[str]


class _Ways(msgspec.Struct, array_like=True):
    route: str
    ways: dict[str, _Stored]


@dataclass(frozen=True, slots=True)
class KeptRead:
    """What the ways of one app answered.

    Attributes:
        at: when that was true.
        route: a digest over how the app was reached.
        ways: what a way is called there → its snapshot.
        digest: SHA-256 (hex) over all of this.
    """

    at: datetime
    route: str
    ways: dict[str, Snapshot]
    digest: str = ""


def is_inner(app: str) -> bool:
    """Say whether a name in a state is none of an app, but of something that the tool keeps there for itself."""
    return app.startswith("@")


def keep_read(state: StateStore, app: str, read: KeptRead) -> str:
    """Keep what an app answered in the place of what was kept before, and return its digest."""
    ways = {name: _store(snapshot) for name, snapshot in read.ways.items()}
    content = msgspec.msgpack.encode(_Ways(read.route, ways), enc_hook=_plain, order="deterministic")
    text = base64.b64encode(zlib.compress(content)).decode()
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    name, digest = f"{PREFIX}{app}", _digest(app, read.at, text)
    head = AppliedEntitlement(digest, {"at": encode_moment(read.at), "parts": len(pieces)})
    kept = {_HEAD: head} | {f"{_PART}{n:06}": AppliedEntitlement("", {"data": one}) for n, one in enumerate(pieces)}
    before = dict(state.load(name, Names()).entitlements) if name in state.apps() else {}
    changed = {key: one for key, one in kept.items() if key not in before or _differ(before[key], one)}
    gone = [EntitlementItem(key) for key in before if key not in kept]
    state.adopt(name, Adoption(entitlements=changed, gone=gone))
    return digest


def load_read(state: StateStore, app: str) -> KeptRead | None:
    """Return what was kept of an app, None if nothing was.

    Raises:
        StateError: it is damaged, or was changed after it was kept.
    """
    name = f"{PREFIX}{app}"
    found = dict(state.load(name, Names()).entitlements) if name in state.apps() else {}
    head = found.pop(_HEAD, None)
    if head is None:
        return None
    text = "".join(str(found[key].attributes.get("data", "")) for key in sorted(found))
    try:
        at = datetime.fromisoformat(str(head.attributes["at"]))
        intact = _digest(app, at, text) == head.remote_id
        content = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _LARGEST) if intact else b""
        stored = msgspec.msgpack.decode(content, type=_Ways)
    except (ValueError, KeyError, binascii.Error, zlib.error, msgspec.MsgspecError):
        raise StateError(
            f"the snapshot of {app} was changed after it was kept", hint="the next scheduled run keeps a new one"
        ) from None
    return KeptRead(at, stored.route, {way: _restore(one, at) for way, one in stored.ways.items()}, head.remote_id)


def _differ(one: AppliedEntitlement, other: AppliedEntitlement) -> bool:
    return (one.remote_id, one.attributes) != (other.remote_id, other.attributes)


def drop_reads(state: StateStore, app: str | None = None) -> None:
    """Keep nothing any more of what an app answered; of every app where none is named."""
    for name in state.apps():
        if name == f"{PREFIX}{app}" or (app is None and name.startswith(PREFIX)):
            state.forget(name)


def _digest(app: str, at: datetime, text: str) -> str:
    return hashlib.sha256(f"{app}\0{encode_moment(at)}\0{text}".encode()).hexdigest()


def _plain(value: object) -> object:
    """Return a mapping of another kind (providers make some that render lazily) as a plain one."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _store(one: Snapshot) -> _Stored:
    return _Stored(
        one.accounts,
        one.entitlements,
        list(one.holders),
        list(one.granted),
        list(one.levels),
        one.level_names,
        one.collections,
        one.own_account,
        one.undated,
        one.notes,
    )


def _restore(one: _Stored, at: datetime) -> Snapshot:
    found = Snapshot(
        accounts=one.accounts,
        entitlements=one.entitlements,
        level_names=one.level_names,
        collections=one.collections,
        own_account=one.own_account,
        as_of=at,
        undated=one.undated,
        notes=one.notes,
    )
    found.holders.extend(one.holders)
    found.granted.extend(one.granted)
    found.levels.extend(one.levels)
    return found
