"""Accounts that look like somebody else's, and the account that the tool itself acts as, with the real command."""

import json
from unicodedata import normalize

import pytest
from cli_company import Company
from listening import Answer, Heard, Listener, scim

from reconciler.cli.exits import Exit

TOKEN = "tok-5e0c77a1b2"
HUB = """\
apps:
  hub:
    owner: lee
    route:
      - scim: {{url: "{url}/v2", token: {{env: HUB_TOKEN}}, timeout: 2{more}}}
"""


def with_hub(company: Company, app: Listener, more: str = "") -> None:
    """Add an app that speaks SCIM, with accounts for the engineers."""
    company.write("apps/hub.yaml", HUB.format(url=app.url, more=more))
    company.replace("roles.yaml", "figma: [license:full]", "figma: [license:full]\n      hub: []")


def user(number: str, name: str, *, active: bool = True) -> dict[str, object]:
    """Return a user as the server shows it."""
    return {"id": number, "userName": name, "active": active, "emails": [{"value": name, "primary": True}]}


def serve(app: Listener, users: list[dict[str, object]]) -> None:
    """Answer with these users, and take whatever is written."""

    def answer(heard: Heard) -> Answer:
        if heard.method != "GET":
            body = {**json.loads(heard.body or b"{}"), "id": "new"}
            return 201, {"Content-Type": "application/scim+json"}, json.dumps(body).encode()
        return scim(users if "/Users" in heard.path else [])

    app.answer = answer


def plan_of(company: Company) -> list[str]:
    """Return the ids of the changes that are planned in the hub."""
    data = json.loads(company.run("plan", "--app", "hub", "--json", HUB_TOKEN=TOKEN).stdout)
    return [change["id"] for app in data["apps"] for change in app["changes"]]


@pytest.mark.parametrize(
    ("name", "stranger"),
    [
        ("kim", "\u212aim"),
        ("fiona", "\ufb01ona"),
        ("gross", "gro\xdf"),
        ("isa", "\u0131sa"),
        ("ana", "\uff41\uff4e\uff41"),
        ("ana", "\u0430na"),
    ],
    ids=["kelvin", "ligature", "sharp-s", "dotless-i", "full-width", "cyrillic"],
)
def test_a_look_alike_in_an_app_inherits_nothing(company: Company, app: Listener, name: str, stranger: str) -> None:
    """Its account is nobody's; the colleague is to get one."""
    with_hub(company, app)
    company.replace("people.yaml", "omar@acme.example", f"{name}.o@acme.example")
    serve(app, [user("1", f"{stranger}.o@acme.example")])
    assert "hub/create-account/omar" in plan_of(company)


def test_an_accent_that_the_app_takes_apart_is_the_same_person(company: Company, app: Listener) -> None:
    """Nobody gets a second account for it."""
    with_hub(company, app)
    company.replace("people.yaml", "omar@acme.example", "jos\xe9@acme.example")
    serve(app, [user("1", normalize("NFD", "Jos\xe9@acme.example"))])
    assert "hub/create-account/omar" not in plan_of(company)


def test_the_tools_own_account_is_never_taken_away(company: Company, app: Listener) -> None:
    """Its person has left; the token would stop working for everybody else, leavers among them."""
    with_hub(company, app, more=", own_username: sam@acme.example")
    serve(app, [user("1", "sam@acme.example")])
    shown = company.run("plan", "--app", "hub", HUB_TOKEN=TOKEN)
    assert shown.returncode == Exit.REFUSED
    assert "the account that this tool itself acts as" in shown.stdout
    company.run("apply", "--app", "hub", "--yes", HUB_TOKEN=TOKEN)
    assert [heard.path for heard in app.heard if heard.method not in {"GET", "POST"}] == []
    exported = company.run("audit", "export", "--part", "exceptions").stdout
    rows = [json.loads(line) for line in exported.splitlines()]
    assert any(row["exception"] == "protection used" and "suspend-account/sam" in row["change"] for row in rows)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_a_secret_that_an_app_sends_back_is_told_nowhere(company: Company, app: Listener, status: int) -> None:
    """In an error, a name or a header; plain, in base64 or URL-encoded; at the most verbose level."""
    import base64  # noqa: PLC0415 - only here

    with_hub(company, app)
    encoded = base64.b64encode(TOKEN.encode()).decode()
    words = f"bad token {TOKEN} / {encoded} / {TOKEN.replace('-', '%2D')}"
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": words, "status": str(status)}
    app.answer = lambda _: (
        status,
        {"Content-Type": "application/scim+json", "X-Echo": TOKEN},
        json.dumps(body).encode(),
    )
    for arguments in (
        ("plan", "--out", "plan.json", "--verbose"),
        ("apply", "--yes", "--verbose"),
        ("audit", "export"),
    ):
        done = company.run(*arguments, HUB_TOKEN=TOKEN)
        for secret in (TOKEN, encoded):
            assert secret not in done.stdout + done.stderr
    for path in company.folder.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
