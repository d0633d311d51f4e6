"""The provider keeps the contract against the real `scim2-server`, with real faults on the way."""

import pytest
from scim_harness import Scim2Harness

from reconciler.provider.conformance import Check, Verdict, checks_for

pytestmark = pytest.mark.evidence("scim", against="third party's server", of="scim2-server")


@pytest.mark.parametrize("check", checks_for(Scim2Harness()), ids=str)
def test_the_scim_provider_conforms(check: Check, scim2_tenants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check of the suite; what does not apply is what SCIM does not have."""
    monkeypatch.setenv("SCIM_TOKEN", check.harness.secrets[0])
    assert isinstance(check.harness, Scim2Harness)
    check.harness.root = scim2_tenants
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert any(word in result.detail for word in ("SCIM", "levels", "ticket", "set level"))
