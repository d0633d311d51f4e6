"""A company in YAML, its apps and its state: planned with the real planner, applied with the real executor."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from pretend_app import PretendApp

from reconciler.apply.execute import execute
from reconciler.apply.progress import Progress, Silence
from reconciler.apply.report import Report
from reconciler.items import Names
from reconciler.load.company import load_company
from reconciler.plan.app import plan_app
from reconciler.plan.build import build_plan
from reconciler.plan.inputs import AppInputs, IdentityKeys, WayRead
from reconciler.plan.plan import AppPlan, Plan
from reconciler.provider.change import Change, Outcome
from reconciler.provider.contract import Provider, TicketProvider
from reconciler.resolve.account import declare_account
from reconciler.resolve.app import declare_app
from reconciler.resolve.company import resolve_company
from reconciler.resolve.reasons import reasons_for
from reconciler.state.contract import Applied, Run, StateStore
from reconciler.state.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALL = "100 or 100%"
LIMITS = f"policies: {{limits: {{leavers: {ALL}, removals_per_app: {ALL}, removals: {ALL}, minimum_admins: 0}}}}\n"


class World:
    """One company in a folder.

    Args:
        folder: where its YAML and its state are.
        apps: app → way's name → provider.
    """

    def __init__(self, folder: Path, apps: Mapping[str, Mapping[str, Provider]]) -> None:
        self.folder = folder
        self.apps = apps
        self.moment = NOW
        self._runs = itertools.count(1)
        (folder / "reconciler.yaml").write_text("organization: Acme\n", encoding="utf-8")
        (folder / "policies.yaml").write_text(LIMITS, encoding="utf-8")

    def write(self, company: str, apps: str) -> None:
        """Write what is declared."""
        (self.folder / "company.yaml").write_text(company, encoding="utf-8")
        (self.folder / "apps.yaml").write_text(apps, encoding="utf-8")

    def open_state(self) -> SqliteStore:
        """Open the state for writing."""
        return SqliteStore(self.folder / ".reconciler" / "state.db")

    def applied(self, app: str) -> tuple[Applied, dict[tuple[str, str], str | None]]:
        """Return what is applied in an app, and its grants as names."""
        names = Names()
        with SqliteStore(self.folder / ".reconciler" / "state.db", read_only=True) as state:
            applied = state.load(app, names)
        grants = {
            (names.item(grant).holder, names.item(grant).entitlement): names.levels[level]
            for grant, level in applied.grants.items()
        }
        return applied, grants

    def plan(self) -> Plan:
        """Read every app and plan."""
        return asyncio.run(self.make_plan())

    async def make_plan(self) -> Plan:
        """Do so in the loop in which providers live that keep connections."""
        loaded = load_company(self.folder, moment=self.moment)
        resolved = resolve_company(loaded.company, self.moment)
        with SqliteStore(self.folder / ".reconciler" / "state.db", read_only=True) as state:
            parts = [plan_app(await self._inputs(name, resolved, state)) for name in sorted(self.apps)]
        policies = (loaded.company.policies,)
        population = len(loaded.company.people)
        return build_plan(
            parts,
            moment=self.moment,
            tool="0",
            tree_digest=loaded.company.digest,
            policies=policies,
            population=population,
        )

    async def _inputs(self, name: str, resolved, state: StateStore) -> AppInputs:  # type: ignore[no-untyped-def]  # noqa: ANN001
        names = Names()
        ways, tickets = [], []
        for way, provider in self.apps[name].items():
            snapshot = await provider.read() if provider.capabilities.reads else None
            ways.append(WayRead(way, provider.version, provider.capabilities, snapshot))
            if isinstance(provider, TicketProvider):
                tickets += [(way, ticket) for ticket in await provider.tickets()]
        levels = {kind: order for way in ways for kind, order in way.capabilities.levels.items()}
        declared = declare_app(resolved, name, names, levels)
        people = resolved.company.people.values()
        return AppInputs(
            declared=declared,
            account=partial(declare_account, resolved, declared),
            reasons=partial(reasons_for, resolved, declared),
            moment=self.moment,
            policies=(resolved.company.policies,),
            identities=[IdentityKeys(p.id, p.email, p.usernames.get(name, "")) for p in people],
            applied=state.load(name, names),
            ways=ways,
            tickets=tickets,
        )

    def apply(
        self,
        plan: Plan | None = None,
        *,
        progress: Progress | None = None,
        state: StateStore | None = None,
        reason: str = "",
    ) -> Report:
        """Plan, if nothing is given, and apply."""
        return asyncio.run(self.carry_out(plan or self.plan(), progress=progress, state=state, reason=reason))

    async def carry_out(
        self, wanted: Plan, *, progress: Progress | None = None, state: StateStore | None = None, reason: str = ""
    ) -> Report:
        """Apply a plan in the loop in which providers live that keep connections."""
        providers = {(app, way): found for app, ways in self.apps.items() for way, found in ways.items()}
        run = Run(f"run-{next(self._runs)}-{len(providers)}", wanted.digest, "ana", "laptop", self.moment, reason)
        moments = (self.moment + timedelta(seconds=second) for second in itertools.count())

        async def work(opened: StateStore) -> Report:
            watching = progress or Silence()
            fresh = replace(run, id=f"run-{len(opened.runs())}")
            return await execute(wanted, providers, opened, fresh, progress=watching, clock=moments.__next__)

        if state is not None:
            return await work(state)
        with self.open_state() as opened:
            opened.lock("ana@laptop", "apply", self.moment)
            return await work(opened)


def outcomes(report: Report) -> dict[str, Outcome]:
    """Return change's id → outcome."""
    return {receipt.change.id: receipt.outcome for receipt in report.receipts}


def details(report: Report) -> dict[str, str]:
    """Return change's id → detail."""
    return {receipt.change.id: receipt.detail for receipt in report.receipts}


def edit(plan: Plan, edit_app: Callable[[AppPlan], AppPlan]) -> Plan:
    """Return a plan with each app's part changed."""
    return replace(plan, apps=tuple(map(edit_app, plan.apps)))


def block(plan: Plan, change_id: str, reason: str) -> Plan:
    """Return a plan in which one change is blocked."""

    def blocked(change: Change) -> Change:
        return replace(change, blocked=reason) if change.id == change_id else change

    return edit(plan, lambda app: replace(app, changes=tuple(map(blocked, app.changes))))


COMPANY = """
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, title: Engineer}
  bob: {name: Bob Stone, email: bob@acme.example, title: Designer}
  omar: {name: Omar Haddad, email: omar@acme.example, title: Lead}
  zoe: {name: Zoe Past, email: zoe@acme.example, start: 2025-01-01, last_day: 2026-01-31, manager: omar}
grants:
  - to: {people: [ana, bob, omar]}
    grants: {code: [team:core]}
  - to: {people: [ana]}
    grants: {code: [{repo:web: write}]}
  - to: {entitlements: [code/team:core]}
    grants: {code: [{repo:web: read}]}
"""

APPS = """
apps:
  code:
    owner: omar
    accounts: {attributes: {title: "{{ person.title }}"}}
    entitlements: {"team:core": {attributes: {description: Core}}, "repo:web": {}}
    leaver: [end_sessions, suspend, {transfer_files: {to: manager}}, remove_licenses]
"""


def make_world(folder: Path, app: PretendApp | None = None) -> tuple[World, PretendApp]:
    """Return a company with one app: three people to add, a leaver, two entitlements to create."""
    code = app or PretendApp()
    code.account("u-zoe", "zoe")
    world = World(folder, {"code": {"pretend": code}})
    world.write(COMPANY, APPS)
    return world, code
