"""References to secrets: what may be written, what may be read, and what is never shown."""

import json
import stat
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError
from support.surroundings import surroundings

from reconciler.errors import SecretError
from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret


class Plain(BaseModel):
    """A model as a third party would write it, without any care."""

    token: Secret
    spare: Secret | None = None


class Careful(ProviderConfig):
    """A model on our base."""

    token: Secret
    url: str


@pytest.mark.parametrize(
    "written", [{"env": "TOKEN"}, {"file": "secrets/token"}, {"sops": "secrets.yaml", "key": "slack.token"}]
)
def test_each_form_of_reference_is_accepted_and_shown_as_written(written: dict[str, str]) -> None:
    """A model that was read writes back the reference; repr and str show it too."""
    model = Plain.model_validate({"token": written})
    assert model.model_dump() == {"token": written, "spare": None}
    assert json.loads(model.model_dump_json())["token"] == written
    assert all(value in repr(model) for value in written.values())
    assert Plain.model_validate(model.model_dump()) == model
    jsonschema.validate({"token": written}, Plain.model_json_schema())


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("canary-value", "a secret is written as a reference, never as itself"),
        (["canary-value"], "a secret is written as a reference, never as itself"),
        (12345678, "a secret is written as a reference, never as itself"),
        ({"value": "canary-value"}, "a secret's reference is one of"),
        ({"env": "TOKEN", "file": "canary-value"}, "a secret's reference is one of"),
        ({"sops": "canary-value"}, "a secret's reference is one of"),
        ({"env": "canary-value"}, "only letters, digits and underscores"),
        ({"env": ["canary-value"]}, "is text that is not empty"),
        ({"file": ""}, "is text that is not empty"),
        ({"file": "canary\nvalue"}, "no control characters"),
    ],
)
def test_whatever_is_no_reference_is_refused_and_never_echoed(written: object, words: str) -> None:
    """A secret that somebody wrote into YAML ends up in no error, even of a model that takes no care."""
    with pytest.raises(ValidationError, match=words) as caught:
        Plain.model_validate({"token": written})
    shown = f"{caught.value} {caught.value!r} {caught.value.errors()} {caught.value.json()}"
    assert "canary" not in shown
    assert "12345678" not in shown
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"token": written}, Plain.model_json_schema())


def test_our_base_hides_a_secret_that_is_next_to_a_fault() -> None:
    """Pydantic shows the whole map where one key is missing: not with our base."""
    with pytest.raises(ValidationError) as caught:
        Careful.model_validate({"token": "canary-value"})
    assert "canary" not in str(caught.value)


def test_a_variable_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, and anew each time; one line break at the end is not part of it."""
    secret = Secret("env", "TOKEN")
    with pytest.raises(SecretError, match=r"the secret \{env: TOKEN\} is not set"):
        secret.reveal(surroundings())
    for value, read in (("one", "one"), ("two\n", "two"), ("three\r\n", "three"), (" four ", " four ")):
        monkeypatch.setenv("TOKEN", value)
        assert secret.reveal(surroundings()) == read
    monkeypatch.setenv("TOKEN", "\n")
    with pytest.raises(SecretError, match="is empty"):
        secret.reveal(surroundings())


def test_only_variables_that_are_named_may_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull request cannot send the cloud's key to an app: the list of names is not in its hands."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("ACME_TOKEN", "good")
    around = surroundings(secrets_env=("SLACK_TOKEN", "ACME_*"))
    assert Secret("env", "ACME_TOKEN").reveal(around) == "good"
    with pytest.raises(SecretError, match="names a variable that may not be read"):
        Secret("env", "AWS_SECRET_ACCESS_KEY").reveal(around)
    with pytest.raises(SecretError):
        Secret("env", "ACME_TOKEN").reveal(surroundings(secrets_env=()))


def test_a_file_inside_the_tree_is_read_and_one_outside_is_not(tmp_path: Path) -> None:
    """By default the tree is the bound: neither `..`, nor an absolute path, nor a link leads out of it."""
    root = tmp_path / "company"
    (root / "secrets").mkdir(parents=True)
    (root / "secrets" / "token").write_text("inside\n")
    outside = tmp_path / "outside"
    outside.write_text("canary")
    (root / "link").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    around = surroundings(root)
    assert Secret("file", "secrets/token").reveal(around) == "inside"
    assert Secret("file", "secrets/../secrets/token").reveal(around) == "inside"
    for path in ("../outside", str(outside), "link", "folder/outside", "secrets/../../outside", "/etc/hostname"):
        with pytest.raises(SecretError, match="names a file that may not be read") as caught:
            Secret("file", path).reveal(around)
        assert "canary" not in str(caught.value)


def test_globs_bound_files_and_may_open_the_outside(tmp_path: Path) -> None:
    """A glob allows what it matches and nothing else; `**` crosses folders and `*` does not."""
    root, outside = tmp_path / "company", tmp_path / "mounted"
    for folder in (root / "secrets" / "deep", outside / "..data"):
        folder.mkdir(parents=True)
    for path in (root / "secrets" / "a.txt", root / "secrets" / "deep" / "b.txt", root / "c.txt"):
        path.write_text(path.stem)
    (outside / "..data" / "token").write_text("mounted")
    (outside / "token").symlink_to(outside / "..data" / "token")
    around = surroundings(root, secrets_files=("secrets/*.txt", f"{outside}/*"))
    assert Secret("file", "secrets/a.txt").reveal(around) == "a"
    assert Secret("file", f"{outside}/token").reveal(around) == "mounted"
    assert Secret("file", "../mounted/token").reveal(around) == "mounted"
    for path in ("secrets/deep/b.txt", "c.txt", f"{outside}/..data/token", "secrets/a.txt/../../c.txt"):
        with pytest.raises(SecretError, match="may not be read"):
            Secret("file", path).reveal(around)
    deep = surroundings(root, secrets_files=("secrets/**/*.txt",))
    assert [Secret("file", f"secrets/{name}.txt").reveal(deep) for name in ("a", "deep/b")] == ["a", "b"]


def test_a_link_in_the_tree_does_not_reach_what_no_glob_names(tmp_path: Path) -> None:
    """Whoever can add a link to the repository cannot name any file of the machine with it."""
    root = tmp_path / "company"
    (root / "secrets").mkdir(parents=True)
    (tmp_path / "key").write_text("canary")
    (root / "secrets" / "x").symlink_to(tmp_path / "key")
    with pytest.raises(SecretError, match="may not be read"):
        Secret("file", "secrets/x").reveal(surroundings(root, secrets_files=("secrets/*",)))


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b"\xff\xfe\x00", "is not UTF-8"), (b"x" * 70_000, "larger than 64 KiB")]
)
def test_a_file_that_can_be_no_secret_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """An empty, binary or huge file is an error that names the reference."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(SecretError, match=words):
        Secret("file", "token").reveal(surroundings(tmp_path))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The message names the reference and the system's reason."""
    with pytest.raises(SecretError, match=r"the secret \{file: token\} cannot be read: no such file"):
        Secret("file", "token").reveal(surroundings(tmp_path))
    (tmp_path / "folder").mkdir()
    with pytest.raises(SecretError, match="is a directory"):
        Secret("file", "folder").reveal(surroundings(tmp_path))


def sops(folder: Path, script: str) -> str:
    """Write a stand-in for the sops program: it is not part of Python, and the seam is its command line."""
    program = folder / "sops"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_a_sops_value_is_extracted_by_its_dotted_path(tmp_path: Path) -> None:
    """The program is called with the file and the path as sops writes it, and its output is the value."""
    (tmp_path / "secrets.yaml").write_text("encrypted")
    program = sops(tmp_path, 'printf "%s|%s|%s|%s" "$1" "$2" "$3" "$4"')
    value = Secret("sops", "secrets.yaml", "apps.0.to ken").reveal(surroundings(tmp_path, sops=program))
    assert value == f'--decrypt|--extract|["apps"][0]["to ken"]|{tmp_path}/secrets.yaml'


@pytest.mark.parametrize(
    ("script", "words"),
    [("echo canary; echo canary >&2; exit 128", "sops ended with exit code 128"), ("exit 0", "is empty")],
)
def test_what_sops_says_when_it_fails_is_not_repeated(tmp_path: Path, script: str, words: str) -> None:
    """Neither its output nor its errors: who is allowed to can run it."""
    (tmp_path / "secrets.yaml").write_text("encrypted")
    with pytest.raises(SecretError, match=words) as caught:
        Secret("sops", "secrets.yaml", "token").reveal(surroundings(tmp_path, sops=sops(tmp_path, script)))
    assert "canary" not in str(caught.value)


def test_sops_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may ask for a password that nobody types."""
    monkeypatch.setattr("reconciler.provider.secret._SOPS_SECONDS", 0.3)
    (tmp_path / "secrets.yaml").write_text("encrypted")
    with pytest.raises(SecretError, match=r"sops took more than 0\.3 s"):
        Secret("sops", "secrets.yaml", "token").reveal(surroundings(tmp_path, sops=sops(tmp_path, "exec sleep 20")))


def test_sops_without_the_program_or_the_right_to_the_file_is_an_error(tmp_path: Path) -> None:
    """A missing program says what to configure; the bounds of files hold for SOPS files too."""
    secret = Secret("sops", "secrets.yaml", "token")
    with pytest.raises(SecretError, match="needs the sops program"):
        secret.reveal(surroundings(tmp_path))
    with pytest.raises(SecretError, match="sops cannot be run: no such file"):
        secret.reveal(surroundings(tmp_path, sops=f"{tmp_path}/nowhere"))
    with pytest.raises(SecretError, match="may not be read"):
        Secret("sops", "/etc/hostname", "token").reveal(surroundings(tmp_path, sops="sops"))
