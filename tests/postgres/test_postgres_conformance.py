"""The postgres provider is held to the contract by the suite that every provider passes, on a real server."""

import pytest
from postgres_harness import PostgresHarness

from reconciler.provider.conformance.suite import Check, Verdict, checks_for

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")

HARNESSES = (
    PostgresHarness("role", ("member", "admin"), "system"),
    PostgresHarness("database", ("connect", "create"), "system"),
    PostgresHarness("schema", ("usage", "create"), "system"),
    PostgresHarness("role", ("member", "admin"), "newer"),
)
CHECKS = {f"{each.server} {next(iter(each.kinds))}: {check}": check for each in HARNESSES for check in checks_for(each)}
NOT_IN_POSTGRES = {
    "it grants and revokes in batches",
    "it never reads a cut list as whole",
    "it never reads forbidden as absent",
    "it waits when throttled while reading",
    "it waits when throttled while writing",
    "remove licenses (accounts) is true afterwards, and harmless twice",
    *(
        f"{making} entitlement ({kind}) is true afterwards, and harmless twice"
        for making in ("create", "rename")
        for kind in ("database", "schema")
    ),
}
"""Each has its test elsewhere in this folder, or no meaning: a result is whole or an error, by the protocol."""
LEFT_OUT: set[str] = set()


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_the_postgres_provider_conforms(check: Check) -> None:
    """See the check's own sentence."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        LEFT_OUT.add(f"{result.check}: {result.detail}")


def test_only_what_postgres_has_not_is_left_out() -> None:
    """What is not applicable is known one by one."""
    assert {text.partition(": ")[0] for text in LEFT_OUT} <= NOT_IN_POSTGRES
    assert len(LEFT_OUT) < len(CHECKS) / 4
