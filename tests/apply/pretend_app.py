"""A small app that really keeps accounts, entitlements and grants, with the faults that real ones have.

It lives in memory, or in a JSON file that outlives the process; each fault is injected by the id of a change.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from pydantic import BaseModel

from reconciler.errors import AnswerError, ProviderError, TransportError
from reconciler.items import AccountItem, EntitlementItem, kind_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import CAN, Capabilities, Surroundings, Ticket, TicketStatus
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

KINDS = ("team", "repo")
ON_ACCOUNTS = [
    operation for operation in Operation if operation.value.endswith(("account", "sessions", "files", "licenses"))
]
ON_KINDS = [operation for operation in Operation if operation not in ON_ACCOUNTS]
LEVELS = {"repo": ("read", "write", "admin")}
SECRET = "xoxb-canary-5f2a9c7710"

Fault = Callable[["PretendApp", Change], Receipt | None]


def refuse(_app: "PretendApp", change: Change) -> Receipt:
    """The app says no, in its own words."""
    return Receipt(change, Outcome.FAILED, "409 seat limit reached", requests=1)


def answer_and_do_nothing(_app: "PretendApp", change: Change) -> Receipt:
    """The app says ok, and changes nothing."""
    return Receipt(change, Outcome.DONE, requests=1)


def lose_the_request(_app: "PretendApp", _change: Change) -> Receipt:
    """No connection: the request never left."""
    raise TransportError("connection refused", landed=False)


def lose_the_answer(app: "PretendApp", change: Change) -> Receipt:
    """The app does it, and the answer is lost."""
    app.do(change)
    raise TransportError("the connection was closed before an answer came", landed=None)


def lose_both(_app: "PretendApp", _change: Change) -> Receipt:
    """The app does nothing, and nobody can know."""
    raise TransportError("timed out", landed=None)


def refuse_by_error(_app: "PretendApp", _change: Change) -> Receipt:
    """The provider raises the app's refusal in place of a receipt."""
    raise AnswerError("403 forbidden", status=403)


def explode(_app: "PretendApp", _change: Change) -> Receipt:
    """A fault of the provider, with a secret in its words."""
    raise ValueError(f"cannot parse answer to token={SECRET}")


class NoConfig(BaseModel):
    """It needs none."""


class PretendApp:
    """The app and its provider in one.

    Args:
        path: where it keeps its data; None keeps them in memory.
        concurrency: what its capabilities say.
        hook: called with the name of each event: `request`, `effect`, `read`.
        kinds: the kinds of entitlement that it reads.
    """

    name: ClassVar[str] = "pretend"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = NoConfig

    def __init__(
        self,
        path: Path | None = None,
        *,
        concurrency: int = 4,
        hook: Callable[[str], None] = lambda _: None,
        kinds: Sequence[str] = KINDS,
    ) -> None:
        self.path = path
        self.hook = hook
        self.accounts: dict[str, dict[str, Any]] = {}
        self.entitlements: dict[str, dict[str, Any]] = {}
        self.grants: dict[str, str | None] = {}
        self.steps: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.unreadable: dict[str, str] = {}
        self.broken = ""
        self.performed: list[Change] = []
        self.events: list[str] = []
        self.reads = self.busy = self.busiest = 0
        self.pause = 0.001
        self.capabilities = Capabilities(
            reads=dict.fromkeys([ACCOUNTS, *map(entitlements_of, kinds), *map(grants_of, kinds)], CAN),
            operations=dict.fromkeys(ON_ACCOUNTS, CAN),
            kinds={"*": dict.fromkeys(ON_KINDS, CAN)},
            levels=LEVELS,
            concurrency=concurrency,
        )
        if path and path.exists():
            self.accounts, self.entitlements, self.grants, self.steps = json.loads(path.read_text(encoding="utf-8"))

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:  # noqa: ARG003 - the contract has them
        """Make a fresh one."""
        return cls()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def account(self, remote_id: str, username: str, status: str = "active", **attributes: Any) -> None:
        """Put an account there, behind everybody's back."""
        email = f"{username}@acme.example"
        self.accounts[remote_id] = {"username": username, "email": email, "status": status, "attributes": attributes}

    def entitlement(self, key: str, **attributes: Any) -> None:
        """Put an entitlement there, behind everybody's back."""
        self.entitlements[f"e-{key}"] = {"key": key, "attributes": attributes}

    def grant(self, holder: str, key: str, level: str | None = None) -> None:
        """Put a grant there, behind everybody's back; the holder is an account's remote id or an entitlement's."""
        self.grants[f"{holder} {self._id_of(key)}"] = level

    def _id_of(self, key: str) -> str:
        return next(remote_id for remote_id, found in self.entitlements.items() if found["key"] == key)

    async def read(self) -> Snapshot:
        """Read everything."""
        self.reads += 1
        self.hook("read")
        if self.broken:
            raise ProviderError(self.broken)
        builder = SnapshotBuilder()
        numbers = {remote_id: builder.account(self._live(remote_id)) for remote_id in self.accounts}
        for remote_id, found in self.entitlements.items():
            number = builder.entitlement(LiveEntitlement(remote_id, found["key"], dict(found["attributes"])))
            numbers[remote_id] = -1 - number
        for pair, level in self.grants.items():
            holder, entitlement = pair.split(" ")
            builder.grant(numbers[holder], -1 - numbers[entitlement], level)
        for collection in self.capabilities.reads:
            builder.complete(collection, "everything is in one place")
        for collection, why in self.unreadable.items():
            builder.incomplete(collection, why)
        return builder.snapshot

    def _live(self, remote_id: str) -> LiveAccount:
        found = self.accounts[remote_id]
        status = AccountStatus(found["status"])
        return LiveAccount(remote_id, found["username"], found["email"], "", status, dict(found["attributes"]))

    async def perform(self, change: Change) -> Receipt:
        """Do one change, or what was injected in its place."""
        self.performed.append(change)
        self.events.append(f"begin {change.id}")
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(self.pause)
            self.hook("request")
            fault = self.faults.get(change.id)
            return (fault and fault(self, change)) or self.do(change)
        finally:
            self.busy -= 1
            self.events.append(f"end {change.id}")

    def do(self, change: Change) -> Receipt:
        """Change what is kept, and keep it."""
        remote_id = self._change(change)
        if self.path:
            draft = self.path.with_suffix(".draft")
            kept = [self.accounts, self.entitlements, self.grants, self.steps]
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(self.path)
        self.hook("effect")
        return Receipt(change, Outcome.DONE, remote_id=remote_id, requests=1)

    def _change(self, change: Change) -> str:
        if change.operation is Operation.CREATE_ACCOUNT:
            return self._create(change)
        if isinstance(change.item, AccountItem):
            self._change_account(change)
            return ""
        if isinstance(change.item, EntitlementItem):
            return self._change_entitlement(change)
        if change.operation is Operation.REVOKE:
            self.grants.pop(self._pair(change), None)
        else:
            level = change.after.get("level") or LEVELS.get(kind_of(change.entitlement), (None,))[0]
            self.grants[self._pair(change)] = str(level) if level else None
        return ""

    def _change_account(self, change: Change) -> None:
        found = self.accounts.get(change.account_id, {})
        match change.operation:
            case Operation.UPDATE_ACCOUNT:
                found["username"] = change.after.get("username", found["username"])
                found["attributes"] |= {n: v for n, v in change.after.items() if n != "username"}
            case Operation.SUSPEND_ACCOUNT:
                found["status"] = "suspended"
            case Operation.REACTIVATE_ACCOUNT:
                found["status"] = "active"
            case Operation.END_SESSIONS | Operation.TRANSFER_FILES | Operation.REMOVE_LICENSES:
                self.steps.append(change.operation.value)
            case Operation.DELETE_ACCOUNT:
                self.accounts.pop(change.account_id, None)
                self.grants = {p: level for p, level in self.grants.items() if p.split()[0] != change.account_id}

    def _change_entitlement(self, change: Change) -> str:
        attributes = {name: value for name, value in change.after.items() if name != "name"}
        if change.operation is Operation.CREATE_ENTITLEMENT:
            with suppress(StopIteration):
                return self._id_of(change.entitlement)
            self.entitlement(change.entitlement, **attributes)
            return f"e-{change.entitlement}"
        found = self.entitlements[change.entitlement_id]
        found["key"] = change.entitlement
        found["attributes"] |= attributes
        return ""

    def _pair(self, change: Change) -> str:
        holder = change.holder_entitlement_id or change.account_id
        known = holder in self.accounts or holder in self.entitlements
        if not known or change.entitlement_id not in self.entitlements:
            raise AnswerError(f"404 no such account or entitlement: {change.id}", status=404)
        return f"{holder} {change.entitlement_id}"

    def _create(self, change: Change) -> str:
        username = str(change.after["username"]).lower().partition("@")[0]
        for remote_id, found in self.accounts.items():
            if found["username"] == username:
                return remote_id
        remote_id = f"u-{username}"
        naming = {"username", "email", "external_id"}
        mapped = {n: v for n, v in change.after.items() if n not in naming and not n.startswith("person.")}
        email = str(change.after.get("email", ""))
        self.accounts[remote_id] = {"username": username, "email": email, "status": "active", "attributes": mapped}
        return remote_id


class BatchingApp(PretendApp):
    """One that takes the members of an entitlement together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.batches: list[Sequence[Change]] = []
        self.forgets_receipts = False
        self.capabilities = Capabilities(
            reads=self.capabilities.reads,
            operations=self.capabilities.operations,
            kinds=self.capabilities.kinds,
            levels=LEVELS,
            batches=True,
        )

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Do several changes."""
        self.batches.append(changes)
        receipts = [await self.perform(change) for change in changes]
        return receipts[:-1] if self.forgets_receipts else receipts


class RereadingApp(PretendApp):
    """One that reads single accounts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.reread_ids: list[str] = []

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read some accounts."""
        self.reread_ids += remote_ids
        return [self._live(remote_id) if remote_id in self.accounts else None for remote_id in remote_ids]


class TicketDesk:
    """A way whose changes are done by a person."""

    name: ClassVar[str] = "ticket"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = NoConfig

    def __init__(self) -> None:
        self.opened: dict[str, Ticket] = {}
        self.cancelled: list[tuple[str, str]] = []
        self.broken = ""
        everything = dict.fromkeys(Operation, CAN)
        self.capabilities = Capabilities(operations=everything, kinds={"*": everything})

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:  # noqa: ARG003 - the contract has them
        """Make a fresh one."""
        return cls()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def read(self) -> Snapshot:
        """Show nothing: nobody attested anything."""
        return Snapshot()

    async def perform(self, change: Change) -> Receipt:
        """Open a ticket, or find the open one."""
        ticket = self.opened.setdefault(change.id, self._ticket(change.id))
        return Receipt(change, Outcome.TICKET, ticket.address)

    def _ticket(self, change_id: str) -> Ticket:
        opened = datetime(2026, 3, 1, tzinfo=UTC)
        return Ticket(change_id, f"key-{change_id}", TicketStatus.OPEN, f"tickets/{len(self.opened) + 1}.md", opened)

    async def tickets(self) -> Sequence[Ticket]:
        """Return what was opened."""
        if self.broken:
            raise ProviderError(self.broken)
        return list(self.opened.values())

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close a ticket."""
        self.cancelled.append((ticket.key, reason))
        self.opened[ticket.change_id] = replace(ticket, status=TicketStatus.SUPERSEDED)


def contents(app: PretendApp) -> Mapping[str, Any]:
    """Return what is in an app, by names and without ids."""
    names = {remote_id: found["username"] for remote_id, found in app.accounts.items()}
    names |= {remote_id: found["key"] for remote_id, found in app.entitlements.items()}
    return {
        "accounts": {found["username"]: (found["status"], found["attributes"]) for found in app.accounts.values()},
        "entitlements": {found["key"]: found["attributes"] for found in app.entitlements.values()},
        "grants": {tuple(names[part] for part in pair.split(" ")): level for pair, level in app.grants.items()},
    }
