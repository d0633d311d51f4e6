"""The example of a company with a GitHub organization is right, and does what it says."""

import asyncio
import shutil
from pathlib import Path

from cli.cli_company import ROOT, environment
from fake_organization import TOKEN, FakeOrganization
from support.http_server import http_server
from support.real_command import run_command


def test_the_example_plans_and_applies_what_it_says(tmp_path: Path, app: FakeOrganization) -> None:
    """It only looks at first; with `manage: observe` taken away an apply makes it so, and nothing is left to do."""
    folder = tmp_path / "github"
    shutil.copytree(ROOT / "examples" / "github", folder)
    world = app.world
    people = {login: world.add_member(login) for login in ("anaruiz", "kimpark")}
    people["omarhaddad"] = world.add_member("omarhaddad", role="admin")
    people["evestone"] = world.add_user("evestone")
    web, handbook, team = world.add_repository("web"), world.add_repository("handbook"), world.add_team("developers")

    async def run() -> None:
        async with http_server(app.answer) as server:
            file = folder / "apps" / "github.yaml"
            text = file.read_text(encoding="utf-8")
            text = text.replace("organization: acme\n", f'organization: acme\n          url: "{server.url}"\n')
            file.write_text(text, encoding="utf-8")
            assert "observe" in await _say(folder, "plan")
            assert app.writes == []
            lines = [line for line in text.splitlines(keepends=True) if "manage: observe" not in line]
            file.write_text("".join(lines), encoding="utf-8")
            await _say(folder, "apply", "--yes")
            assert "nothing to do" in await _say(folder, "plan")

    asyncio.run(run())
    assert app.rest.violations == []
    assert world.teams[team].slug == "engineers"
    assert world.teams[team].members == {people["anaruiz"]: "member", people["kimpark"]: "member"}
    everybody = world.team("everybody")
    assert everybody is not None
    assert (world.teams[team].parent, everybody.repositories) == (everybody.id, {handbook: "pull"})
    assert world.repositories[web].direct == {people["kimpark"]: "maintain"}
    assert list(world.repositories[web].invitations.values()) == [(people["evestone"], "triage")]


async def _say(folder: Path, *asked: str) -> str:
    ended = await asyncio.to_thread(run_command, [*asked], folder, environment(ACME_GITHUB_TOKEN=TOKEN))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
