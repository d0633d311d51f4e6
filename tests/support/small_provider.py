"""A provider for the small app, as a third party would write one: what the contract asks for, and no more."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

from support.small_app import PAGE, REFUSAL, TOKEN, SmallApp, small_app
from support.surroundings import surroundings

from reconciler.errors import AnswerError, TransportError
from reconciler.items import Value
from reconciler.provider.auth import BearerAuth
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.config import ProviderConfig
from reconciler.provider.conformance import Fault, World
from reconciler.provider.contract import CAN, Ability, Capabilities, Surroundings, cannot
from reconciler.provider.secret import Secret
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
from reconciler.provider.transport import Answer, Limits, Transport

KINDS: dict[str, tuple[str | None, ...]] = {"team": (None,), "repo": ("read", "write")}
TROUBLES = frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH})
_GONE_IS_GOOD = frozenset(
    {Operation.REVOKE, Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.END_SESSIONS}
)


class SmallConfig(ProviderConfig):
    """Where the app is, and the token for it."""

    url: str
    token: Secret


class SmallProvider:
    """Reads page by page, performs one request for each change, and looks up what it cannot know."""

    name: ClassVar[str] = "small"
    version: ClassVar[str] = "1.0"
    Config: ClassVar[type[SmallConfig]] = SmallConfig

    def __init__(self, config: SmallConfig, around: Surroundings) -> None:
        limits = Limits(deadline=10, attempts=3, first_wait=0.01, longest_wait=0.02, jitter=0.01)
        auth = BearerAuth(config.token, around)
        self.capabilities = self.can()
        self.http = Transport(config.url, around, name=around.app, auth=auth, limits=limits)

    @classmethod
    def open(cls, config: SmallConfig, surroundings: Surroundings) -> Self:
        """Make the provider."""
        return cls(config, surroundings)

    def can(self) -> Capabilities:
        """Return what it can do."""
        on_accounts = {
            Operation.CREATE_ACCOUNT: CAN,
            Operation.UPDATE_ACCOUNT: CAN,
            Operation.REACTIVATE_ACCOUNT: CAN,
            Operation.SUSPEND_ACCOUNT: CAN,
            Operation.DELETE_ACCOUNT: CAN,
            Operation.END_SESSIONS: CAN,
            Operation.TRANSFER_FILES: cannot("the app has no files"),
        }
        on_kind = {
            Operation.CREATE_ENTITLEMENT: CAN,
            Operation.RENAME_ENTITLEMENT: CAN,
            Operation.GRANT: CAN,
            Operation.REVOKE: CAN,
        }
        collections = [ACCOUNTS, *map(entitlements_of, KINDS), *map(grants_of, KINDS)]
        return Capabilities(
            reads=dict.fromkeys(collections, CAN),
            operations=on_accounts,
            kinds={"team": on_kind, "repo": {**on_kind, Operation.SET_LEVEL: CAN}},
            levels={"repo": ("read", "write")},
            batches=True,
        )

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read every collection, page by page."""
        builder = SnapshotBuilder()
        await self.collect(builder, ACCOUNTS, lambda item: builder.account(live(item)))
        for kind in KINDS:
            await self.collect(builder, entitlements_of(kind), lambda item: builder.entitlement(entitlement(item)))
            await self.collect(builder, grants_of(kind), lambda item: self.add_grant(builder, item))
            if builder.dangling:
                builder.incomplete(grants_of(kind), f"{len(builder.dangling)} grants of what could not be read")
                builder.dangling.clear()
        builder.snapshot.requests = self.http.requests
        return builder.snapshot

    def add_grant(self, builder: SnapshotBuilder, item: Mapping[str, Any]) -> None:
        """Add one grant, or note that it hangs on something that was not read."""
        holder, granted = builder.account_number(item["account"]), builder.entitlement_number(item["entitlement"])
        team = builder.entitlement_number(item["account"])
        holder = -1 - team if holder is None and team is not None else holder
        if holder is None or granted is None:
            builder.dangling.append(item["account"])
        else:
            builder.grant(holder, granted, item["level"])

    async def collect(self, builder: SnapshotBuilder, collection: str, add: Any) -> None:
        """Read one collection into a snapshot; its total proves that it is whole."""
        try:
            items, total = await self.pages("/" + collection.replace(":", "/"))
        except TransportError as error:
            builder.incomplete(collection, error.message)
            return
        for item in items:
            add(item)
        if len(items) == total:
            builder.complete(collection, f"{total} of {total}")
        else:
            builder.incomplete(collection, f"{len(items)} of {total}")

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Read all pages of a list."""
        items: list[dict[str, Any]] = []
        while True:
            answer = await self.http.request("GET", path, params={"start": len(items)})
            answer.raise_for_refusal(f"read {path.strip('/')}")
            page = answer.json()
            items += page["items"]
            if len(page["items"]) < PAGE or len(items) >= page["total"]:
                return items, page["total"]

    async def reread(self, remote_ids: Sequence[str]) -> list[LiveAccount | None]:
        """Read single accounts."""
        found: list[LiveAccount | None] = []
        for remote_id in remote_ids:
            answer = await self.http.request("GET", f"/accounts/{remote_id}")
            if answer.status != 404:
                answer.raise_for_refusal(f"read account {remote_id}")
            found.append(None if answer.status == 404 else live(answer.json()))
        return found

    async def perform_batch(self, changes: Sequence[Change]) -> list[Receipt]:
        """Do changes one after the other."""
        return [await self.perform(change) for change in changes]

    async def perform(self, change: Change) -> Receipt:
        """Do one change, and tell what came of it."""
        before = self.http.requests
        try:
            receipt = await self.attempt(change)
        except AnswerError as error:
            receipt = Receipt(change, Outcome.FAILED, error.message)
        except TransportError as error:
            receipt = Receipt(change, Outcome.FAILED if error.landed is False else Outcome.UNKNOWN, error.message)
        return Receipt(change, receipt.outcome, receipt.detail, receipt.remote_id, self.http.requests - before)

    async def attempt(self, change: Change) -> Receipt:
        """Send a change's request, and judge its answer."""
        method, path, body = request_for(change)
        try:
            answer = await self.http.request(method, path, json=body, idempotent=method != "POST", rate="write")
        except TransportError as error:
            if error.landed is False or method != "POST":
                raise
            return await self.look_up(change, error.message)
        if answer.status == 404 and change.operation in _GONE_IS_GOOD:
            return Receipt(change, Outcome.DONE, "it is gone already")
        if answer.status == 409:
            return await self.look_up(change, answer.words())
        answer.raise_for_refusal(change.operation)
        return Receipt(change, Outcome.DONE, remote_id=made(answer))

    async def look_up(self, change: Change, otherwise: str) -> Receipt:
        """Find what a creation may have made."""
        if change.operation is Operation.CREATE_ACCOUNT:
            answer = await self.http.request("GET", "/accounts", params={"username": change.username})
            found = [item for item in answer.json()["items"] if item["email"] == change.after["email"]]
        elif change.operation is Operation.CREATE_ENTITLEMENT:
            items, _ = await self.pages(f"/entitlements/{change.kind}")
            found = [item for item in items if item["key"] == change.entitlement]
        else:
            return Receipt(change, Outcome.UNKNOWN, otherwise)
        if not found:
            return Receipt(change, Outcome.FAILED, otherwise)
        return Receipt(change, Outcome.DONE, "it is there already", found[0]["id"])


def request_for(change: Change) -> tuple[str, str, dict[str, Value] | None]:
    """Return the method, path and body that do a change."""
    account, kind = f"/accounts/{change.account_id}", change.kind
    entitlement = f"/entitlements/{kind}/{change.entitlement_id}"
    grant = f"/grants/{kind}/{change.entitlement_id}/{change.account_id or change.holder_entitlement_id}"
    key: dict[str, Value] = {"key": change.entitlement}
    level: dict[str, Value] = {"level": change.after.get("level")}
    create = {name: change.after.get(name) for name in ("username", "email", "external_id")}
    requests: dict[Operation, tuple[str, str, dict[str, Value] | None]] = {
        Operation.CREATE_ACCOUNT: ("POST", "/accounts", create),
        Operation.UPDATE_ACCOUNT: ("PATCH", account, dict(change.after)),
        Operation.SUSPEND_ACCOUNT: ("PATCH", account, {"status": "suspended"}),
        Operation.REACTIVATE_ACCOUNT: ("PATCH", account, {"status": "active"}),
        Operation.DELETE_ACCOUNT: ("DELETE", account, None),
        Operation.END_SESSIONS: ("POST", f"{account}/logout", None),
        Operation.CREATE_ENTITLEMENT: ("POST", f"/entitlements/{kind}", key),
        Operation.RENAME_ENTITLEMENT: ("PATCH", entitlement, key),
        Operation.GRANT: ("PUT", grant, level),
        Operation.SET_LEVEL: ("PUT", grant, level),
        Operation.REVOKE: ("DELETE", grant, None),
    }
    return requests[change.operation]


def made(answer: Answer) -> str:
    """Return the id in an answer's body, or empty."""
    return str(answer.json().get("id", "")) if answer.content else ""


def live(item: Mapping[str, Any]) -> LiveAccount:
    """Return an account as the contract wants it."""
    known = ("id", "username", "email", "external_id", "status")
    attributes = {key: value for key, value in item.items() if key not in known}
    return LiveAccount(
        item["id"], item["username"], item["email"], item["external_id"], AccountStatus(item["status"]), attributes
    )


def entitlement(item: Mapping[str, Any]) -> LiveEntitlement:
    """Return an entitlement as the contract wants it."""
    return LiveEntitlement(item["id"], item["key"])


@dataclass(slots=True)
class SmallHarness:
    """Starts the small app for the conformance suite, with one or another provider in front."""

    provider: type[SmallProvider] = SmallProvider
    name: str = "small"
    page: int = PAGE
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets: tuple[str, ...] = (TOKEN,)
    refusal: str = REFUSAL
    suspended: bool = True
    nesting: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"repo": ("team",)})
    troubles: Mapping[str, frozenset[Fault]] = field(default_factory=lambda: dict.fromkeys(KINDS, TROUBLES))

    @property
    def kinds(self) -> dict[str, tuple[str | None, ...]]:
        """The kinds under test, with their levels."""
        return KINDS

    def can(self, fault: Fault) -> Ability:
        """Everything can be injected."""
        return CAN if fault in Fault else cannot("unknown")

    def start(self, world: World) -> "AbstractAsyncContextManager[RunningSmallApp]":
        """Run the app."""
        return self._run(world)

    @asynccontextmanager
    async def _run(self, world: World) -> "AsyncIterator[RunningSmallApp]":
        os.environ["SMALL_TOKEN"] = TOKEN
        try:
            async with small_app(world) as (app, server):
                yield RunningSmallApp(app, server.url, self.provider)
        finally:
            del os.environ["SMALL_TOKEN"]


@dataclass(slots=True)
class RunningSmallApp:
    """The small app at work."""

    app: SmallApp
    url: str
    provider: type[SmallProvider]

    def open(self, *, read_only: bool = False) -> SmallProvider:
        """Return a provider for it."""
        config = SmallConfig(url=self.url, token=Secret("env", "SMALL_TOKEN"))
        return self.provider.open(config, surroundings(read_only=read_only))

    async def peek(self) -> World:
        """Return what is true."""
        return self.app.world()

    def history(self) -> Sequence[World]:
        """Return what was true after each write."""
        return self.app.worlds

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """Make a fault happen."""
        self.app.suffer(fault, subject, to)
