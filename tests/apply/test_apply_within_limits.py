"""A long apply keeps the vendor's limits, and says beforehand how long that takes."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.http_server import Reply, Request
from support.jumping_clock import JumpingClock
from support.limits import Limit, Limits, Window, says_github, writes
from support.small_app import TOKEN, small_app
from support.small_provider import SmallConfig, SmallProvider
from support.surroundings import surroundings
from world import World

from reconciler.apply.report import Report
from reconciler.cli.apply import _confirmation
from reconciler.cli.options import Common
from reconciler.plan.plan import Plan
from reconciler.provider.auth import BearerAuth
from reconciler.provider.change import Outcome
from reconciler.provider.conformance import World as Truth
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.pace import Pace
from reconciler.provider.rates import Rate
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport
from reconciler.render.forecast import estimate_seconds, wait_words

PEOPLE = 250
PER_MINUTE = 75
"""What is left of 80 with a margin: evenly sent, some arrive together."""


class PacedProvider(SmallProvider):
    """One whose writes have a rate class of their own, as GitHub's have."""

    rate = Rate("write", per_minute=PER_MINUTE, burst=1)

    def __init__(self, config: SmallConfig, around: Surroundings, clock: JumpingClock) -> None:
        super().__init__(config, around)
        auth = BearerAuth(config.token, around)
        self.http = Transport(config.url, around, name="hub", auth=auth, rates=[self.rate], clock=clock)

    def can(self) -> Capabilities:
        """Say so."""
        return replace(super().can(), batches=False, paces=(Pace(PER_MINUTE, at_once=1),))


class HastyProvider(PacedProvider):
    """One that says so and does not keep to it: it waits when it is refused."""

    rate = Rate("write", per_minute=200, burst=1)


@dataclass
class Done:
    """What came of an apply, and what was said and heard."""

    plan: Plan
    report: Report
    limits: Limits
    seconds: float


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_TOKEN", TOKEN)


def apply_five_hundred(folder: Path, kind: type[PacedProvider] = PacedProvider) -> Done:
    """Give 250 people an account and a team: in one loop, on a clock that jumps."""
    people = "".join(f"  p{n}: {{name: P {n}, email: p{n}@acme.example, type: employee}}\n" for n in range(PEOPLE))
    everybody = ", ".join(f"p{n}" for n in range(PEOPLE))
    role = f"roles: {{all: {{to: {{people: [{everybody}]}}, grants: {{hub: [team:core]}}}}}}\n"

    async def run() -> Done:
        clock = JumpingClock()
        limits = Limits(
            Limit("80 a minute", lambda: Window(80), covers=writes, says=says_github),
            Limit("500 an hour", lambda: Window(500, 3600), covers=writes, says=says_github),
            clock=clock,
        )
        async with small_app(Truth(entitlements={"team:core": ""})) as (app, server):

            def answer(request: Request) -> Reply:
                return limits.refuse(request) or app.answer(request)

            server.handler = answer
            config = SmallConfig(url=server.url, token=Secret("env", "SMALL_TOKEN"))
            async with kind(config, surroundings(), clock) as provider:
                world = World(folder, {"hub": {"small": provider}})
                world.write(f"people:\n{people}{role}", "apps: {hub: {owner: p0}}\n")
                plan = await world.make_plan()
                started = clock.now
                report = await world.carry_out(plan)
                return Done(plan, report, limits, clock.now - started)

    return asyncio.run(run())


def test_an_apply_of_five_hundred_changes_is_never_refused(tmp_path: Path) -> None:
    """Each is done and verified, no request was one too many, and it took about what the estimate says."""
    done = apply_five_hundred(tmp_path)
    assert [receipt.outcome for receipt in done.report.receipts] == [Outcome.VERIFIED] * 500
    assert done.limits.overruns == []
    assert wait_words(done.plan) == "this takes about 7 min for 500 operations, as fast as the vendors' limits allow"
    assert done.seconds == pytest.approx(estimate_seconds(done.plan), rel=0.05)


def test_whoever_does_not_keep_the_limits_is_found_out(tmp_path: Path) -> None:
    """Waiting after each refusal makes everything true as well, and the fake remembers the refusals."""
    done = apply_five_hundred(tmp_path, HastyProvider)
    assert done.limits.overruns


def test_the_estimate_is_told_before_anything_is_asked_or_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It follows the plan, before the first change."""
    plan = apply_five_hundred(tmp_path).plan
    capsys.readouterr()
    confirm = _confirmation(Common(), reviewed=None, ask=False)
    assert confirm(plan)
    assert "this takes about 7 min for 500 operations" in capsys.readouterr().err
