"""The last answer of an app is kept on every back end, whole or not at all, and nobody changes it unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.errors import StateError
from reconciler.items import Names
from reconciler.provider.snapshot import AccountStatus, LiveAccount, LiveEntitlement, Snapshot, SnapshotBuilder
from reconciler.state.contract import Adoption, StateStore
from reconciler.state.snapshots import PREFIX, KeptRead, is_inner, keep_read, load_read

Reopen = Callable[[], StateStore]
NOW = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)


def answer(people: int) -> Snapshot:
    """Return what an app answered, with everything that an answer can hold."""
    builder = SnapshotBuilder()
    team = builder.entitlement(LiveEntitlement("e1", "team:x", {"topic": "a"}, "v1"))
    for number in range(people):
        values = {"name": f"P{number}", "tags": ("a", "b"), "seats": 3, "share": 0.5, "on": True, "none": None}
        account = LiveAccount(f"u{number}", f"p{number}", "", "", AccountStatus.SUSPENDED, values, "etag")
        builder.grant(builder.account(account), team, "write")
    builder.complete("accounts", "2 of 2", unread=frozenset({"team:y"}))
    builder.incomplete("grants:team", "no total")
    builder.snapshot.own_account = "u0"
    return builder.snapshot


def test_what_is_kept_is_what_was_answered(reopen: Reopen) -> None:
    """In small and in large, with its instant; a newer one takes its place."""
    for people in (5_000, 2):
        with reopen() as state:
            digest = keep_read(state, "chat", KeptRead(NOW, "r", {"0 scim": answer(people)}))
        with reopen() as state:
            found = load_read(state, "chat")
        assert found == KeptRead(NOW, "r", {"0 scim": replace(answer(people), as_of=NOW)}, digest)


def test_nothing_is_nothing(reopen: Reopen) -> None:
    """And what is kept is no app."""
    with reopen() as state:
        assert load_read(state, "chat") is None
        keep_read(state, "chat", KeptRead(NOW, "r", {}))
        assert all(is_inner(app) for app in state.apps())
        assert load_read(state, "wiki") is None


@pytest.mark.parametrize("part", ["kept:part-000000", "kept:head"])
def test_a_change_of_it_is_noticed(reopen: Reopen, part: str) -> None:
    """Of what it holds, and of when it was true."""
    with reopen() as state:
        keep_read(state, "chat", KeptRead(NOW, "r", {"0 scim": answer(2)}))
        kept = state.load(f"{PREFIX}chat", Names()).entitlements[part]
        values = {**kept.attributes, "at": "2026-03-02T00:00:00+00:00", "data": "eA=="}
        state.adopt(f"{PREFIX}chat", Adoption(entitlements={part: replace(kept, attributes=values)}))
        with pytest.raises(StateError, match="was changed after it was kept"):
            load_read(state, "chat")
