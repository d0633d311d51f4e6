"""Secrets and injections: a planted canary is in no output and no file; names of people and groups obey nobody."""

import base64
import re
import sqlite3
from typing import Any

import pytest
from faulty_server import FaultyServer
from faulty_store import ScimError
from pains_company import TOKEN_NAME, Company

TOKEN = "canary-tok3n-5f1e2d3c4b5a69788796"
PLANTED = "canary-planted-AKIAIOSFODNN7EXAMPLE"
NASTY = [
    "a\x1b[31mred\x1b[0m",
    "a\x1b]0;title\x07b",
    "a\r::error file=x::pwned",
    "a\n::set-output name=x::pwned",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "@everyone #1 GH-1",
    "a | b | c",
    "`code` ``` fence",
    "\u202egnp.exe",
    "</details><h1>x",
    "{{ person.name }} {% raw %}",
    "%s %d {0} {name}",
    "$(id) `id` ;id",
    "=HYPERLINK(1)",
]


def assert_harmless(text: str) -> None:
    """Nothing in a text obeys: no control characters but the line break, no command at a line's beginning."""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), ascii(text)
    assert not any(line.lstrip().startswith("::") for line in text.splitlines()), text


def everything_kept(company: Company) -> bytes:
    """Every byte in the repository's folder, the state included."""
    return b"\n".join(path.read_bytes() for path in company.folder.rglob("*") if path.is_file())


@pytest.fixture
def leaky(hub: Company, server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A server that sends the token back in everything that it refuses."""
    monkeypatch.setenv(TOKEN_NAME, TOKEN)
    server.serve = _accepting(server, TOKEN)  # type: ignore[method-assign]
    return hub


def _accepting(server: FaultyServer, token: str) -> Any:
    """Let a server take another token than its own."""
    serve = server.serve

    def answer(request: Any) -> Any:
        if request.headers.get("authorization") == f"Bearer {token}":
            request.headers["authorization"] = "Bearer s3cret-canary-token"
        return serve(request)

    return answer


@pytest.mark.parametrize("where", ["GET", "POST", "PATCH"])
def test_a_token_that_comes_back_in_an_error_is_in_no_output_and_no_file(
    leaky: Company, server: FaultyServer, where: str
) -> None:
    """Not on stdout or stderr, not with --verbose or --json, not in the plan, the state, the journal or a ticket."""

    def check(request: Any) -> None:
        if request.method == where:
            raise ScimError(400, f"Bearer {TOKEN} may not: {request.headers} token={TOKEN}", TOKEN)

    server.habits.before = check
    said = ""
    for arguments in (
        ["plan", "--verbose", "--out", str(leaky.folder / "plan.json")],
        ["apply", "--yes", "--verbose"],
        ["apply", "--yes", "--json"],
        ["apply", str(leaky.folder / "plan.json"), "--verbose"],
        ["plan", "--json"],
        ["plan", "--markdown"],
        ["drift"],
        ["tickets", "--json"],
        ["state", "show", "hub", "--json"],
    ):
        said += leaky.run(*arguments).said
    process = leaky.run_process("apply", "--yes", "--verbose")
    said += process.said
    assert "400" in said
    assert TOKEN not in said
    assert TOKEN not in "".join(said.split())
    assert TOKEN.encode() not in everything_kept(leaky)
    assert (leaky.folder / ".reconciler" / "state.db").exists()


def test_a_half_or_encoded_token_does_not_come_back_either(leaky: Company, server: FaultyServer) -> None:
    """In base64, in a URL, as JSON inside of JSON."""
    encoded = base64.b64encode(TOKEN.encode()).decode()

    def check(request: Any) -> None:
        if request.method == "POST":
            raise ScimError(400, f'{{"token": "{TOKEN}"}} https://x.example/?access_token={TOKEN} Basic {encoded}')

    server.habits.before = check
    done = leaky.apply("--verbose")
    assert done.code == 4
    assert TOKEN not in done.said
    assert encoded not in done.said
    assert TOKEN.encode() not in everything_kept(leaky)


def test_a_planted_secret_of_a_known_form_is_redacted(hub: Company, server: FaultyServer) -> None:
    """An error body with somebody else's credentials: recognized by its form, not by its value."""
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

    def check(request: Any) -> None:
        if request.method == "POST":
            raise ScimError(400, f"Authorization: Bearer {jwt} password=hunter2-canary api_key: {PLANTED}")

    server.habits.before = check
    done = hub.apply("--verbose")
    assert done.code == 4
    for secret in (jwt, "hunter2-canary"):
        assert secret not in done.said
        assert secret.encode() not in everything_kept(hub)


def test_a_secret_that_is_no_reference_is_an_error_that_does_not_repeat_it(hub: Company, server: FaultyServer) -> None:
    """A token pasted into YAML: told where, and not what."""
    hub.app("hub", route=[{"scim": {"url": server.url, "token": TOKEN}}])
    done = hub.run("validate")
    assert done.code == 1
    assert "apps/hub.yaml:" in done.err
    assert TOKEN not in done.said
    assert TOKEN.encode() not in b"".join(
        path.read_bytes() for path in (hub.folder / ".reconciler").rglob("*") if path.is_file()
    )


def test_a_reference_where_no_secret_belongs_is_no_way_to_read_one(
    hub: Company, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`name: {env: TOKEN}` is an error, and a template has no environment."""
    monkeypatch.setenv("OTHER", TOKEN)
    hub.dump("people.yaml", {"people": {"omar": {"name": {"env": "OTHER"}, "email": "o@acme.example"}}})
    assert hub.run("validate").code == 1
    hub.people("omar", "ana", "kim", "lee")
    for template in ("{{ env.OTHER }}", "{{ ''.__class__ }}", "{{ self }}", "{{ person.__init__.__globals__ }}"):
        hub.hub(server.url, accounts={"attributes": {"displayName": template}})
        done = hub.apply()
        assert TOKEN not in done.said
        assert "__main__" not in str(server.store.users)
        assert all("<" not in str(user.get("displayName")) for user in server.store.users.values())


def test_only_the_variables_that_the_settings_name_can_be_read(
    hub: Company, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`secrets: {env: [HUB_*]}`: a pull request cannot send another variable to a server of its own."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TOKEN)
    hub.dump("reconciler.yaml", {"secrets": {"env": ["HUB_*"]}})
    hub.app("hub", route=[{"scim": {"url": server.url, "token": {"env": "AWS_SECRET_ACCESS_KEY"}}}])
    done = hub.apply()
    assert done.code in {1, 5}, done.said
    assert TOKEN not in str([request.headers for request in server.log])


def test_a_redirect_does_not_carry_the_token_away(hub: Company, server: FaultyServer) -> None:
    """302 to another origin: not followed, exit 5."""
    server.serve = lambda _: (302, None, {"Location": "http://localhost:9/steal"})  # type: ignore[method-assign]
    done = hub.plan()
    assert done.code == 5
    assert "Traceback" not in done.said


@pytest.mark.parametrize("nasty", NASTY)
def test_names_from_an_app_are_harmless_everywhere(hub: Company, server: FaultyServer, nasty: str) -> None:
    """A hostile username, group and error text in the terminal, in Markdown, in JSON and in tickets."""
    server.store.user(nasty, emails=[{"value": "x@evil.example"}], displayName=nasty)
    server.store.group(nasty, tuple(server.store.users))

    def check(request: Any) -> None:
        if request.method == "POST" and request.body["userName"].startswith("kim"):
            raise ScimError(400, nasty)

    server.habits.before = check
    for arguments in (["plan"], ["plan", "--verbose"], ["apply", "--yes"], ["drift"], ["plan", "--markdown"]):
        done = hub.run(*arguments)
        assert done.code in {0, 3, 4, 5}, (arguments, done.said)
        assert "a fault of" not in done.said
        assert_harmless(done.out)
        assert_harmless(done.err)
        if "--markdown" in arguments:
            outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", done.out)
            assert "<script" not in outside
            assert "evil.example/x.png" not in outside
            assert "@everyone" not in outside
            assert "<h1>" not in outside


@pytest.mark.parametrize("nasty", NASTY)
def test_names_from_yaml_are_harmless_everywhere(company: Company, nasty: str) -> None:
    """A hostile name, title and entitlement in a ticket, in the terminal and in Markdown."""
    company.people("omar", ana={"name": nasty, "title": nasty})
    company.app("figma", entitlements={f"license:{nasty}": {}})
    company.grants((["ana"], {"figma": [f"license:{nasty}"]}), reason=nasty)
    first = company.run("validate")
    if first.code:
        assert_harmless(first.err)
        return
    for arguments in (["plan"], ["plan", "--markdown"], ["apply", "--yes"], ["explain", "ana"], ["tickets"], ["plan"]):
        done = company.run(*arguments)
        assert "a fault of" not in done.said
        assert_harmless(done.out)
        assert_harmless(done.err)
    tickets = list((company.folder / "tickets").glob("*.md"))
    assert tickets
    for ticket in tickets:
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.md", ticket.name)
        text = ticket.read_text()
        assert_harmless(text)
        assert "@everyone" not in text.split("---", 2)[2]
        body = re.sub(r"\\.|@<!-- -->", "", text.split("---", 2)[2])  # without whatever is escaped
        assert not re.search(r"<[a-z/!]|!?\[[^]]*\]\(|^\s*(```(?!yaml|$)|#{2,6} x)", body, re.MULTILINE), body
    assert company.run("plan", "--json").data()["empty"] is True


def test_the_journal_holds_no_secret_and_can_be_read(leaky: Company) -> None:
    """What is remembered is a plain database: no token in any table."""
    assert leaky.apply().code == 0
    with sqlite3.connect(leaky.folder / ".reconciler" / "state.db") as base:
        tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
        rows = [str(row) for table in tables for row in base.execute(f'select * from "{table}"')]  # noqa: S608 - its own names
    base.close()
    assert len(rows) > 6
    assert not [row for row in rows if TOKEN in row]
