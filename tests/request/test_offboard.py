"""Somebody who is offboarded loses access at once, and no later run gives it back."""

import json

import pytest
from request_world import World, git

from reconciler.cli.exits import Exit

OFFBOARD = ("offboard", "ana", "--now", "--yes", "--reason", "left today")


@pytest.fixture
def settled(world: World) -> World:
    """Everything is applied, and ana has her account in the wiki."""
    done = world.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    assert "2,ana@acme.example,active" in world.read("wiki.csv")
    return world


def test_access_is_gone_and_git_learns_of_it(settled: World) -> None:
    """The pull request writes the moment; the reason is in the audit trail; merged, nothing is left to do."""
    done = settled.run(*OFFBOARD)
    assert done.returncode == Exit.DONE, done.stderr
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")
    assert "1,omar@acme.example,active" in settled.read("wiki.csv")
    assert "opened: https://github.example/acme/access/pull/1" in done.stdout
    branch = settled.github.pulls[1]["head"]["ref"]
    added = settled.diff(branch)
    assert len(added) == 1
    assert added[0].startswith("+    left: 20")
    assert added[0].endswith(" Europe/Berlin")
    assert "reason: left today" in settled.run("audit", "show").stdout
    git(settled.folder, "pull", "--quiet", "origin", branch)
    again = settled.run("apply", "--yes")
    assert again.returncode == Exit.DONE, again.stdout + again.stderr
    after = settled.run("plan", "--detailed-exitcode")
    assert after.returncode == Exit.DONE, after.stdout
    assert "offboarded" not in after.stdout
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")


@pytest.mark.parametrize("more", [(), ("--due",)])
def test_a_run_before_the_merge_gives_nothing_back(settled: World, more: tuple[str, ...]) -> None:
    """Git says still that she is here: she counts as gone all the same, no ticket asks for her, and every run warns."""
    settled.run(*OFFBOARD)
    done = settled.run("apply", "--yes", *more)
    assert done.returncode == Exit.DONE, done.stdout
    assert "ana was offboarded at " in done.stdout
    assert "ticket open" not in done.stdout.split("Applied")[-1]
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")
    assert "2,team:eng" not in settled.read("grants.csv")
    assert "tickets/figma-create-account-ana" not in settled.run("tickets").stdout


def test_offboarding_can_be_taken_back(settled: World) -> None:
    """Then the YAML alone decides, and gives back what it gives."""
    settled.run(*OFFBOARD)
    undone = settled.run("offboard", "ana", "--undo", "--reason", "the wrong Ana")
    assert undone.returncode == Exit.DONE, undone.stderr
    assert settled.run("apply", "--yes").returncode == Exit.DONE
    assert "2,ana@acme.example,active" in settled.read("wiki.csv")
    assert "2,team:eng" in settled.read("grants.csv")
    again = settled.run("offboard", "ana", "--undo", "--reason", "x")
    assert again.returncode == Exit.ERROR
    assert "no such person who was offboarded" in again.stderr


def test_a_forge_that_is_down_stops_nothing(settled: World) -> None:
    """She is suspended; that git does not know is shouted, and the files here are changed."""
    done = settled.run(*OFFBOARD, GITHUB_API_URL="http://127.0.0.1:9")
    assert done.returncode == Exit.PARTIAL
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")
    assert "no pull request could be opened, so git still says that ana is here" in done.stderr
    assert "changed here; commit and merge it: people.yaml" in done.stdout
    assert "    left: " in settled.read("people.yaml")
    assert settled.run("validate").returncode == Exit.DONE
    assert settled.run("plan", "--detailed-exitcode").returncode == Exit.DONE


def test_a_second_offboarding_finds_the_first(settled: World) -> None:
    """Nothing is left to do in the apps, and the pull request is open already."""
    settled.run(*OFFBOARD)
    again = settled.run(*OFFBOARD)
    assert again.returncode == Exit.DONE, again.stderr
    assert "open already" in again.stdout
    assert settled.run("apply", "--yes").returncode == Exit.DONE


def test_a_protected_person_is_refused(settled: World) -> None:
    """The guards hold for this too; nothing is done and nothing is proposed."""
    settled.write("policies.yaml", "policies:\n  protected: {people: [ana]}\n")
    done = settled.run(*OFFBOARD)
    assert done.returncode == Exit.REFUSED, done.stdout + done.stderr
    assert "2,ana@acme.example,active" in settled.read("wiki.csv")
    assert settled.github.pulls == {}


def test_a_refusal_does_not_give_back_what_an_offboarding_took(settled: World) -> None:
    """Who is held for gone stays it, though a second offboarding is refused."""
    settled.run(*OFFBOARD)
    settled.replace("wiki.csv", "2,ana@acme.example,suspended", "2,ana@acme.example,active")
    settled.write("policies.yaml", "policies:\n  protected: {people: [ana]}\n")
    assert settled.run(*OFFBOARD).returncode == Exit.REFUSED
    (settled.folder / "policies.yaml").unlink()
    assert settled.run("apply", "--yes").returncode == Exit.DONE
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")


def test_a_doubt_about_the_state_neither_keeps_anybody_nor_brings_them_back(settled: World) -> None:
    """The exit code tells of the doubt; she is gone, git learns of it, and she stays gone once the doubt is settled."""
    settled.write("reconciler.yaml", settled.read("reconciler.yaml") + "audit: {anchor: heads}\n")
    assert settled.run("apply", "--yes").returncode == Exit.DONE
    settled.write("heads", settled.read("heads") + f"999:{'ab' * 32} 2026-03-01T00:00:00+00:00 run\n")
    done = settled.run(*OFFBOARD)
    assert done.returncode == Exit.REFUSED, done.stdout + done.stderr
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")
    assert "opened: https://github.example/acme/access/pull/1" in done.stdout
    head = json.loads(settled.run("audit", "verify", "--json").stdout)["head"]
    accepted = settled.run("audit", "accept", head, "--reason", "heads were edited by hand", "--yes")
    assert accepted.returncode == Exit.DONE, accepted.stderr
    again = settled.run("apply", "--yes")
    assert again.returncode == Exit.DONE, again.stdout + again.stderr
    assert "ana was offboarded at " in again.stdout
    assert "2,ana@acme.example,suspended" in settled.read("wiki.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("offboard", "anna", "--now", "--yes", "--reason", "x"), 'did you mean "ana"?'),
        (("offboard", "ana", "--yes", "--reason", "x"), "--now"),
        (("offboard", "ana", "--now", "--yes"), "--reason"),
        (("offboard", "ana", "--now", "--yes", "--reason", " "), "say why"),
        (("offboard", "ana", "--now", "--reason", "x"), "no terminal"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_done(
    settled: World, arguments: tuple[str, ...], words: str
) -> None:
    """Who, when, why, and somebody who agrees."""
    done = settled.run(*arguments)
    assert done.returncode == Exit.ERROR
    assert words in done.stderr
    assert "2,ana@acme.example,active" in settled.read("wiki.csv")


def test_programs_get_events(settled: World) -> None:
    """One JSON document a line, the last about git."""
    done = settled.run(*OFFBOARD, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "git"
    assert events[-1]["where"].endswith("/pull/1")
