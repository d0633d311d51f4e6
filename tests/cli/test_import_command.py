"""The way from an existing app to an empty plan, with the real command and a real SCIM server."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_company import ROOT, environment
from servers.running import Server, missing, scim2_server
from support.real_command import run_command

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PEOPLE = {"ana": "Ana Ruiz", "lee": "Lee Wong", "omar": "Omar Haddad"}


@pytest.fixture(autouse=True)
def _needs_scim() -> None:
    if reason := missing("scim2-server"):
        pytest.skip(reason)


class Wiki:
    """A SCIM app with three people and two groups."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(base_url=server.url, headers=server.headers, trust_env=False, timeout=20)
        self.users = {name: self._post("/Users", _user(name, shown)) for name, shown in PEOPLE.items()}
        self.groups = {
            name: self._post("/Groups", {"schemas": [GROUP], "displayName": name, "members": self._values(*members)})
            for name, members in {"everyone": ("ana", "lee", "omar"), "developers": ("ana", "omar")}.items()
        }

    def _post(self, path: str, body: dict[str, Any]) -> str:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _values(self, *names: str) -> list[dict[str, str]]:
        return [{"value": self.users[name]} for name in names]

    def set_members(self, group: str, *names: str) -> None:
        """Change a group behind git's back."""
        operation = {"op": "replace", "path": "members", "value": self._values(*names)}
        body = {"schemas": [PATCH], "Operations": [operation]}
        assert self.client.patch(f"/Groups/{self.groups[group]}", json=body).is_success


def _user(name: str, shown: str) -> dict[str, Any]:
    emails = [{"value": f"{name}@acme.example", "primary": True}]
    return {
        "schemas": [USER],
        "userName": f"{name}@acme.example",
        "displayName": shown,
        "emails": emails,
        "active": True,
    }


def run(folder: Path, server: Server, line: str, code: int = 0) -> str:
    """Run one line as it is typed, and return what it prints."""
    words = shlex.split(line)
    assert words[0] == "reconciler"
    done = run_command(words[1:], folder, environment(WIKI_TOKEN=server.token))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def readme() -> tuple[dict[str, str], list[str]]:
    """Return the files and the commands of the README's ten minutes."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Ten minutes")[2].partition("\n## ")[0]
    commands = [
        line[2:] for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL) for line in block.splitlines()
    ]
    return dict(re.findall(r"```(?:csv|yaml) title=(\S+)\n(.*?)```", section, re.DOTALL)), commands


def test_the_ten_minutes_of_the_readme_end_in_an_empty_plan(tmp_path: Path) -> None:
    """Every file and every command is the README's; only the address of the app is the server's."""
    files, commands = readme()
    assert {"reconciler.yaml", "hr.csv"} <= files.keys()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with scim2_server() as server:
        Wiki(server)
        for command in commands:
            printed = run(tmp_path, server, command.replace("https://wiki.example/scim/v2", server.url))
        assert commands[-1] == "reconciler plan --detailed-exitcode"
        assert "nothing to do: 3 accounts and 5 grants are as declared" in printed
        assert "unmanaged" not in printed


def test_people_and_access_come_from_one_app_alone(tmp_path: Path) -> None:
    """No export is needed; a second import of each changes no byte."""
    (tmp_path / "reconciler.yaml").touch()
    with scim2_server() as server:
        Wiki(server)
        how = f"--provider scim --set url={server.url} --set token.env=WIKI_TOKEN --owner lee@acme.example"
        run(tmp_path, server, f"reconciler import people --from wiki {how}")
        run(tmp_path, server, "reconciler import wiki")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
        run(tmp_path, server, "reconciler import people --from wiki")
        run(tmp_path, server, "reconciler import wiki")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == before
        run(tmp_path, server, "reconciler apply --yes")
        assert "nothing to do" in run(tmp_path, server, "reconciler plan --detailed-exitcode")
        assert server.token not in "".join(path.read_text() for path in tmp_path.rglob("*.yaml"))


def test_drift_is_accepted_into_the_yaml(tmp_path: Path) -> None:
    """Who was taken out is taken out of the YAML, who was put in is written, and then there is no drift."""
    (tmp_path / "reconciler.yaml").touch()
    with scim2_server() as server:
        wiki = Wiki(server)
        how = f"--provider scim --set url={server.url} --set token.env=WIKI_TOKEN --owner lee"
        run(tmp_path, server, f"reconciler import people --from wiki {how}")
        run(tmp_path, server, "reconciler import wiki")
        run(tmp_path, server, "reconciler apply --yes")
        wiki.set_members("developers", "omar", "lee")
        run(tmp_path, server, "reconciler plan --detailed-exitcode", code=2)
        run(tmp_path, server, "reconciler import wiki --accept ana/group:developers")
        printed = run(tmp_path, server, "reconciler plan --detailed-exitcode")
        assert "unmanaged" in printed
        run(tmp_path, server, "reconciler import wiki --accept all")
        printed = run(tmp_path, server, "reconciler plan --detailed-exitcode")
        assert "unmanaged" not in printed


def test_what_cannot_work_says_what_to_do(tmp_path: Path) -> None:
    """An unknown app, a wrong setting, and an owner who is nobody."""
    (tmp_path / "reconciler.yaml").touch()
    with scim2_server() as server:
        Wiki(server)
        run(tmp_path, server, "reconciler import wiki", code=1)
        run(tmp_path, server, "reconciler import people --from wiki --provider scim --set x=y --owner lee", code=1)
        how = f"--provider scim --set url={server.url} --set token.env=WIKI_TOKEN"
        run(tmp_path, server, f"reconciler import people --from wiki {how} --owner nobody", code=1)
        assert [path.name for path in tmp_path.rglob("*.yaml")] == ["reconciler.yaml"]
