"""The example of a company on Google Workspace: right as it is, shown in the README, and applied to the imitation."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli.cli_company import environment
from google_driving import at
from google_fake import FakeGoogle
from google_tokens import key_file
from support.http_server import http_server
from support.real_command import run_command

from reconciler.load.company import load_company

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "google"
BUSINESS_STANDARD = ("Google-Apps", "1010020028")


def test_the_example_is_right_and_the_readme_shows_its_app() -> None:
    """It loads without a warning, and what the README shows is what was loaded."""
    assert load_company(EXAMPLE, moment=datetime(2026, 3, 1, tzinfo=UTC)).warnings == ()
    readme = (ROOT / "providers" / "google" / "README.md").read_text(encoding="utf-8")
    assert (EXAMPLE / "apps" / "google.yaml").read_text(encoding="utf-8") in readme


def seed() -> FakeGoogle:
    """Return the customer before the first apply: two people of four, two groups of three."""
    app = FakeGoogle(looks=0, today=datetime.now(UTC).isoformat(), skus={BUSINESS_STANDARD})
    for name in ("access", "omar", "sam"):
        app.add_user(at(name))
    for name in ("engineers", "sales"):
        app.add_group(at(name))
    app.roles |= {"r0": "_SEED_ADMIN_ROLE", "r1": "_HELP_DESK_ADMIN_ROLE"}
    app.units |= {"ou1": "/Sales", "ou2": "/Engineering", "ou3": "/IT"}
    app.licenses.add((*BUSINESS_STANDARD, at("sam")))
    return app


def write_example(folder: Path, url: str) -> None:
    """Copy the example, with the servers of this machine in place of Google's, and its key."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    file = folder / "apps" / "google.yaml"
    servers = f"directory_url: {url}\n          licensing_url: {url}\n          token_url: {url}/token\n"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("domain: acme", f"{servers}          domain: acme"), encoding="utf-8")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "google.json").write_text(key_file(), encoding="utf-8")


def test_the_example_is_applied_whole(tmp_path: Path) -> None:
    """Afterwards the imitation is as the YAML says, the leaver is out, and there is nothing to do."""
    app = seed()

    async def run() -> None:
        async with http_server(app.answer) as server:
            write_example(tmp_path, server.url)
            app.tokens_given.url, app.tokens_given.subject = f"{server.url}/token", at("access")
            ended = await asyncio.to_thread(run_command, ["apply", "--yes"], tmp_path, environment())
            assert ended.returncode == 0, ended.stdout + ended.stderr
            ended = await asyncio.to_thread(run_command, ["plan"], tmp_path, environment())
            assert "nothing to do: 3 accounts and 9 grants are as declared" in ended.stdout, ended.stdout

    asyncio.run(run())
    assert app.violated == []
    assert {at("ana"), at("kim")} <= {user["primaryEmail"] for user in app.users.values()}
    assert {email for *_, email in app.licenses} == {at("ana"), at("kim"), at("omar")}
    announce = app.find_group(at("announce"))
    assert announce
    assert {each["email"]: each["role"] for each in app.members[announce["id"]].values()} == {
        at("engineers"): "MEMBER", at("sales"): "MEMBER", at("omar"): "OWNER",
    }  # fmt: skip
    sam = app.find(at("sam"))
    assert sam
    assert (sam["suspended"], sam["id"] in app.signed_out) == (True, True)
