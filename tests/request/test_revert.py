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
    """Nothing else is touched, and a pull request makes git agree: once it is merged, there is nothing to do."""
    world, run = mistaken
    done = world.run("apply", "--revert", run, "--yes")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "1,omar@acme.example,active" in world.read("wiki.csv")
    assert "2,team:eng" in world.read("grants.csv")
    assert "opened: https://github.example/acme/access/pull/1" in done.stdout
    assert f"reason: revert {run}" in world.run("audit", "show").stdout
    pull = world.github.pulls[1]
    assert pull["title"] == f"Take back run {run}"
    assert "It is done in the apps already" in pull["body"]
    assert "| + | `ana` | `wiki` | `team:eng` |" in pull["body"]
    assert world.github.asked[1] == ["leew"]
    git(world.folder, "pull", "--quiet", "origin", pull["head"]["ref"])
    assert world.run("apply", "--yes").returncode == Exit.DONE
    assert world.run("plan", "--detailed-exitcode").returncode == Exit.DONE


def test_what_came_later_is_left_alone(mistaken: tuple[World, str]) -> None:
    """The way back is that of one run, not of everything since."""
    world, run = mistaken
    world.replace("grants.yaml", "people: [ana, omar]", "people: [ana, omar, lee]")
    world.write("more.yaml", "people:\n  kim: {name: Kim Lee, email: kim@acme.example}\n")
    world.commit("Something else")
    assert world.run("apply", "--yes").returncode == Exit.DONE
    before = [line for line in world.read("grants.csv").splitlines() if "finance" in line]
    assert any(line[0] == "3" for line in before)
    done = world.run("apply", "--revert", run, "--yes", "--json")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    now = [line for line in world.read("grants.csv").splitlines() if "finance" in line]
    assert [line for line in now if line[0] == "3"] == [line for line in before if line[0] == "3"]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (events[0]["event"], events[-1]["event"], events[-1]["done"]) == ("plan", "git", "opened")
    branch = world.github.pulls[1]["head"]["ref"]
    assert "[ana, omar, lee]" in world.show(branch, "grants.yaml")
    assert "kim" in world.show(branch, "more.yaml")
    assert "last_day" not in world.show(branch, "people.yaml").split("omar@")[1].split("\n")[0]


def test_a_file_that_came_with_the_mistake_goes_with_it(world: World) -> None:
    """It was not there before, so the pull request removes it."""
    assert world.run("apply", "--yes").returncode == Exit.DONE
    world.write("kim.yaml", "grants:\n  - {to: {people: [lee]}, grants: {wiki: [team:eng]}}\n")
    world.commit("A mistake")
    run = run_of(world.run("apply", "--yes").stdout)
    done = world.run("apply", "--revert", run, "--yes")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    branch = world.github.pulls[1]["head"]["ref"]
    assert "kim.yaml" not in git(world.remote, "ls-tree", "-r", "--name-only", branch).split()


def test_where_git_cannot_be_made_to_agree_that_is_told(mistaken: tuple[World, str]) -> None:
    """The access is back all the same; the exit code says that something is left to do."""
    world, run = mistaken
    world.replace("roles.yaml", "[{space:web: write}]", "[{space:web: write}, space:finance]")
    world.commit("In the same line")
    assert world.run("apply", "--yes").returncode == Exit.DONE
    done = world.run("apply", "--revert", run, "--yes")
    assert done.returncode == Exit.PARTIAL, done.stdout + done.stderr
    assert "1,omar@acme.example,active" in world.read("wiki.csv")
    assert "roles.yaml: changed since in the same lines" in done.stderr
    assert "git still says otherwise (people.yaml, roles.yaml)" in done.stderr
    assert not world.github.pulls


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
