"""Any sequence of intents, outcomes, adoptions and reopenings leaves the state as a plain dict would be."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support.state_back_ends import BACK_ENDS, options_of

from reconciler.items import AccountItem, GrantItem, Item, Names, Value
from reconciler.model.company import Settings
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus
from reconciler.state import folding
from reconciler.state.contract import Adoption, AppliedAccount, Run
from reconciler.state.open import open_state

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EXAMPLES = {"sqlite": 60, "postgres": 25, "git": 6}
GIVING = (Operation.GRANT, Operation.SET_LEVEL)
STATUSES = {
    Operation.CREATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.REACTIVATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.SUSPEND_ACCOUNT: AccountStatus.SUSPENDED,
}
UNDOING = (Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.TICKET)

grants = st.builds(GrantItem, st.sampled_from(["ana", "bob"]), st.sampled_from(["team:x", "team:y"]))
accounts = st.builds(AccountItem, st.sampled_from(["ana", "bob"]))
levels = st.sampled_from([None, "read", "write"])
attributes = st.dictionaries(st.sampled_from(["title", "city"]), st.sampled_from(["", "a", 3, ("x", "y")]), max_size=2)


@dataclass
class Cell:
    """One item of the model: what it is, how many intents are open on it, and whether only intents made it."""

    fields: dict[str, object]
    pending: int = 0
    fresh: bool = False


@dataclass
class Intent:
    """One intent of the model: what it would have to undo."""

    number: int
    change: Change
    undo: dict[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def wanted(change: Change) -> dict[str, object]:
    """Return the fields that a change gives to its item; attributes are fields of their own."""
    if change.operation in GIVING:
        return {"level": change.after.get("level")}
    found: dict[str, object] = {f"@{name}": value for name, value in change.after.items()}
    if change.operation in STATUSES:
        found["status"] = STATUSES[change.operation]
    if change.operation is Operation.CREATE_ACCOUNT:
        found["remote_id"] = ""
    return found


class StateAgainstDict(RuleBasedStateMachine):
    """The store and a dict of cells go through the same."""

    intents = Bundle("intents")
    back_end: ClassVar[str]
    new_options: ClassVar[Callable[[Path], dict[str, Any]]]

    @initialize()
    def start(self) -> None:
        """Open an empty state."""
        self.folder = Path(tempfile.mkdtemp())
        self.settings = Settings(self.folder, state={self.back_end: self.new_options(self.folder)})
        self.store = open_state(self.settings)
        self.store.begin(Run("run", "digest", "ana", "laptop", NOW))
        self.cells: dict[Item, Cell] = {}

    def teardown(self) -> None:
        """Remove the file."""
        if hasattr(self, "store"):
            self.store.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    @rule(target=intents, operation=st.sampled_from([*GIVING, Operation.REVOKE]), item=grants, level=levels)
    def intend_grant(self, operation: Operation, item: GrantItem, level: str | None) -> Intent:
        """Give, change or take a grant."""
        after: Mapping[str, Value] = {"level": level} if level else {}
        return self._intend(Change("chat", operation, item, "way", after=after))

    @rule(
        target=intents,
        operation=st.sampled_from([*STATUSES, Operation.UPDATE_ACCOUNT, Operation.DELETE_ACCOUNT]),
        item=accounts,
        after=attributes,
    )
    def intend_account(self, operation: Operation, item: AccountItem, after: Mapping[str, Value]) -> Intent:
        """Make, change, suspend, reactivate or delete an account."""
        after = after if operation in (Operation.CREATE_ACCOUNT, Operation.UPDATE_ACCOUNT) else {}
        return self._intend(Change("chat", operation, item, "way", after=after, account_id=f"id-{item.holder}"))

    def _intend(self, change: Change) -> Intent:
        (number,) = self.store.intend("run", [change], NOW)
        intent = Intent(number, change)
        cell = self.cells.get(change.item)
        if change.operation in (Operation.REVOKE, Operation.DELETE_ACCOUNT):
            if cell:
                cell.pending += 1
            return intent
        if cell is None:
            start = (
                {} if change.operation in GIVING else {"remote_id": change.account_id, "status": AccountStatus.ACTIVE}
            )
            cell = self.cells[change.item] = Cell(dict(start), fresh=True)
        new = wanted(change)
        intent.undo = {name: cell.fields[name] for name in new if name in cell.fields}
        intent.missing = tuple(new.keys() - cell.fields.keys())
        cell.fields.update(new)
        cell.pending += 1
        return intent

    @rule(intent=consumes(intents), outcome=st.sampled_from(Outcome))
    def settle(self, intent: Intent, outcome: Outcome) -> None:
        """Record an outcome; done and unknown may be followed by the last word, here verified."""
        last = [outcome, Outcome.VERIFIED] if outcome in (Outcome.DONE, Outcome.UNKNOWN) else [outcome]
        for said in last:
            receipt = Receipt(intent.change, said, remote_id="made" if said is Outcome.DONE else "")
            self.store.settle("run", [(intent.number, receipt)], NOW)
        cell = self.cells.get(intent.change.item)
        if cell is None:
            return
        if outcome in UNDOING:
            self._undo(cell, intent)
        elif intent.change.operation not in (Operation.REVOKE, Operation.DELETE_ACCOUNT):
            rest = max(cell.pending - 1, 0) if isinstance(intent.change.item, AccountItem) else 0
            cell.fresh, cell.pending = False, rest
            if outcome is Outcome.DONE and isinstance(intent.change.item, AccountItem):
                cell.fields["remote_id"] = "made"

    def _undo(self, cell: Cell, intent: Intent) -> None:
        for name in intent.missing:
            if name.startswith("@"):
                cell.fields.pop(name, None)
        cell.fields.update(intent.undo)
        cell.pending = max(cell.pending - 1, 0)
        if cell.fresh and not cell.pending:
            del self.cells[intent.change.item]

    @rule(item=grants, level=levels)
    def adopt_grant(self, item: GrantItem, level: str | None) -> None:
        """Take a grant on."""
        self.store.adopt("chat", Adoption(grants=[(item.holder, item.entitlement, level)]))
        self.cells[item] = Cell({"level": level})

    @rule(item=accounts, values=attributes, status=st.sampled_from([AccountStatus.ACTIVE, AccountStatus.SUSPENDED]))
    def adopt_account(self, item: AccountItem, values: Mapping[str, Value], status: AccountStatus) -> None:
        """Take an account on."""
        self.store.adopt("chat", Adoption({item.holder: AppliedAccount("pin", status=status, attributes=values)}))
        fields = {f"@{name}": value for name, value in values.items()}
        self.cells[item] = Cell({"remote_id": "pin", "status": status, **fields})

    @rule(item=grants | accounts)
    def forget(self, item: Item) -> None:
        """See an item absent."""
        self.store.adopt("chat", Adoption(gone=[item]))
        self.cells.pop(item, None)

    @rule()
    def reopen(self) -> None:
        """Close the state and open it again."""
        self.store.__exit__(None, None, None)
        self.store = open_state(self.settings)

    @invariant()
    def is_the_same(self) -> None:
        """Compare everything that is applied."""
        if not hasattr(self, "store"):
            return
        names = Names()
        applied = self.store.load("chat", names)
        grants = {names.item(n): (names.levels[level], n in applied.pending) for n, level in applied.grants.items()}
        cells = self.cells.items()
        assert grants == {i: (c.fields["level"], c.pending > 0) for i, c in cells if isinstance(i, GrantItem)}
        assert {name: replace(account, since=None) for name, account in applied.accounts.items()} == {
            item.holder: AppliedAccount(
                str(cell.fields["remote_id"]),
                status=AccountStatus(str(cell.fields["status"])),
                attributes={name[1:]: value for name, value in cell.fields.items() if name.startswith("@")},
                pending=cell.pending > 0,
            )
            for item, cell in cells
            if isinstance(item, AccountItem)
        }


@pytest.mark.parametrize("name", [*BACK_ENDS, "postgres, folded"])
def test_any_sequence_leaves_what_a_dict_would_hold(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shrunk to the shortest sequence that does not; also where every settled grant is folded away at once."""
    name, _, folded = name.partition(", ")
    if folded:
        monkeypatch.setattr(folding, "_MANY", 1)

    class OnThisBackEnd(StateAgainstDict):
        back_end = name
        new_options = staticmethod(lambda folder: options_of(name, request, folder))

    run_state_machine_as_test(
        OnThisBackEnd, settings=settings(max_examples=EXAMPLES[name], stateful_step_count=25, deadline=None)
    )
