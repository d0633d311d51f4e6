"""The provider keeps the contract against a fake that follows Okta's reference."""

import pytest
from okta_harness import OktaHarness

from reconciler.provider.conformance import Check, checks_for

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="developer.okta.com reference")


@pytest.mark.parametrize("check", checks_for(OktaHarness()), ids=str)
def test_the_okta_provider_conforms(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check of the suite."""
    monkeypatch.setenv("OKTA_TOKEN", check.harness.secrets[0])
    check.run().raise_if_failed()
