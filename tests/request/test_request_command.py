"""Access is asked for by a pull request that changes the right lines, and nothing else anywhere."""

import json
from pathlib import Path

import pytest
from request_world import TOKEN, World, git
from support.fake_github import Token

from reconciler.cli.exits import Exit

ADMIN = ("ana", "figma/role:admin", "--reason", "Design-system migration (IT-412)")


def only_pull(world: World) -> dict[str, object]:
    """Return the one pull request that there is."""
    assert len(world.github.pulls) == 1
    return next(iter(world.github.pulls.values()))


def branch_of(world: World) -> str:
    """Return the branch of the one pull request."""
    pull = only_pull(world)
    assert isinstance(pull["head"], dict)
    return str(pull["head"]["ref"])


def test_a_request_is_a_pull_request_with_the_approvers_as_reviewers(world: World) -> None:
    """A branch from main with one commit; the work tree, the index and the local branches are as before."""
    world.write("grants.yaml", world.read("grants.yaml") + "# half done\n")
    before = (
        git(world.folder, "status", "--porcelain") + git(world.folder, "branch") + git(world.folder, "stash", "list")
    )
    done = world.run("request", *ADMIN, "--until", "2090-03-31")
    assert done.returncode == Exit.DONE, done.stderr
    assert "  + ana  figma/role:admin\n" in done.stdout
    assert "opened: https://github.example/acme/access/pull/1\n" in done.stdout
    pull = only_pull(world)
    assert pull["title"] == "Give ana figma/role:admin until 2090-03-31"
    assert "This is privileged access." in str(pull["body"])
    assert world.github.asked == {1: ["omarh", "leew"]}
    assert world.diff(branch_of(world)) == [
        "+",
        "+  - to: {people: [ana]}",
        "+    grants: {figma: [role:admin]}",
        "+    until: 2090-03-31",
        "+    reason: Design-system migration (IT-412)",
    ]
    after = (
        git(world.folder, "status", "--porcelain") + git(world.folder, "branch") + git(world.folder, "stash", "list")
    )
    assert after == before
    assert world.read("grants.yaml").endswith("# half done\n")


def test_the_same_request_is_found_and_not_made_twice(world: World) -> None:
    """Whatever reason is given the second time; another end is another request."""
    world.run("request", *ADMIN, "--until", "2090-03-31")
    again = world.run("request", "ana", "figma/role:admin", "--reason", "please", "--until", "2090-03-31", "--json")
    assert json.loads(again.stdout)["found"] is True
    assert len(world.github.pulls) == 1
    world.run("request", *ADMIN, "--until", "2090-04-30")
    assert len(world.github.pulls) == 2


def test_a_grant_with_the_same_end_and_reason_is_added_to(world: World) -> None:
    """So that one migration is one block."""
    done = world.run("request", "omar", "figma/role:admin", "--until", "2090-03-31", "--reason", "Design system")
    assert done.returncode == Exit.DONE, done.stderr
    assert world.diff(branch_of(world)) == [
        "-    grants: {figma: [role:editor]}",
        "+    grants: {figma: [role:editor, role:admin]}",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("anna", "figma/role:admin"), ("unknown identity 'anna'", 'did you mean "ana"?')),
        (("ana", "figmaa/role:admin"), ("unknown app 'figmaa'", 'did you mean "figma"?')),
        (("ana", "figma/role:admn"), ("unknown entitlement 'role:admn' of figma", 'did you mean "role:admin"?')),
        (("ana", "figma"), ("names no entitlement", "figma/role:admin")),
        (("sam", "figma/role:admin"), ("sam has left", "last_day")),
        (("ana", "figma/role:admin", "--until", "soon"), ("--until is a date", "2026-03-31")),
        (("ana", "figma/role:admin", "--until", "2020-01-01"), ("would still not have", "end before now")),
        (("ana", "wiki/team:eng"), ("ana has wiki/team:eng already, by role engineer (roles.yaml:3)",)),
        (("ana", "figma/role:viewer", "--extend", "--until", "2080-01-01"), ("ends at 2090-01-31", "no extension")),
        (("ana", "wiki/team:eng", "--extend", "--until", "2095-01-01"), ("cannot be extended",)),
        (("ana", "figma/role:admin", "--level", "\x1b[31m"), ("a control character",)),
        (("ana", "figma/role:admin", "--until", "2090-01-01\nto: everyone"), ("--until is a date",)),
        (("ana", "figma/role:admin", "--revoke"), ("nothing gives figma/role:admin to ana", "explain")),
        (
            ("ana", "wiki/team:eng", "--revoke"),
            ("comes to ana from role engineer (roles.yaml:3)", "--except", "wiki/space:web"),
        ),
    ],
)
def test_what_cannot_be_asked_is_an_error_that_helps(
    world: World, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Nothing is pushed and nothing is opened."""
    done = world.run("request", *arguments, "--reason", "x")
    assert (done.returncode, done.stdout) == (Exit.ERROR, "")
    for word in words:
        assert word in done.stderr
    assert git(world.remote, "branch").split() == ["*", "main"]
    assert world.github.pulls == {}


def test_an_end_is_moved_in_its_own_line(world: World) -> None:
    """Where the grant is for nothing and nobody else."""
    done = world.run("request", "omar", "figma/role:editor", "--extend", "--until", "2091-12-31", "--reason", "longer")
    assert done.returncode == Exit.DONE, done.stderr
    assert world.diff(branch_of(world)) == ["-    until: 2090-03-31", "+    until: 2091-12-31"]


def test_one_of_several_is_extended_alone(world: World) -> None:
    """The grant of both stays as it is, and ends when it ends."""
    world.run("request", "ana", "figma/role:viewer", "--extend", "--until", "2091-12-31", "--reason", "longer")
    added = world.diff(branch_of(world))
    assert "+  - to: {people: [ana]}" in added
    assert "+    grants: {figma: [role:viewer]}" in added
    assert not [line for line in added if line.startswith("-")]


def test_one_entitlement_is_taken_from_one_of_two(world: World) -> None:
    """The rest of what both had stays with both."""
    done = world.run("request", "ana", "figma/role:viewer", "--revoke", "--reason", "not needed")
    assert done.returncode == Exit.DONE, done.stderr
    assert "  - ana  figma/role:viewer\n" in done.stdout
    assert "wiki" not in done.stdout
    assert world.diff(branch_of(world)) == [
        "-      people: [ana, omar]",
        "+      people: [omar]",
        "+",
        "+  - to: {people: [ana]}",
        "+    grants: {wiki: [space:finance]}",
        "+    until: 2090-01-31",
        "+    reason: Audit",
    ]


def test_the_last_entitlement_takes_its_grant_along(world: World) -> None:
    """With the comment behind it, and the blank line below."""
    world.run("request", "omar", "figma/role:editor", "--revoke", "--reason", "not needed")
    text = world.show(branch_of(world), "grants.yaml")
    assert text.startswith("# Single grants.\ngrants:\n  # Two of them at once.\n  - to:\n")


def test_what_a_role_gives_is_kept_away_by_an_exception(world: World) -> None:
    """And everything else that goes with it is told."""
    done = world.run("request", "ana", "wiki/team:eng", "--except", "--reason", "moves to sales")
    assert done.returncode == Exit.DONE, done.stderr
    assert "  - ana  wiki/space:web at write\n  - ana  wiki/team:eng\n" in done.stdout
    assert world.diff(branch_of(world)) == [
        "-    to: {groups: [engineering]}",
        "+    to: {groups: [engineering], except: [ana]}",
    ]


def test_expired_grants_leave_the_yaml_and_one_pull_request_is_kept_up_to_date(world: World) -> None:
    """The next run finds it open, and gives it what has expired since."""
    assert world.run("request", "--expired").stdout == "nothing has expired\n"
    world.replace("grants.yaml", "until: 2090-03-31", "until: 2020-03-31")
    world.commit("Over")
    done = world.run("request", "--expired")
    assert done.returncode == Exit.DONE, done.stderr
    assert "nobody gains or loses anything" in done.stdout
    first = world.head_of(branch_of(world))
    assert "role:editor" not in world.show(branch_of(world), "grants.yaml")
    assert "open already" in world.run("request", "--expired").stdout
    assert world.head_of(branch_of(world)) == first
    world.replace("grants.yaml", "until: 2090-01-31", "until: 2020-01-31")
    world.commit("Over, too")
    assert "open already" in world.run("request", "--expired").stdout
    assert world.show(branch_of(world), "grants.yaml") == "# Single grants.\ngrants: []\n"
    assert len(world.github.pulls) == 1


def test_local_changes_the_files_and_nothing_else(world: World) -> None:
    """No git, no forge; --dry-run not even the files."""
    before = world.read("grants.yaml")
    dry = world.run("request", *ADMIN, "--local", "--dry-run")
    assert "+  - to: {people: [ana]}" in dry.stdout
    assert world.read("grants.yaml") == before
    done = world.run("request", *ADMIN, "--local")
    assert "changed: grants.yaml" in done.stdout
    assert world.read("grants.yaml").startswith(before)
    assert git(world.remote, "branch").split() == ["*", "main"]
    assert world.run("validate").returncode == Exit.DONE


def test_hostile_words_stay_words(world: World) -> None:
    """In YAML, in the branch's name, in the commit, and in Markdown; none is run by a shell."""
    reason = '$(touch pwned) `x` | @lee\nuntil: 2099-01-01\n  - to: everyone\n<img src=x> "quoted" \x1b[31m'.replace(
        "\x1b", ""
    )
    done = world.run("request", "ana", "wiki/-x:;$(touch pwned)", "--new", "--reason", reason)
    assert done.returncode == Exit.ERROR
    done = world.run(
        "request", "ana", "wiki/team:;$(touch pwned) `a` [x](http://evil.example)", "--new", "--reason", reason
    )
    assert done.returncode == Exit.DONE, done.stderr
    branch = branch_of(world)
    assert branch.startswith("request/give-ana-wiki-team-touch-pwned-a-x-http-evil-example-")
    body = str(only_pull(world)["body"])
    assert "@lee" not in body
    assert "<img" not in body
    assert "](http" not in body.replace("`", "")
    assert not list(world.folder.glob("pwned"))
    git(world.folder, "fetch", "--quiet", "origin", branch)
    git(world.folder, "checkout", "--quiet", "FETCH_HEAD")
    assert world.run("who", "wiki/team:;$(touch pwned) `a` [x](http://evil.example)").stdout.count("ana") >= 1
    assert "until: 2099" in world.read("grants.yaml")
    assert "everyone" not in world.run("explain", "omar").stdout


def test_a_forge_that_refuses_is_told_and_a_second_try_finishes(world: World) -> None:
    """A token that may not open pull requests: the branch is there, and the permission that is missing is named."""
    token = world.github.tokens[TOKEN]
    rights = {**token.rights, "pull_requests": "read"}
    world.github.tokens[TOKEN] = Token(token.login, rights, user=True)
    done = world.run("request", *ADMIN)
    assert done.returncode == Exit.ERROR
    assert "is pushed, but its pull request is not as it should be" in done.stderr
    assert "pull_requests=write" in done.stderr
    assert TOKEN not in done.stderr
    world.github.tokens[TOKEN] = token
    assert "opened: " in world.run("request", *ADMIN).stdout


def test_nothing_is_pushed_without_a_forge_that_answers(world: World) -> None:
    """A token that is not known, and no forge at all."""
    world.github.tokens.clear()
    done = world.run("request", *ADMIN)
    assert done.returncode == Exit.ERROR
    assert "Bad credentials" in done.stderr
    nowhere = world.run("request", *ADMIN, GITHUB_REPOSITORY="")
    assert "nothing says which repository this is" in nowhere.stderr
    assert git(world.remote, "branch").split() == ["*", "main"]


def test_a_shallow_clone_is_enough(world: World, tmp_path: Path) -> None:
    """As continuous integration makes it: one commit, and main has gone on since."""
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{world.remote}", "shallow")
    world.replace("grants.yaml", "# Single grants.", "# Single grants, reviewed.")
    world.commit("Later")
    world.folder = tmp_path / "shallow"
    done = world.run("request", *ADMIN)
    assert done.returncode == Exit.DONE, done.stderr
    assert world.show(branch_of(world), "grants.yaml").startswith("# Single grants, reviewed.\n")
    assert git(world.folder, "rev-parse", "--is-shallow-repository").strip() == "true"


def test_a_company_in_a_folder_of_its_repository_is_found(world: World) -> None:
    """Paths in the commit are those from the top."""
    (world.folder / "access").mkdir()
    for name in ("reconciler.yaml", "people.yaml", "roles.yaml", "grants.yaml", "apps"):
        git(world.folder, "mv", name, f"access/{name}")
    world.commit("Move")
    done = world.run("request", *ADMIN, "--config", "access")
    assert done.returncode == Exit.DONE, done.stderr
    assert "role:admin" in world.show(branch_of(world), "access/grants.yaml")
