"""Whatever the company: applied once it is settled, order never matters, and time passing only ever takes away."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pains_random import apply_at, copy_live, plan_at, shuffle_rows, write_company, write_live
from support.companies import LEVELS, MOMENT, companies

from reconciler.model.company import Company
from reconciler.plan.digest import digest_plan
from reconciler.plan.plan import Plan
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.state.contract import Adoption

SEEDS = st.integers(0, 2**32)
TAKING = {Operation.SUSPEND_ACCOUNT, Operation.REVOKE, Operation.DELETE_ACCOUNT, Operation.END_SESSIONS}


@contextmanager
def on_disk(company: Company, seed: int) -> Iterator[Path]:
    """Write a company and what its apps hold into a folder of their own."""
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        assume(write_company(Path(folder), company, random))
        write_live(Path(folder), company, random)
        yield Path(folder)


def leftover(plan: Plan) -> list[str]:
    """What a plan would still do or take on."""
    changes = [change.id for change in plan.changes() if not change.blocked]
    adoptions = [app.app for app in plan.apps if replace(app.adoption, counts={}) != Adoption()]
    return changes + adoptions


def weakens(change: Change) -> bool:
    """Say whether a change only takes away."""
    if change.operation is not Operation.SET_LEVEL:
        return change.operation in TAKING
    order = LEVELS[change.kind]
    return order.index(str(change.after["level"])) < order.index(str(change.before["level"]))


@settings(max_examples=40)
@given(company=companies(clashes=False), seed=SEEDS)
def test_what_was_applied_leaves_nothing_to_do(company: Company, seed: int) -> None:
    """Plan, apply, plan again: empty, all of it verified, and the files do not change any more."""
    with on_disk(company, seed) as folder:
        report = apply_at(folder, MOMENT)
        endings = {receipt.outcome for receipt in report.receipts if not receipt.change.blocked}
        assert endings <= {Outcome.VERIFIED, Outcome.TICKET, Outcome.DONE}, report
        assert leftover(plan_at(folder, MOMENT)) == []
        before = {path: path.read_bytes() for path in sorted((folder / "live").iterdir())}
        apply_at(folder, MOMENT)
        assert {path: path.read_bytes() for path in sorted((folder / "live").iterdir())} == before


@settings(max_examples=40)
@given(company=companies(), seed=SEEDS, other=SEEDS)
def test_neither_the_order_of_yaml_nor_that_of_rows_changes_a_plan(company: Company, seed: int, other: int) -> None:
    """The digest over everything but the bytes of the YAML is the same; with the same YAML, all of it."""
    with on_disk(company, seed) as folder, tempfile.TemporaryDirectory() as second:
        plan = plan_at(folder, MOMENT)
        assert write_company(Path(second), company, Random(other))
        copy_live(folder, Path(second))
        shuffle_rows(Path(second), Random(other))
        shuffled = plan_at(Path(second), MOMENT)
        assert digest_plan(replace(shuffled, tree_digest="")) == digest_plan(replace(plan, tree_digest=""))
        shuffle_rows(folder, Random(other))
        assert plan_at(folder, MOMENT).digest == plan.digest


@settings(max_examples=40)
@given(company=companies(clashes=False), seed=SEEDS, days=st.integers(1, 8))
def test_time_alone_only_takes_away(company: Company, seed: int, days: int) -> None:
    """Where nothing is to start any more, a later plan suspends, revokes and lowers, and does nothing else."""
    settled = replace(
        company,
        people={name: replace(person, start=None) for name, person in company.people.items()},
        grants=tuple(replace(block, start=None) for block in company.grants),
    )
    with on_disk(settled, seed) as folder:
        apply_at(folder, MOMENT)
        later = plan_at(folder, MOMENT + timedelta(days=days))
        assert [change.id for change in later.changes() if not weakens(change)] == []
        apply_at(folder, MOMENT + timedelta(days=days))
        assert leftover(plan_at(folder, MOMENT + timedelta(days=days))) == []
