"""One cell of the campaign: a fault strikes, the tool recovers, and what is there is compared with what should be."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launching import CANARY, Ended, HungError
from memory import PostgresMemory
from moments import sort_of
from proxy import Fault
from scene import Company, Contents, Theatre
from trail import judge_trail
from wounds import repair

from reconciler.cli.exits import Exit

HONEST = {Exit.DONE, Exit.ERROR, Exit.REFUSED, Exit.PARTIAL, Exit.UNREAD}
STOPPED = {Exit.DONE, Exit.PARTIAL, Exit.INTERRUPTED}
OPERATIONS = (
    "read users",
    "read groups",
    "create account",
    "update",
    "suspend",
    "reactivate",
    "create group",
    "rename group",
    "grant",
    "revoke",
)


@dataclass(frozen=True)
class Cell:
    """One fault, in one operation of one app, at one moment.

    Attributes:
        moment: the how-manyth request of the operation, or the how-manyth moment of the run.
        wounds: what is done to the process; empty where the fault strikes outside of it.
        address: another address of the app, for as long as the fault lasts.
    """

    app: str
    fault: str
    operation: str
    moment: int
    strike: Fault | None = field(default=None, compare=False)
    wounds: Mapping[str, Any] = field(default_factory=dict, compare=False)
    address: str = ""

    def __str__(self) -> str:
        return f"{self.app} · {self.fault} · {self.operation} · {self.moment}"


@dataclass
class Outcome:
    """What came of a cell; `lost` is empty where nothing was lost, `where` is the last moment that the run lived to."""

    cell: Cell
    code: int
    seconds: float
    struck: bool = True
    where: str = ""
    lost: list[str] = field(default_factory=list)


def fight(stage: Theatre, cell: Cell) -> Outcome:
    """Let a fault strike an apply, and recover: plan, apply, plan."""
    began = time.monotonic()
    company = stage.company()
    strike = company.proxy.set(cell.strike, cell.operation, cell.moment) if cell.strike else None
    if strike and cell.wounds:
        strike.operation, strike.nth = "read users", 1
    if cell.address:
        company.declare(second=True, url=cell.address)
    if isinstance(company.memory, PostgresMemory) and "signal" in cell.wounds:
        wounds = {**cell.wounds, "signal": company.memory.server.process}
    else:
        wounds = dict(cell.wounds)
    wounds = {name: _placed(value, company) for name, value in wounds.items()}
    try:
        ended = company.apply(**wounds)
    except HungError as hung:
        company.heal()
        return Outcome(cell, -1, time.monotonic() - began, lost=[str(hung)])
    company.memory.heal(company.folder)
    repair(company.folder)
    moments = company.moments()
    struck = _is_struck(cell, moments) if cell.wounds else strike is None or strike.struck > 0
    outcome = Outcome(cell, ended.code, 0.0, struck=struck, where=moments[-1] if moments and ended.killed else "")
    outcome.lost += judge_struck(stage.wanted, company, cell, ended)
    if cell.address:
        company.declare(second=True)
    company.heal()
    outcome.lost += recover(stage.wanted, company)
    outcome.lost += judge_trail(stage.changes, company)
    outcome.seconds = time.monotonic() - began
    if not outcome.lost:
        stage.drop(company)
    return outcome


def _is_struck(cell: Cell, moments: Sequence[str]) -> bool:
    """Say whether the run lived to the moment at which something was to happen to it."""
    if "at" in cell.wounds:
        return len(moments) >= cell.moment - 1
    return sum(sort_of(moment) == cell.operation for moment in moments) >= cell.moment


def _placed(value: Any, company: Company) -> Any:
    """Put the company's folder into a wound's paths."""
    if isinstance(value, str):
        return value.replace("FOLDER", str(company.folder))
    return [_placed(one, company) for one in value] if isinstance(value, list) else value


def judge_struck(wanted: Contents, company: Company, cell: Cell, ended: Ended) -> list[str]:
    """Judge the run that was struck: honest about what it did, and no other app was hurt."""
    return list(_judge_struck(wanted, company, cell, ended))


def _judge_struck(wanted: Contents, company: Company, cell: Cell, ended: Ended) -> Iterator[str]:
    said = ended.out + ended.err
    honest = STOPPED if "interrupt" in cell.wounds else HONEST
    if not ended.killed and (ended.code not in honest or "a fault of reconciler" in said or "Traceback" in said):
        yield f"it ended with {ended.code}:\n{said}"
    if cell.wounds.get("interrupt", ())[2:] == [1] and company.unsettled():
        yield f"what was in flight was not recorded: {company.unsettled()} intents"
    if CANARY in said:
        yield "it showed the token"
    differences = wanted.differences(company.contents()) if ended.code == Exit.DONE or cell.app == "hub" else []
    undone = cell.fault == "edited behind our back" and cell.operation.startswith("read")
    if ended.code == Exit.DONE and differences and not undone:
        yield f"it claimed to be done: {differences}"
    if cell.app == "hub" and not ended.killed:
        others = [line for line in differences if line.startswith(("files", "tickets"))]
        if others:
            yield f"other apps were hurt: {others}"


def recover(wanted: Contents, company: Company) -> list[str]:
    """Plan again, apply again, plan once more; return what is not as it would be without any fault."""
    return list(_recover(wanted, company))


def _recover(wanted: Contents, company: Company) -> Iterator[str]:
    planned = company.plan("--json")
    if planned.code != Exit.DONE:
        yield f"the next plan ended with {planned.code}:\n{planned.out}{planned.err}"
        return
    yield from _untrue(company, json.loads(planned.out))
    ended = company.apply()
    if company.memory.name == "git" and (lock := re.search(r"`reconciler (state unlock \d+)`", ended.err)):
        # Nothing tells whether another runner still works: a person decides, as the message says.
        company.run(*lock.group(1).split(), "--yes")
        ended = company.apply()
    if ended.code != Exit.DONE:
        yield f"the next apply ended with {ended.code}:\n{ended.out}{ended.err}"
    yield from wanted.differences(company.contents())
    if company.unsettled():
        yield f"{company.unsettled()} intents are unsettled"
    again = company.plan("--detailed-exitcode")
    if again.code != Exit.DONE:
        yield f"something is left to do ({again.code}):\n{again.out}"


def _untrue(company: Company, plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a plan wants to do in the SCIM app though it is done already."""
    names = {user["id"]: user["userName"].partition("@")[0] for user in company.hub.users()}
    members = {group["displayName"]: group.get("members") or () for group in company.hub.groups()}
    groups = {name: {names.get(member["value"]) for member in some} for name, some in members.items()}
    hub = next(app for app in plan["apps"] if app["app"] == "hub")
    for change in hub["changes"]:
        operation, item = change["operation"], change["item"]
        group = str(item.get("entitlement") or "").removeprefix("group:")
        done = {
            "create account": item.get("holder") in names.values(),
            "create entitlement": group in groups,
            "grant": item.get("holder") in groups.get(group, ()),
            "revoke": group in groups and item.get("holder") not in groups[group],
        }
        if done.get(operation):
            yield f"it plans what is done: {operation} {item}"
