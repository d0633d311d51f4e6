"""What is done to a state by hand is one transaction with the entry that tells of it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from reconciler.audit.approval import BY_HAND, Approval
from reconciler.audit.by_hand import Deed, do_by_hand
from reconciler.errors import StateError
from reconciler.items import AccountItem
from reconciler.state.contract import Adoption, AppliedAccount, StateStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANA = Approval(BY_HAND, "ana", "laptop")


def test_a_deed_and_its_entry_are_kept_together_or_not_at_all(reopen: Callable[[], StateStore]) -> None:
    """On each back end."""
    with reopen() as store:
        store.adopt("wiki", Adoption({"ana": AppliedAccount("u1", "ana")}))

        def fail() -> None:
            store.unpin("wiki", AccountItem("ana"))
            raise StateError("the power went", hint="none")

        with pytest.raises(StateError):
            do_by_hand(store, None, Deed("state unpin", {"app": "wiki", "item": "ana"}, ANA), NOW, fail)
        assert store.accounts("wiki", ["ana"])["ana"].remote_id == "u1"
        assert store.audit_head() == (0, "")
        done = do_by_hand(store, None, Deed("state repair", {"app": "wiki"}, ANA), NOW, lambda: store.repair("wiki"))
        assert done == (1, [])
        assert store.accounts("wiki", ["ana"])["ana"].remote_id == ""
        assert [entry.body["count"] for entry in store.audit()] == [1]
