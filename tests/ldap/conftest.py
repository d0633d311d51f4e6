"""Both directories, started once, and the password that the provider is opened with."""

from collections.abc import Iterator

import pytest
from ldap_driving import Place
from servers import directories


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the password where the configuration looks for it."""
    monkeypatch.setenv("LDAP_CANARY", directories.PASSWORD)


@pytest.fixture(scope="session")
def openldap() -> Iterator[directories.Directory]:
    """A running slapd."""
    if why := directories.missing_openldap():
        pytest.skip(why)
    with directories.openldap() as running:
        yield running


@pytest.fixture(scope="session")
def samba() -> Iterator[directories.Directory]:
    """A running domain controller."""
    if why := directories.missing_samba():
        pytest.skip(why)
    with directories.samba() as running:
        yield running


@pytest.fixture
def place(openldap: directories.Directory) -> Iterator[Place]:
    """An empty container in OpenLDAP."""
    found = Place(openldap, windows=False)
    yield found
    found.close()


@pytest.fixture
def domain(samba: directories.Directory) -> Iterator[Place]:
    """An empty container in Active Directory's stand-in."""
    found = Place(samba, windows=True)
    yield found
    found.close()
