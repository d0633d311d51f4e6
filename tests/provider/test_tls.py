"""TLS against a real server: an authority that is not known is refused, one that is named is trusted."""

import asyncio
import ssl
from pathlib import Path

import pytest
from support.certificate import server_context, write_certificate
from support.http_server import Reply, http_server
from support.surroundings import surroundings

from reconciler.errors import ProviderError, TransportError
from reconciler.provider.transport import Limits, Transport

QUICK = Limits(deadline=5.0, attempts=3, first_wait=0.01, longest_wait=0.02, jitter=0.01)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a key and a certificate that signs itself, for 127.0.0.1, into one file."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def test_an_unknown_authority_is_refused_at_once(certificate: Path) -> None:
    """No request is sent and none is tried again: the certificate will not get better."""

    async def run() -> None:
        async with (
            http_server(lambda _: Reply(body={}), server_context(certificate)) as server,
            Transport(server.url, surroundings(), name="acme", limits=QUICK) as transport,
        ):
            with pytest.raises(TransportError, match="certificate verify failed") as caught:
                await transport.request("POST", "/Users", json={})
            assert caught.value.landed is False
            assert (transport.requests, server.requests) == (1, [])

    asyncio.run(run())


def test_a_named_authority_is_trusted(certificate: Path) -> None:
    """A company's own authority comes from a file, or as a context."""

    async def run() -> None:
        async with http_server(lambda _: Reply(body={"ok": True}), server_context(certificate)) as server:
            for verify in (str(certificate), ssl.create_default_context(cafile=certificate)):
                async with Transport(server.url, surroundings(), name="acme", verify=verify) as transport:
                    assert (await transport.request("GET", "/Users")).json() == {"ok": True}

    asyncio.run(run())


def test_a_file_that_holds_no_authority_is_an_error(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ProviderError, match=rf"the certificate authorities in .*{name} cannot be used"):
            Transport("https://acme.test", surroundings(), name="acme", verify=str(tmp_path / name))


def test_https_without_anything_else_is_the_rule() -> None:
    """A transport to any host needs no more than its URL; no connection is made until the first request."""
    transport = Transport("https://acme.test/scim/v2", surroundings(), name="acme")
    assert (transport.requests, repr(transport)) == (0, "Transport(acme, https://acme.test/scim/v2/)")
