"""Names come from strangers: people, apps and vendors. Where they are shown they mean nothing but themselves."""

import html.parser
import json
import re
from pathlib import Path

import pytest
from cli_company import Company
from listening import Answer, Heard, Listener, scim

from reconciler.cli.exits import Exit

ANSI = "\x1b]0;pwned\x07\x1b[2J\x1b[31mEve"
BIDI = "eve\u202egnp.exe\u200b"
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
LINK = "[click](https://evil.example) ![x](https://evil.example/p.png) @acme/everybody #1"
FENCE = "```\n| a | b |\n</details>\n# Approved\n- [x] reviewed"
WORKFLOW = "x\n::error file=a::pwned\n::set-output name=a::b\n##[error]pwned\r::add-mask::y"
SHELL = "$(touch pwned) `touch pwned`; touch pwned"
HOSTILE = {
    "ansi": ANSI,
    "bidi": BIDI,
    "markup": MARKUP,
    "link": LINK,
    "fence": FENCE,
    "workflow": WORKFLOW,
    "shell": SHELL,
}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

HUB = """\
apps:
  hub:
    owner: lee
    route: [scim: {{url: "{url}/v2", token: {{env: HUB_TOKEN}}, timeout: 2}}]
    accounts: {{attributes: {{displayName: "{{{{ person.name }}}}"}}}}
"""


def elements(text: str) -> set[str]:
    """Return the names of the HTML elements of a text."""
    found: set[str] = set()
    parser = html.parser.HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.update([tag, *(name for name, _ in attrs)])  # type: ignore[method-assign]
    parser.feed(text)
    return found


def assert_plain(text: str) -> None:
    """What a terminal or a log gets prints as it is, and no line is a command of a CI."""
    assert not CONTROLS.search(text), CONTROLS.search(text)
    for line in re.split(r"[\r\n\u2028\u2029\x85]", text):
        assert not line.lstrip().startswith(("::", "##[")), line


def assert_markdown(text: str) -> None:
    """Markdown holds no element, link, picture, task or heading of a stranger's: what is escaped or code is none."""
    assert_plain(text)
    bare = re.sub(r"(`+)[^`](?:.|\n)*?\1", "", re.sub(r"\\.", "", text))
    assert elements(bare) <= {"details", "summary", "br", "code", "sub"}
    assert not re.search(r"!?\[[^\]]*\]\(https?://evil", bare)
    assert not re.search(r"(?m)^\s*(# Approved|- \[x\])", bare)
    assert text.count("</details>") == text.count("<details>")


def assert_comment(text: str) -> None:
    """A comment mentions nobody, besides: that would tell them."""
    assert_markdown(text)
    assert not re.search(r"(?<![\w.@-])@acme/", re.sub(r"(`+)[^`](?:.|\n)*?\1", "", text))


def declare(company: Company, name: str) -> None:
    """Put a hostile name wherever the YAML takes a free text."""
    written = json.dumps(name)
    company.replace("people.yaml", "name: Ana Ruiz", f"name: {written}")
    company.replace("roles.yaml", "reason: runs the wiki", f"reason: {written}")
    company.replace("apps/wiki.yaml", "    owner: lee\n", f"    owner: lee\n    description: {written}\n")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_in_the_yaml_is_only_a_name(company: Company, name: str) -> None:
    """On the terminal, in Markdown, in tickets, as JSON; an error would be told as plainly."""
    declare(company, name)
    outputs = [
        company.run("validate"),
        company.run("plan"),
        company.run("explain", "ana"),
        company.run("who", "wiki/team:eng"),
    ]
    marked = company.run("plan", "--markdown")
    data = company.run("plan", "--json")
    applied = company.run("apply", "--yes", "--verbose")
    for done in (*outputs, marked, applied):
        assert_plain(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr
    if applied.returncode == Exit.DONE:
        assert_comment(marked.stdout)
        json.loads(data.stdout)
        tickets = list((company.folder / "tickets").glob("*.md"))
        assert tickets
        for ticket in tickets:
            assert_markdown(ticket.read_text(encoding="utf-8").split("---", 2)[2])
    assert not list(company.folder.parent.rglob("pwned"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_from_an_app_is_only_a_name(company: Company, app: Listener, name: str) -> None:
    """Usernames, names of groups, ids and error texts of a hostile or careless app."""
    company.write("apps/hub.yaml", HUB.format(url=app.url))
    company.replace("roles.yaml", "figma: [license:full]", "figma: [license:full]\n      hub: [group:eng]")
    email = [{"value": "omar@acme.example", "primary": True}]
    user = {"id": name, "userName": name, "displayName": name, "active": True, "emails": email}
    stranger = {"id": "2", "userName": f"{name}2", "displayName": name, "active": True}
    groups: list[dict[str, object]] = [
        {"id": "g1", "displayName": "eng", "members": [{"value": "2", "display": name}]},
        {"id": "g2", "displayName": name, "members": [{"value": "2", "display": name}]},
    ]

    def answer(heard: Heard) -> Answer:
        if heard.method == "GET":
            return scim(groups if heard.path.startswith("/v2/Groups") else [user, stranger])
        problem = {"status": "400", "scimType": name, "detail": name}
        return 400, {"Content-Type": "application/scim+json"}, json.dumps(problem).encode()

    app.answer = answer
    outputs = [
        company.run("plan", HUB_TOKEN="t0ken-of-hub"),
        company.run("apply", "--yes", "--verbose", HUB_TOKEN="t0ken-of-hub"),
    ]
    marked = company.run("plan", "--markdown", HUB_TOKEN="t0ken-of-hub")
    assert_comment(marked.stdout)
    for done in (*outputs, marked, company.run("state", "show", "hub")):
        assert_plain(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr
    assert [heard for heard in app.heard if heard.method != "GET"]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_in_a_file_is_only_a_name(company: Company, name: str) -> None:
    """A cell of an export; and what is written into the export stays one cell of one row."""
    cell = json.dumps(name.replace("\x00", ""), ensure_ascii=False)[1:-1].encode().decode("unicode_escape", "ignore")
    quoted = '"' + cell.replace('"', '""') + '"'
    company.write("wiki.csv", company.read("wiki.csv") + f"4,{quoted},active\n")
    for arguments in (["plan"], ["plan", "--markdown"], ["drift"]):
        done = company.run(*arguments)
        assert_plain(done.stdout + done.stderr)
        if "--markdown" in arguments:
            assert_comment(done.stdout)


@pytest.mark.parametrize("name", ["a\n::error::x.yaml", "\x1b[31m.yaml", "$(touch pwned).yaml", "-rf.yaml", "<b>.yaml"])
def test_a_files_name_is_only_a_name(company: Company, name: str) -> None:
    """Messages name files; a pull request names the files."""
    path = Path(company.folder, name)
    path.write_text("people: {kim: {name: Kim, colour: blue}}\n", encoding="utf-8")
    done = company.run("validate")
    assert done.returncode == Exit.ERROR
    assert_plain(done.stdout + done.stderr)
    assert not list(company.folder.parent.rglob("pwned"))
