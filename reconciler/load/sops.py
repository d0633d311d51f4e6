"""Files encrypted with SOPS (https://getsops.io) are decrypted by its program; what comes out stays in memory."""

import re
import shutil
import subprocess

from reconciler.load.faults import Faults, Point
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import Map, read_documents

_SECONDS = 60.0
_HINT = re.compile(rb"(?m)^\s*[\"']?sops[\"']?\s*:")
_PROOFS = frozenset({"mac", "version", "lastmodified"})
_MODES = {"--input-type": "yaml", "--output-type": "yaml"}


def is_encrypted(content: bytes) -> bool:
    """Say whether SOPS encrypted a file: its last section is called `sops` and holds SOPS's own data."""
    if b"sops" not in content or not _HINT.search(content):
        return False
    try:
        documents, _ = read_documents(content, Faults())
    except UnreadableError:
        return False
    return any(_has_proof(document) for document in documents)


def _has_proof(document: object) -> bool:
    if not isinstance(document, Map):
        return False
    about = next((value for key, _, value, _ in document.pairs() if key == "sops"), None)
    return isinstance(about, Map) and not _PROOFS.isdisjoint(key for key, _, _, _ in about.pairs())


def decrypt(content: bytes, program: str) -> bytes:
    """Return what a file says.

    Args:
        content: the encrypted file.
        program: the name of the `sops` program, looked up in PATH; empty where none is configured.

    Raises:
        UnreadableError: it cannot be decrypted; the message holds SOPS's words, which name keys and never values.
    """
    start = Point(0, 0)
    if not program:
        raise UnreadableError(
            start, "this file is encrypted with SOPS", "write sops: true in reconciler.yaml, and install sops"
        )
    found = shutil.which(program)
    if not found:
        raise UnreadableError(
            start, f"this file is encrypted, and {program} is not installed", "install it: https://getsops.io"
        )
    command = [found, "--decrypt", *(word for mode in _MODES.items() for word in mode), "/dev/stdin"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 - a program that the user configured, with fixed arguments
    except subprocess.TimeoutExpired:
        raise UnreadableError(
            start, f"{program} did not answer within {_SECONDS:.0f} s", "run it by hand to see why"
        ) from None
    except OSError as error:
        raise UnreadableError(start, f"{program} cannot be run: {error.strerror}", "install it again") from None
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())[:300]
        raise UnreadableError(
            start, f"{program} cannot decrypt this file: {words}", "is the key there that it was encrypted for?"
        )
    return done.stdout
