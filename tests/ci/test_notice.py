"""News of the night goes to a real HTTP server and a real SMTP server; no address of either is ever told."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.http_server import Reply, Request, http_server
from support.surroundings import surroundings

from reconciler.ci.notice import notify
from reconciler.errors import ConfigurationError, ProviderError

PATH = "/services/T0/B0/planted-hook-secret"


def tell(environ: dict[str, str], text: str, tmp_path: Path) -> list[str]:
    """Send a notice."""
    return asyncio.run(notify(environ, surroundings(tmp_path), text))


def test_a_webhook_gets_plain_text(tmp_path: Path) -> None:
    """In which nothing is a mention or a link, whatever an app is called."""
    heard: list[Request] = []

    def listen(request: Request) -> Reply:
        heard.append(request)
        return Reply(200, "ok")

    async def run() -> list[str]:
        async with http_server(listen) as server:
            environ = {"ACCESS_WEBHOOK_URL": f"{server.url}{PATH}"}
            return await notify(environ, surroundings(tmp_path), "new drift in <!channel> & chat")

    assert asyncio.run(run()) == []
    (request,) = heard
    assert (request.method, request.path) == ("POST", PATH)
    assert request.json() == {"text": "new drift in &lt;!channel&gt; &amp; chat"}


def test_a_webhook_that_refuses_is_told_without_its_address(tmp_path: Path) -> None:
    """It is a secret."""

    async def run() -> list[str]:
        async with http_server(lambda _: Reply(404, f"no hook at {PATH}")) as server:
            return await notify({"ACCESS_WEBHOOK_URL": f"{server.url}{PATH}"}, surroundings(tmp_path), "x")

    (problem,) = asyncio.run(run())
    assert "404" in problem
    assert "planted-hook-secret" not in problem


def test_no_secret_goes_out_unencrypted(tmp_path: Path) -> None:
    """To this machine only."""
    with pytest.raises(ProviderError, match="unencrypted") as caught:
        tell({"ACCESS_WEBHOOK_URL": f"http://hooks.example{PATH}"}, "x", tmp_path)
    assert "planted-hook-secret" not in str(caught.value)


@contextmanager
def smtp_server() -> Iterator[tuple[int, list[str]]]:
    """Run a mail server for one mail: just enough of RFC 5321, on a real socket."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_take_mail, args=(listening, heard), daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        thread.join(10)


def _take_mail(listening: socket.socket, heard: list[str]) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as stream:
        in_data = False

        def say(line: str) -> None:
            stream.write(f"{line}\r\n".encode())
            stream.flush()

        say("220 here")
        for raw in stream:
            line = raw.decode().rstrip("\r\n")
            heard.append(line)
            if in_data:
                if line == ".":
                    in_data = False
                    say("250 taken")
                continue
            if line.upper() == "DATA":
                in_data = True
                say("354 go on")
            elif line.upper() == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")


def test_a_mail_is_one_mail_whatever_is_in_it(tmp_path: Path) -> None:
    """No line of it can be another header."""
    with smtp_server() as (port, heard):
        environ = {"ACCESS_SMTP_URL": f"smtp://127.0.0.1:{port}", "ACCESS_MAIL_TO": "it@acme.example"}
        assert tell(environ, "drift in chat\n.\nBcc: mallory@evil.example", tmp_path) == []
    assert [line.upper() for line in heard if line.upper().startswith("RCPT")] == ["RCPT TO:<IT@ACME.EXAMPLE>"]
    head = heard[: heard.index("")]
    assert not any(line.startswith("Bcc") for line in head)


@pytest.mark.parametrize("url", ["http://x", "smtps://", "x"])
def test_an_address_that_is_none_is_an_error(url: str, tmp_path: Path) -> None:
    """Without a word of what it is."""
    with pytest.raises(ConfigurationError, match="ACCESS_SMTP_URL"):
        tell({"ACCESS_SMTP_URL": url, "ACCESS_MAIL_TO": "it@acme.example"}, "x", tmp_path)


def test_nothing_is_sent_where_nobody_is_named(tmp_path: Path) -> None:
    """Most companies begin so."""
    assert tell({}, "x", tmp_path) == []
