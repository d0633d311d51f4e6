"""The provider keeps the contract, against an imitation that checks each request by the vendor's own description."""

import pytest
from google_harness import GoogleHarness

from reconciler.provider.conformance import Check, Verdict, checks_for

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


@pytest.mark.parametrize("check", checks_for(GoogleHarness()), ids=str)
def test_the_google_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what Google has not."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        words = ("levels", "admin roles are made", "what Google sells", "only the person", "batches", "ticket")
        assert any(word in result.detail for word in words), result.detail
