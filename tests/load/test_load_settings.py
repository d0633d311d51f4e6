"""`reconciler.yaml`, and finding it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Repository

from reconciler.errors import ConfigurationError, InputError
from reconciler.load.settings import find_root, load_settings, named_root
from reconciler.model.company import Settings

FULL = """\
organization: Acme
timezone: Europe/Berlin
paths: {apps: [it], policies: [guards.yaml]}
ignore: [docs]
state: {sqlite: {path: state.db}}
tickets: {via: directory, directory: todo}
secrets: {env: [ACME_*], files: []}
sops: true
audit: {anchor: heads.log}
forge: {github: {repository: acme/access, token: {env: ACME_FORGE}, url: "https://git.acme.example/api/v3"}}
"""


def test_every_key_arrives(repository: Repository) -> None:
    """All that the settings know."""
    assert load_settings(repository.write("reconciler.yaml", FULL).root) == Settings(
        repository.root,
        "Acme",
        "Europe/Berlin",
        ("it",),
        ("guards.yaml",),
        ("docs",),
        {"sqlite": {"path": "state.db"}},
        {"via": "directory", "directory": "todo"},
        ("ACME_*",),
        (),
        "sops",
        "heads.log",
        {
            "github": {
                "repository": "acme/access",
                "token": {"env": "ACME_FORGE"},
                "url": "https://git.acme.example/api/v3",
            }
        },
    )


def test_without_a_file_there_are_defaults(repository: Repository) -> None:
    """And with an empty one, and with the other ending."""
    assert load_settings(repository.root) == Settings(repository.root)
    assert load_settings(repository.write("reconciler.yml", "").root) == Settings(repository.root)


def test_secrets_that_are_not_mentioned_are_not_limited(repository: Repository) -> None:
    """Naming variables says nothing of files."""
    settings = load_settings(repository.write("reconciler.yaml", "secrets: {env: [A]}").root)
    assert (settings.secrets_env, settings.secrets_files) == (("A",), None)


MISTAKES = {
    "organisation: Acme": 'reconciler.yaml:1:1: error: reconciler.yaml has no key "organisation"\n'
    '    did you mean "organization"?',
    "people: {}": 'reconciler.yaml:1:1: error: reconciler.yaml has no key "people"\n'
    "    people stand in other files: people.yaml",
    "timezone: Europe/Berln": "reconciler.yaml:1:11: error: timezone is a time zone like Europe/Berlin, "
    'not "Europe/Berln"\n'
    '    did you mean "Europe/Berlin"?',
    "timezone: ../../etc/passwd": "reconciler.yaml:1:11: error: timezone is a time zone like Europe/Berlin, "
    'not "../../etc/passwd"',
    "paths: {apps: ../other}": "reconciler.yaml:1:15: error: apps leads out of the repository\n"
    "    name a file or a folder inside it",
    "paths: {app: x}": 'reconciler.yaml:1:9: error: paths has no key "app"\n    did you mean "apps"?',
    "sops: ./decrypt.sh": "reconciler.yaml:1:7: error: sops is true, false or the name of the sops program\n"
    "    write sops: true; the program is looked up in PATH, never by a path",
    "state: {sqlite: {}, postgresql: {}}": "reconciler.yaml:1:8: error: state is one back end with its options\n"
    "    write state: {sqlite: {path: state.db}}",
    "tickets: [a]": "reconciler.yaml:1:10: error: tickets is a mapping, not a list",
    "- a": "reconciler.yaml:1:1: error: reconciler.yaml is a mapping, not a list\n"
    "    it has: organization, timezone, paths, ignore, state, tickets, secrets, sops, audit, forge",
    "a: [": None,
    "a: 1\n---\nb: 2": None,
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place(repository: Repository, text: str) -> None:
    """An unknown key may be a safety option that was meant: it is an error."""
    repository.write("reconciler.yaml", text)
    with pytest.raises(InputError) as caught:
        load_settings(repository.root)
    told = [str(problem) for problem in caught.value.problems]
    assert MISTAKES[text] is None or told == [MISTAKES[text]]
    assert told[0].startswith("reconciler.yaml:")


def test_tickets_are_checked_by_their_provider(acme: Repository) -> None:
    """A slip is found when it is written, not when the first ticket is due."""
    acme.write("reconciler.yaml", "tickets: {via: directory, direktory: todo}\n")
    assert acme.problem().startswith("reconciler.yaml:1:27: error: ticket.direktory: unknown key")


def test_the_root_is_found_from_inside(tmp_path: Path) -> None:
    """The nearest `reconciler.yaml` above, else the top of the git repository, else a folder of YAML."""
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"there is no reconciler.yaml in .*, nor above it"):
        find_root(inside)
    (inside / "people.yaml").write_text("")
    assert find_root(inside) == inside
    (tmp_path / ".git").mkdir()
    assert find_root(inside) == tmp_path
    (tmp_path / "a" / "reconciler.yaml").write_text("")
    assert find_root(inside) == tmp_path / "a"


def test_a_folder_that_is_named_and_not_there_is_no_other_folder(tmp_path: Path) -> None:
    """Its parent may be a whole disk: nothing is read there, and the mistake is told."""
    (tmp_path / "reconciler.yaml").write_text("")
    (tmp_path / "people.yaml").write_text("")
    assert named_root(tmp_path / "reconciler.yaml") == named_root(tmp_path) == tmp_path
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        named_root(tmp_path / "acess")
    with pytest.raises(ConfigurationError, match=r"people.yaml is not called reconciler.yaml"):
        named_root(tmp_path / "people.yaml")


def test_a_folder_called_like_the_settings_is_told(repository: Repository) -> None:
    """It cannot be read, and is not taken for missing."""
    (repository.root / "reconciler.yaml").mkdir()
    with pytest.raises(ConfigurationError, match=r"reconciler.yaml cannot be read: this is no regular file"):
        load_settings(repository.root)
