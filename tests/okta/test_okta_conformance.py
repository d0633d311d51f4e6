"""The provider keeps the contract against a fake that follows Okta's reference."""

import pytest
from okta_harness import OktaHarness, RolesHarness

from reconciler.provider.conformance import Check, checks_for

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")

CHECKS = [*checks_for(OktaHarness()), *checks_for(RolesHarness())]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_okta_provider_conforms(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check of the suite."""
    monkeypatch.setenv("OKTA_TOKEN", check.harness.secrets[0])
    check.run().raise_if_failed()
