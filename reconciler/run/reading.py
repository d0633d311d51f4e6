"""Apps are read: all at once, each way of each app once, and a failure of one is told and never stops another."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.apply.edge import describe, guard
from reconciler.errors import ReconcilerError
from reconciler.model.apps import App
from reconciler.provider.contract import Provider, RereadProvider, Ticket, TicketProvider
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount, Snapshot
from reconciler.run.session import Session
from reconciler.run.snapshots import Kept, digest_route, way_key
from reconciler.run.ways import OpenWay, open_ways
from reconciler.state.snapshots import KeptRead

APPS_AT_ONCE = 16


class ReadProgress(Protocol):
    """Who watches the reading."""

    def app_started(self, app: str) -> None:
        """An app begins to be read."""

    def app_done(self, app: str, *, requests: int, seconds: float, error: str) -> None:
        """An app was read, or could not be (`error`)."""

    def finished(self) -> None:
        """Every app was read."""


@dataclass(slots=True)
class WayAnswer:
    """What one way said: a snapshot, None where it was not asked, or an error."""

    way: OpenWay
    snapshot: Snapshot | None = None
    error: str = ""
    tickets: Sequence[Ticket] = ()


@dataclass(slots=True)
class AppAnswer:
    """What the ways of one app said.

    Attributes:
        ways: in the order of the route; empty only if the route could not be opened (`error`).
        kept: what it is planned by instead of being asked; `withheld` says why nothing may be.
        reread: pinned accounts that were asked for singly, because the list of accounts does not show them.
    """

    app: App
    ways: list[WayAnswer] = field(default_factory=list)
    reread: dict[str, LiveAccount | None] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    kept: KeptRead | None = None
    withheld: str = ""

    @property
    def requests(self) -> int:
        """Return how many requests the reading took."""
        return sum(answer.snapshot.requests for answer in self.ways if answer.snapshot)


class Answers:
    """The answers of all apps that are being asked: iterate over them as they come."""

    def __init__(self, opened: Sequence[AppAnswer], tasks: Sequence[asyncio.Task[AppAnswer]]) -> None:
        self._opened = opened
        self._tasks = tasks

    async def use_the_wait(self, prepare: Callable[[App, Sequence[OpenWay]], None]) -> None:
        """Prepare one app after the other until the first has answered: no longer than there is to wait."""
        await asyncio.sleep(0)
        for answer in self._opened:
            if any(task.done() for task in self._tasks):
                return
            if not answer.error:
                prepare(answer.app, [said.way for said in answer.ways])
            await asyncio.sleep(0)

    async def __aiter__(self) -> AsyncIterator[AppAnswer]:
        for answered in asyncio.as_completed(self._tasks):
            yield await answered


@asynccontextmanager
async def reading(
    session: Session,
    apps: Sequence[App],
    pins: Mapping[str, Sequence[str]],
    progress: ReadProgress | None,
    kept: Kept | None = None,
) -> AsyncIterator[Answers]:
    """Begin to read apps, all at once.

    Args:
        session: what the apps were written in.
        apps: which to read.
        pins: app → remote ids of leavers' accounts, read singly where the whole list is not to be had.
        progress: who watches, or None.
        kept: what the apps with `plans: snapshot` are planned by; None asks them like all others.
    """
    gate = asyncio.Semaphore(APPS_AT_ONCE)
    opened = [_open(session, app, kept or Kept()) for app in apps]
    tasks = [asyncio.create_task(_read_app(one, pins.get(one.app.name, ()), gate, progress)) for one in opened]
    try:
        yield Answers(opened, tasks)
    finally:
        for task in tasks:
            task.cancel()
        if progress:
            progress.finished()


def _open(session: Session, app: App, kept: Kept) -> AppAnswer:
    try:
        ways = [WayAnswer(way) for way in open_ways(session, app, read_only=True)]
    except ReconcilerError as error:
        return AppAnswer(app, error=describe(error))
    read, withheld = kept.reads.get(app.name), kept.refused.get(app.name, "")
    if read and read.route != digest_route(app, session.settings, [said.way.version for said in ways]):
        read, withheld = None, "its snapshot was read by another route"
    return AppAnswer(app, ways, kept=read, withheld=withheld)


async def _read_app(
    answer: AppAnswer, pins: Sequence[str], gate: asyncio.Semaphore, progress: ReadProgress | None
) -> AppAnswer:
    async with gate:
        if progress:
            progress.app_started(answer.app.name)
        began = time.perf_counter()
        await _read_ways(answer, pins)
        answer.seconds = time.perf_counter() - began
        if progress:
            errors = [answer.error, *(way.error for way in answer.ways)]
            progress.app_done(
                answer.app.name, requests=answer.requests, seconds=answer.seconds, error="; ".join(filter(None, errors))
            )
        return answer


async def _read_ways(answer: AppAnswer, pins: Sequence[str]) -> None:
    """Read the ways of one app: a further way only for the collections that no earlier one reads."""
    covered: set[str] = set()
    for number, said in enumerate(answer.ways):
        offered = {name for name, ability in said.way.capabilities.reads.items() if ability}
        if (answer.kept or answer.withheld) and not isinstance(said.way.provider, TicketProvider):
            _take_kept(answer, said, way_key(number, said.way.name), wanted=bool(offered - covered))
            covered |= offered
            continue
        if offered - covered or isinstance(said.way.provider, TicketProvider):
            own = pins if ACCOUNTS in offered - covered else ()
            await _read_way(said, answer, own, wanted=bool(offered - covered))
        covered |= offered


def _take_kept(answer: AppAnswer, said: WayAnswer, key: str, *, wanted: bool) -> None:
    """Answer for a way with what was kept of it: it is not connected to, and no secret of it is read."""
    said.snapshot = answer.kept.ways.get(key) if answer.kept else None
    if wanted and said.snapshot is None:
        said.error = answer.withheld or "its snapshot does not hold it"


async def _read_way(said: WayAnswer, answer: AppAnswer, pins: Sequence[str], *, wanted: bool) -> None:
    name = f"{answer.app.name} ({said.way.name})"
    try:
        async with AsyncExitStack() as stack:
            provider = await guard(lambda: stack.enter_async_context(said.way.provider), f"connecting to {name}")
            await _ask(said, provider, name, wanted=wanted)
            missing = _missing(pins, said.snapshot)
            if missing and isinstance(provider, RereadProvider):
                single = await guard(lambda: provider.reread(missing), f"reading pinned accounts of {name}")
                answer.reread.update(zip(missing, single, strict=True))
    except ReconcilerError as error:
        said.error = said.error or describe(error)


async def _ask(said: WayAnswer, provider: Provider, name: str, *, wanted: bool) -> None:
    """Ask a way for what it reads and for its tickets; what fails is told, and pinned accounts may still be read."""
    try:
        if wanted:
            said.snapshot = await guard(provider.read, f"reading {name}")
        if isinstance(provider, TicketProvider):
            said.tickets = await guard(provider.tickets, f"reading the tickets of {name}")
    except ReconcilerError as error:
        said.error = describe(error)


def _missing(pins: Sequence[str], snapshot: Snapshot | None) -> list[str]:
    """Return the pinned accounts that a list does not show, whatever it says of itself: it may be suddenly short."""
    if not pins or snapshot is None:
        return list(pins)
    listed = {account.remote_id for account in snapshot.accounts}
    return [pin for pin in pins if pin not in listed]
