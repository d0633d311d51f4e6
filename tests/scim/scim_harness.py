"""The conformance suite's harness for the real `scim2-server`, with a proxy in front of it for the faults."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
from faulty_server import SECRET
from scim_driving import open_provider
from scim_proxy import REFUSAL, Mischief, run_proxy

from reconciler.items import Value
from reconciler.provider.conformance import Fault, TrueAccount, World
from reconciler.provider.contract import CAN, Ability, Provider
from reconciler.provider.snapshot import AccountStatus

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
TROUBLES = frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT})
PATHS = {"accounts": "Users", "entitlements:group": "Groups", "grants:group": "Groups"}


class RunningServer:
    """One tenant of the server, seen directly and, by the provider, through the proxy."""

    def __init__(self, client: httpx.AsyncClient, proxy: str, mischief: Mischief) -> None:
        self._client = client
        self._proxy = proxy
        self._mischief = mischief

    def open(self, *, read_only: bool = False) -> Provider:
        """Return a provider for the proxy's URL."""
        return open_provider(self._proxy, read_only=read_only, page_size=Scim2Harness.page)

    async def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        ids: dict[str, str] = {}
        for account in world.accounts:
            body = _user(account.username, account.email, account.external_id) | dict(account.attributes)
            ids[account.username] = await self._post("Users", body | {"active": account.status == "active"})
        for key in world.entitlements:
            holders = [holder for holder, entitlement, _ in world.grants if entitlement == key]
            members = [{"value": ids[holder]} for holder in holders]
            name = key.partition(":")[2]
            await self._post("Groups", {"schemas": [GROUP], "displayName": name, "members": members})

    async def peek(self) -> World:
        """Return what the server holds."""
        users, groups = await self._list("Users"), await self._list("Groups")
        names = {user["id"]: user["userName"] for user in users}
        grants = {
            (names.get(member["value"], member["value"]), f"group:{group['displayName']}", None)
            for group in groups
            for member in group.get("members", [])
        }
        entitlements = {f"group:{group['displayName']}": group["id"] for group in groups}
        accounts = sorted(map(_account, users), key=lambda account: account.username)
        return World(tuple(accounts), entitlements, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """Make a fault happen, in the proxy or in the server."""
        match fault:
            case Fault.FORBID:
                self._mischief.forbid = {PATHS[subject]}
            case Fault.CUT_SHORT:
                self._mischief.cut = {PATHS[subject]}
            case Fault.THROTTLE:
                self._mischief.throttle = 2
            case Fault.REFUSE:
                self._mischief.refuse = True
            case Fault.LOSE_ANSWER:
                self._mischief.lose = 1
            case _:
                await self._change(fault, subject, to)

    async def _change(self, fault: Fault, subject: str, to: str) -> None:
        if fault in TROUBLES | {Fault.DELETE_ENTITLEMENT}:
            await self._trouble(fault, subject.partition(":")[2], to.partition(":")[2])
            return
        user = next(each for each in await self._list("Users") if each["userName"] == subject)
        if fault is Fault.RENAME_ACCOUNT:
            await self._client.put(f"Users/{user['id']}", json={**user, "userName": to})
            return
        await self._client.delete(f"Users/{user['id']}")
        if fault is Fault.RECYCLE_USERNAME:
            await self._post("Users", _user(subject, "stranger@elsewhere.example", "stranger"))

    async def _trouble(self, fault: Fault, name: str, to: str) -> None:
        group = next(each for each in await self._list("Groups") if each["displayName"] == name)
        if fault is Fault.RENAME_ENTITLEMENT:
            await self._client.put(f"Groups/{group['id']}", json={**group, "displayName": to})
            return
        await self._client.delete(f"Groups/{group['id']}")
        if fault is Fault.RECYCLE_ENTITLEMENT:
            await self._post("Groups", {"schemas": [GROUP], "displayName": name})

    async def _list(self, collection: str) -> list[dict[str, Any]]:
        answer = (await self._client.get(collection, params={"count": 1000})).json()
        listed: list[dict[str, Any]] = answer.get("Resources", [])
        assert len(listed) == answer["totalResults"]
        return listed

    async def _post(self, collection: str, body: Mapping[str, Any]) -> str:
        answer = await self._client.post(collection, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


class Scim2Harness:
    """What the suite knows of the server.

    Args:
        root: the server's URL; each world gets a tenant of its own under it.
    """

    name = "scim"
    kinds: Mapping[str, tuple[str | None, ...]] = {"group": (None,)}
    troubles: Mapping[str, frozenset[Fault]] = {"group": TROUBLES}
    page = 4
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets = (SECRET,)
    refusal = REFUSAL
    suspended = True

    def __init__(self, root: str = "") -> None:
        self.root = root
        self._numbers = itertools.count()

    def can(self, fault: Fault) -> Ability:
        """Say that every fault can be injected."""
        assert fault
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningServer]:
        """Fill a new tenant."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningServer]:
        url = f"{self.root}/world{id(self):x}x{next(self._numbers)}/v2/"
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/scim+json"}
        with run_proxy(url) as (proxy, mischief):
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
                app = RunningServer(client, proxy, mischief)
                await app.fill(world)
                yield app


def _user(username: str, email: str, external_id: str) -> dict[str, Any]:
    emails = [{"value": email, "type": "work", "primary": True}] if email else []
    return {"schemas": [USER], "userName": username, "emails": emails, "externalId": external_id, "active": True}


def _account(user: Mapping[str, Any]) -> TrueAccount:
    return TrueAccount(
        username=user["userName"],
        email=user["emails"][0]["value"] if user.get("emails") else "",
        external_id=user.get("externalId", ""),
        status=AccountStatus.ACTIVE if user.get("active") else AccountStatus.SUSPENDED,
        remote_id=user["id"],
        attributes={"title": user["title"]} if "title" in user else {},
    )
