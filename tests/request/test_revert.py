"""An apply is taken back as far as it can be, and what cannot be is said."""

import json
import re

import pytest
from request_world import World, git

from reconciler.cli.exits import Exit


def run_of(said: str) -> str:
    """Return the id of the run that an apply told."""
    found = re.search(r"^run ([0-9a-f]{12})$", said, re.MULTILINE)
    assert found, said
    return found[1]


@pytest.fixture
def mistaken(world: World) -> tuple[World, str]:
    """Somebody merged that engineers lose the wiki and omar leaves, and it was applied."""
    assert world.run("apply", "--yes").returncode == Exit.DONE
    world.replace("roles.yaml", "[team:eng, {space:web: write}]", "[{space:web: write}]")
    world.replace("people.yaml", "email: omar@acme.example,", "email: omar@acme.example, last_day: 2026-01-01,")
    world.commit("A mistake")
    done = world.run("apply", "--yes")
    assert "1,omar@acme.example,suspended" in world.read("wiki.csv"), done.stdout + done.stderr
    assert "2,team:eng" not in world.read("grants.csv")
    return world, run_of(done.stdout)


def test_what_a_run_took_is_given_back(mistaken: tuple[World, str]) -> None:
    """Nothing else is touched; that git says otherwise is told with the files."""
    world, run = mistaken
    done = world.run("apply", "--revert", run, "--yes")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "1,omar@acme.example,active" in world.read("wiki.csv")
    assert "2,team:eng" in world.read("grants.csv")
    assert "git still says otherwise (people.yaml, roles.yaml)" in done.stderr
    assert f"reason: revert {run}" in world.run("audit", "show").stdout
    git(world.folder, "checkout", "--quiet", "HEAD~1", "--", "people.yaml", "roles.yaml")
    assert world.run("apply", "--yes").returncode == Exit.DONE
    assert world.run("plan", "--detailed-exitcode").returncode == Exit.DONE


def test_what_came_later_is_left_alone(mistaken: tuple[World, str]) -> None:
    """The way back is that of one run, not of everything since."""
    world, run = mistaken
    world.replace("roles.yaml", "[{space:web: write}]", "[{space:web: write}, space:finance]")
    world.commit("Something else")
    assert world.run("apply", "--yes").returncode == Exit.DONE
    before = [line for line in world.read("grants.csv").splitlines() if "finance" in line]
    done = world.run("apply", "--revert", run, "--yes", "--json")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert [line for line in world.read("grants.csv").splitlines() if "finance" in line and line[0] == "2"] == [
        line for line in before if line[0] == "2"
    ]
    plan = json.loads(done.stdout.splitlines()[0])
    assert plan["event"] == "plan"


def test_the_guards_hold_for_the_way_back(world: World) -> None:
    """Those of today: what was given to somebody who is protected now is not taken away."""
    assert world.run("apply", "--yes").returncode == Exit.DONE
    world.replace("roles.yaml", "[team:eng, {space:web: write}]", "[team:eng, {space:web: write}, space:finance]")
    world.write("policies.yaml", "policies:\n  protected: {entitlements: [wiki/space:finance]}\n")
    world.replace("grants.yaml", "      wiki: [space:finance]\n", "")
    world.commit("More, and a guard")
    world.replace("roles.yaml", ", space:finance]", ", space:finance, role:admin]")
    world.commit("Too much")
    given = world.run("apply", "--yes")
    assert "2,role:admin" in world.read("grants.csv"), given.stdout
    world.write("policies.yaml", "policies:\n  protected: {entitlements: [wiki/role:admin]}\n")
    world.commit("Protect")
    done = world.run("apply", "--revert", run_of(given.stdout), "--yes")
    assert done.returncode == Exit.REFUSED, done.stdout
    assert "2,role:admin" in world.read("grants.csv")


def test_what_has_no_way_back_is_an_error(mistaken: tuple[World, str]) -> None:
    """A run that nobody knows, the first one, and anything else asked for beside it."""
    world, run = mistaken
    unknown = world.run("apply", "--revert", "000000000000", "--yes")
    assert unknown.returncode == Exit.ERROR
    assert run in unknown.stderr
    first = next(one for one in re.findall(r"\b[0-9a-f]{12}\b", unknown.stderr) if one not in (run, "0" * 12))
    assert "no other YAML was ever applied" in world.run("apply", "--revert", first, "--yes").stderr
    assert "stands alone" in world.run("apply", "--revert", run, "--app", "wiki", "--yes").stderr
