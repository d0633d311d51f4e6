"""Files that SOPS encrypted."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Repository

from reconciler.load import sops as sops_module
from reconciler.load.sops import is_encrypted

PLAIN = """\
people:
  kim: {name: Kim Canary, email: kim@acme.example, titel: Canary}
"""

ENCRYPTED = """\
people:
    kim:
        name: ENC[AES256_GCM,data:qwer,iv:abcd,tag:efgh,type:str]
sops:
    mac: ENC[AES256_GCM,data:xxxx,iv:abcd,tag:efgh,type:str]
    version: 3.9.0
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a program called `sops` that says what a test wants; it is the first in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "sops"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return path


def say(program: Path, output: str, code: int = 0, errors: str = "") -> None:
    """Let the program check what it is given, then print a text and end with a code."""
    program.with_name("output").write_text(output)
    program.write_text(
        "#!/bin/sh\n"
        'test "$*" = "--decrypt --input-type yaml --output-type yaml /dev/stdin" || exit 9\n'
        "grep -q ENC /dev/stdin || exit 8\n"
        f"echo '{errors}' >&2\n"
        f'cat "$(dirname "$0")/output"\n'
        f"exit {code}\n"
    )
    program.chmod(0o755)


def test_an_encrypted_file_is_decrypted_by_the_program(acme: Repository, program: Path) -> None:
    """It is given the content, not the path, and its output is what the file says."""
    say(program, PLAIN.replace("titel", "title"))
    acme.write("reconciler.yaml", "sops: true\n").write("secret.yaml", ENCRYPTED)
    acme.cache = acme.root / ".cache"
    for _ in range(2):
        assert acme.company().people["kim"].title == "Canary"
    kept = b"".join(path.read_bytes() for path in acme.cache.iterdir())
    assert b"Canary" not in kept


def test_messages_show_no_value_of_an_encrypted_file(acme: Repository, program: Path) -> None:
    """Keys and places are no secret; what stands there is."""
    say(
        program,
        "people:\n  kim: {name: Kim, type: canary1, email: canary2, start: canary3, manager: canary4}\n"
        "groups:\n  g: {where: {name: canary5}, people: [canary6]}\n",
    )
    acme.write("reconciler.yaml", "sops: sops\n").write("secret.yaml", ENCRYPTED)
    told = acme.problems()
    assert told[0].startswith("secret.yaml:2:26: error: type is employee or contractor, not this value")
    assert "secret.yaml:4:40: error: no person is called what is written here" in "\n".join(told)
    assert "canary" not in "\n".join(told)


def test_without_the_program_an_encrypted_file_is_told(acme: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not configured, or not installed: each with what to do."""
    acme.write("secret.yaml", ENCRYPTED)
    assert acme.problem() == (
        "secret.yaml:1:1: error: this file is encrypted with SOPS\n"
        "    write sops: true in reconciler.yaml, and install sops"
    )
    monkeypatch.setenv("PATH", "/nowhere")
    acme.write("reconciler.yaml", "sops: true\n")
    assert acme.problem() == (
        "secret.yaml:1:1: error: this file is encrypted, and sops is not installed\n    install it: https://getsops.io"
    )


def test_a_file_that_cannot_be_decrypted_is_told(acme: Repository, program: Path) -> None:
    """With the program's own words, on one line."""
    say(program, "", 128, "Failed to get the data key\n  no matching identity")
    acme.write("reconciler.yaml", "sops: true\n").write("secret.yaml", ENCRYPTED)
    assert acme.problem() == (
        "secret.yaml:1:1: error: sops cannot decrypt this file: Failed to get the data key no matching identity\n"
        "    is the key there that it was encrypted for?"
    )


def test_a_program_that_cannot_run_or_does_not_end_is_told(
    acme: Repository, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, no hang."""
    acme.write("reconciler.yaml", "sops: true\n").write("secret.yaml", ENCRYPTED)
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    assert "sops cannot be run: Exec format error" in acme.problem()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(sops_module, "_SECONDS", 0.2)
    assert "sops did not answer within 0 s" in acme.problem()


@pytest.mark.parametrize(
    "text",
    [
        "people: {kim: {name: sops}}\n",
        "sops: true\n",
        "sops: {a: b}\n",
        "people: {kim: {name: Kim, attributes: {sops: {mac: x}}}}\n",
        "people:\n  sops:\n    mac: x\n",
        "sops: [\n",
    ],
)
def test_what_only_mentions_sops_is_not_encrypted(text: str) -> None:
    """Only SOPS's own data at the top is a sign of it."""
    assert not is_encrypted(text.encode())


def test_a_real_program_decrypts_what_it_encrypted(
    acme: Repository, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a PGP key made for the occasion."""
    if not shutil.which("sops") or not shutil.which("gpg"):
        pytest.skip("needs the programs sops and gpg")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    generate = [
        "gpg",
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "t@acme.example",
        "default",
        "default",
    ]
    subprocess.run(generate, check=True, capture_output=True)
    listed = subprocess.run(["gpg", "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    plain = tmp_path_factory.mktemp("plain") / "secret.yaml"
    plain.write_text("people:\n  kim:\n    name: Kim Canary\n    email: kim@acme.example\n")
    command = ["sops", "--encrypt", "--pgp", fingerprint, str(plain)]
    encrypted = subprocess.run(command, check=True, capture_output=True).stdout
    assert b"Canary" not in encrypted
    acme.write("reconciler.yaml", "sops: true\n").write("secret.yaml", encrypted)
    assert acme.company().people["kim"].name == "Kim Canary"
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=True, capture_output=True)
