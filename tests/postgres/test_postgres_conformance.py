"""The postgres provider is held to the contract by the suite that every provider passes, on a real server."""

import pytest
from postgres_harness import PostgresHarness

from reconciler.provider.conformance.suite import Check, Verdict, checks_for

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15")

HARNESSES = (
    PostgresHarness("role", ("member", "admin")),
    PostgresHarness("database", ("connect", "create")),
    PostgresHarness("schema", ("usage", "create")),
)
CHECKS = [(harness, check) for harness in HARNESSES for check in checks_for(harness)]
LEFT_OUT: list[str] = []


@pytest.mark.parametrize("check", [each for _, each in CHECKS], ids=[f"{next(iter(h.kinds))}: {c}" for h, c in CHECKS])
def test_the_postgres_provider_conforms(check: Check) -> None:
    """See the check's own sentence."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        LEFT_OUT.append(f"{result.check}: {result.detail}")


def test_most_checks_apply() -> None:
    """What is not applicable is little, and has its reason."""
    assert all(text.partition(": ")[2] for text in LEFT_OUT)
    assert len(LEFT_OUT) <= 20, LEFT_OUT
