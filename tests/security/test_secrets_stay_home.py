"""A token goes to its app and nowhere else, whatever the app answers and whatever the YAML asks for."""

import json

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
      - scim: {{url: "{url}/v2", token: {{env: HUB_TOKEN}}, timeout: 2}}
"""
OMAR: dict[str, object] = {
    "id": "1",
    "userName": "omar@acme.example",
    "active": True,
    "emails": [{"value": "omar@acme.example", "primary": True}],
}


def with_hub(company: Company, app: Listener, text: str = HUB) -> None:
    """Add an app that speaks SCIM, with a grant to somebody."""
    company.write("apps/hub.yaml", text.format(url=app.url))
    company.replace("roles.yaml", "figma: [license:full]", "figma: [license:full]\n      hub: []")


def redirect(status: int, to: str) -> Answer:
    """Answer with a redirection."""
    return status, {"Location": to}, b""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(
    company: Company, app: Listener, attacker: Listener, status: int
) -> None:
    """Not for reads and not for writes; and nobody takes it for an empty app."""
    with_hub(company, app)
    app.answer = lambda _: redirect(status, f"{attacker.url}/v2/Users")
    done = company.run("plan", HUB_TOKEN=TOKEN)
    assert done.returncode == Exit.UNREAD
    assert "hub" in done.stdout
    company.run("apply", "--yes", HUB_TOKEN=TOKEN)
    assert app.heard
    assert attacker.heard == []


def test_a_redirected_write_is_not_followed(company: Company, app: Listener, attacker: Listener) -> None:
    """Reading works, creating is redirected: with the body and the token it would go elsewhere."""
    with_hub(company, app)
    app.answer = lambda heard: scim([]) if heard.method == "GET" else redirect(307, f"{attacker.url}/v2/Users")
    done = company.run("apply", "--yes", HUB_TOKEN=TOKEN)
    assert done.returncode == Exit.PARTIAL
    assert any(heard.method == "POST" for heard in app.heard)
    assert attacker.heard == []


@pytest.mark.parametrize("name", ["nextCursor", "next", "@odata.nextLink"])
def test_a_next_link_to_another_host_is_not_followed(
    company: Company, app: Listener, attacker: Listener, name: str
) -> None:
    """Neither in the body nor in the header `Link`."""
    with_hub(company, app)
    link = f"{attacker.url}/v2/Users?page=2"

    def answer(heard: Heard) -> Answer:
        if not heard.path.startswith("/v2/Users"):
            return scim([])
        status, headers, body = scim([OMAR], **{name: link}, totalResults=2)
        return status, {**headers, "Link": f'<{link}>; rel="next"'}, body

    app.answer = answer
    done = company.run("plan", HUB_TOKEN=TOKEN)
    assert done.returncode == Exit.UNREAD
    assert attacker.heard == []
    assert all(heard.path.startswith("/v2/") for heard in app.heard)


def test_the_place_of_a_new_account_may_not_be_elsewhere(company: Company, app: Listener, attacker: Listener) -> None:
    """`Location` and `meta.location` of what was created name another host: the token stays here."""
    with_hub(company, app)
    place = f"{attacker.url}/v2/Users/2"

    def answer(heard: Heard) -> Answer:
        if heard.method != "POST":
            return scim([])
        body = {"id": "2", "meta": {"location": place, "resourceType": "User"}}
        return 201, {"Content-Type": "application/scim+json", "Location": place}, json.dumps(body).encode()

    app.answer = answer
    company.run("apply", "--yes", HUB_TOKEN=TOKEN)
    app.answer = lambda heard: (201, {"Location": place}, b"") if heard.method == "POST" else scim([])
    company.run("apply", "--yes", HUB_TOKEN=TOKEN)
    assert attacker.heard == []


@pytest.mark.parametrize(
    "remote_id", ["../../admin", "//{host}/v2/Users/1", "http://{host}/x", "1?x=1", "1#x", "a/b", "\r\nX: y"]
)
def test_an_id_cannot_turn_into_another_address(
    company: Company, app: Listener, attacker: Listener, remote_id: str
) -> None:
    """Ids come from the app; what they hold stays one segment of the path."""
    with_hub(company, app)
    hostile = remote_id.format(host=attacker.url.removeprefix("http://"))
    sam = {**OMAR, "userName": "sam@acme.example", "id": hostile, "emails": [{"value": "sam@acme.example"}]}
    app.answer = lambda heard: scim([sam] if heard.path.startswith("/v2/Users") else [])
    company.run("apply", "--yes", HUB_TOKEN=TOKEN)
    assert attacker.heard == []
    assert all(heard.path.startswith(("/v2/Users", "/v2/Groups", "/v2/ServiceProviderConfig")) for heard in app.heard)
    assert not [heard for heard in app.heard if heard.method != "GET" and ".." in heard.path.split("/")]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("people.yaml", "name: Lee Wong", "name: {env: HUB_TOKEN}"),
        ("people.yaml", "department: IT}", "department: {env: HUB_TOKEN}}"),
        ("apps/wiki.yaml", "    owner: lee\n", "    owner: {env: HUB_TOKEN}\n"),
        ("apps/wiki.yaml", "    owner: lee\n", "    owner: lee\n    description: {file: token.txt}\n"),
        ("apps/wiki.yaml", "path: wiki.csv", "path: {env: HUB_TOKEN}"),
        (
            "apps/wiki.yaml",
            "    owner: lee\n",
            "    owner: lee\n    accounts: {attributes: {title: {env: HUB_TOKEN}}}\n",
        ),
        ("roles.yaml", "reason: runs the wiki", "reason: {env: HUB_TOKEN}"),
        ("reconciler.yaml", "organization: Acme", "organization: {env: HUB_TOKEN}"),
        ("apps/hub.yaml", 'url: "', 'headers: {X-Name: {env: HUB_TOKEN}}, url: "'),
        ("apps/hub.yaml", 'url: "', 'own_username: {env: HUB_TOKEN}, url: "'),
    ],
)
def test_a_reference_to_a_secret_is_refused_where_no_secret_belongs(
    company: Company, app: Listener, file: str, old: str, new: str
) -> None:
    """`name: {env: TOKEN}` would write it into a profile, a comment or a ticket."""
    with_hub(company, app)
    company.write("token.txt", TOKEN)
    company.replace(file, old, new)
    for arguments in (["validate"], ["apply", "--yes"]):
        done = company.run(*arguments, HUB_TOKEN=TOKEN)
        assert done.returncode == Exit.ERROR, (arguments, done.stdout, done.stderr)
        assert f"{file}:" in done.stderr
        assert TOKEN not in done.stdout + done.stderr
    assert app.heard == []


def test_a_variable_that_is_not_allowed_is_not_read(company: Company, app: Listener) -> None:
    """`secrets.env` names what references may name; the token of another app is not sent, nor any request."""
    company.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\nsecrets: {env: [HUB_*]}\n")
    with_hub(company, app, HUB.replace("HUB_TOKEN", "AWS_SECRET_ACCESS_KEY"))
    done = company.run("plan", AWS_SECRET_ACCESS_KEY=TOKEN)
    assert done.returncode == Exit.UNREAD
    assert "AWS_SECRET_ACCESS_KEY" in done.stdout
    assert "may not be read" in done.stdout
    assert app.heard == []


def test_a_file_outside_of_the_repository_is_no_secret(company: Company, app: Listener) -> None:
    """Neither by its path nor by a link that a pull request brings."""
    outside = company.folder.parent / "id_ed25519"
    outside.write_text(TOKEN)
    (company.folder / "innocent.txt").symlink_to(outside)
    for path in (str(outside), "../id_ed25519", "innocent.txt"):
        with_hub_file = HUB.replace("{{env: HUB_TOKEN}}", f"{{{{file: '{path}'}}}}")
        company.write("apps/hub.yaml", with_hub_file.format(url=app.url))
        done = company.run("plan")
        assert done.returncode == Exit.UNREAD, done.stderr
        assert "may not be read" in done.stdout
        assert TOKEN not in done.stdout + done.stderr
    assert app.heard == []


@pytest.mark.parametrize(
    "url",
    ["http://mallory.example/v2", "https://user:pass@127.0.0.1/v2", "file:///etc/passwd", "ftp://127.0.0.1/", "//x/"],
)
def test_an_address_that_would_give_the_token_away_is_refused(company: Company, app: Listener, url: str) -> None:
    """Unencrypted to another machine, or no web address at all."""
    with_hub(company, app)
    company.replace("apps/hub.yaml", f"{app.url}/v2", url)
    done = company.run("plan", HUB_TOKEN=TOKEN)
    assert done.returncode in (Exit.ERROR, Exit.UNREAD)
    assert "hub" in done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_each_app_is_sent_its_own_token_only(company: Company, app: Listener, attacker: Listener) -> None:
    """Two apps of one company: neither hears the other's."""
    with_hub(company, app)
    company.write("apps/other.yaml", HUB.replace("hub:", "other:").replace("HUB_", "OTHER_").format(url=attacker.url))
    company.run("apply", "--yes", HUB_TOKEN=TOKEN, OTHER_TOKEN="tok-of-the-other")
    assert {heard.headers["authorization"] for heard in app.heard} == {f"Bearer {TOKEN}"}
    assert {heard.headers["authorization"] for heard in attacker.heard} == {"Bearer tok-of-the-other"}
    assert not [heard for heard in attacker.heard if TOKEN in f"{heard.headers}{heard.path}{heard.body!r}"]
