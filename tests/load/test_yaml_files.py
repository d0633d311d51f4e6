"""Which files are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import MOMENT, Repository
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.load.company import load_company
from reconciler.load.files import find_files, is_ours, matches_any

NOISE = "nav: [this, is, not, ours]\n"


def test_hidden_folders_packages_and_other_files_are_left_out(acme: Repository) -> None:
    """What tools keep beside the YAML is nobody's access."""
    for path in (".github/workflows/ci.yaml", ".hidden.yaml", "node_modules/x/a.yaml", "notes.txt", "a.yaml.bak"):
        acme.write(path, NOISE)
    assert set(acme.company().people) == {"ana", "omar"}


def test_tickets_are_left_out(acme: Repository) -> None:
    """Where they are by default, and where the settings put them; only at the root."""
    acme.write("tickets/1.yaml", NOISE)
    acme.company()
    acme.write("reconciler.yaml", "tickets: {via: directory, directory: it/todo}\n").write("it/todo/1.yaml", NOISE)
    assert [line.partition(":")[0] for line in acme.problems()] == ["tickets/1.yaml"]
    (acme.root / "tickets" / "1.yaml").unlink()
    acme.company()
    acme.write("hr/tickets/1.yaml", NOISE)
    assert acme.problem().startswith("hr/tickets/1.yaml")


def test_what_is_ignored_is_left_out(acme: Repository) -> None:
    """By name anywhere, by path, by folder, by pattern."""
    acme.write("reconciler.yaml", "ignore: [mkdocs.yaml, /docs, 'deploy/**/values*.yml', build/]\n")
    for path in ("mkdocs.yaml", "a/mkdocs.yaml", "docs/x/y.yaml", "deploy/a/b/values-1.yml", "a/build/c.yaml"):
        acme.write(path, NOISE)
    acme.company()
    acme.write("a/docs/x.yaml", NOISE)
    assert acme.problem().startswith("a/docs/x.yaml")


@pytest.mark.parametrize(
    ("path", "pattern", "matches"),
    [
        ("a/b.yaml", "b.yaml", True),
        ("a/b.yaml", "/b.yaml", False),
        ("a/b.yaml", "a", True),
        ("ab/c.yaml", "a", False),
        ("a/b/c.yaml", "a/*", True),
        ("x/a/c.yaml", "a/*", False),
        ("x/a/c.yaml", "**/a/*", True),
        ("a/c.yaml", "**/a/*", True),
        ("a.yaml", "?.yaml", True),
        ("ab.yaml", "?.yaml", False),
        ("a+b.yaml", "a+b.yaml", True),
        ("aab.yaml", "a+b.yaml", False),
    ],
)
def test_patterns_match_as_in_gitignore(path: str, pattern: str, matches: bool) -> None:
    """Names anywhere, paths from the root, folders with all that is in them."""
    assert matches_any(path, [pattern]) is matches


@given(st.lists(st.sampled_from(["a", ".b", "c.yaml", "node_modules", "d.yml", "e.txt"]), min_size=1, max_size=4))
def test_a_path_in_git_is_ours_if_it_would_be_found(parts: list[str]) -> None:
    """The files of a revision are chosen as those of a folder are."""
    import tempfile  # noqa: PLC0415 - hypothesis and tmp_path do not mix

    path = "/".join(parts)
    with tempfile.TemporaryDirectory() as name:
        target = Path(name, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
        assert (path in find_files(Path(name)).paths) is is_ours(path)


def test_apps_and_policies_stand_where_the_settings_say(acme: Repository) -> None:
    """A folder of the settings' choice takes the place of the default."""
    acme.write("reconciler.yaml", "paths: {apps: [it/apps/, apps.yaml], policies: ./security/guards.yaml}\n")
    acme.write("it/apps/jira.yaml", "apps: {jira: {owner: ana}}")
    acme.write("security/guards.yaml", "policies: {limits: {leavers: 1}}")
    company = acme.company()
    assert set(company.apps) == {"github", "slack", "jira"}
    assert company.policies.limits.leavers.count == 1
    acme.write("policies.yaml", "policies: {protected: {people: [ana]}}")
    acme.write("it/appsx/x.yaml", "apps: {x: {owner: ana}}")
    first, second = acme.problems()
    assert "it/appsx/x.yaml:1:1: error: apps may not be written in this file" in first
    assert "change paths.policies in reconciler.yaml" in second


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(ConfigurationError, match="is no folder"):
        load_company(tmp_path / "nowhere", moment=MOMENT)
