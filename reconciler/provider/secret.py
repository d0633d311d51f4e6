"""A field that holds a reference to a secret, never the secret: `{env: …}`, `{file: …}` or `{sops: …, key: …}`.

The value is read when it is used (`Secret.reveal`), from where the organization's configuration allows it. Whatever is
shown of a `Secret` (repr, str, a dumped model, an error) is the reference.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reconciler.errors import SecretError
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import REVEALED, Redactor

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["Redactor", "Secret"]

Source = Literal["env", "file", "sops"]

_FORMS = "{env: NAME}, {file: PATH} or {sops: FILE, key: DOTTED.PATH}"
_PATTERNS = {"env": r"^[A-Za-z_][A-Za-z0-9_]*$"} | dict.fromkeys(
    ("file", "sops", "key"), r"^[^\n\u0000]*\S[^\n\u0000]*$"
)
_LARGEST = 64 * 1024
_SOPS_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret.

    Attributes:
        source: where the value is: `env`, `file` or `sops`.
        name: the variable's name, or the file's path as written (relative to the folder of `reconciler.yaml`).
        key: the dotted path inside a SOPS file; empty otherwise.
    """

    source: Source
    name: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __str__(self) -> str:
        key = f", key: {self.key}" if self.key else ""
        return f"{{{self.source}: {self.name}{key}}}"

    def reveal(self, surroundings: Surroundings) -> str:
        """Read the value, now.

        Args:
            surroundings: what may be read (`secrets_env`, `secrets_files`), the root of relative paths, and `sops`.

        Raises:
            SecretError: it may not be read, cannot be read, or is empty. Names the reference, never the value.
        """
        match self.source:
            case "env":
                value = _read_variable(self, surroundings)
            case "file":
                value = _read_file(self, surroundings)
            case "sops":
                value = _decrypt(self, surroundings)
        value = value.removesuffix("\n").removesuffix("\r")
        if not value:
            raise SecretError(f"the secret {self} is empty", hint="set it, or name another")
        REVEALED.add(value)
        return value

    def as_written(self) -> dict[str, str]:
        """Return the reference as it is written in YAML."""
        return {self.source: self.name} | ({"key": self.key} if self.key else {})

    @classmethod
    def parse(cls, written: object) -> "Secret":
        """Make a reference of what was written.

        Raises:
            ValueError: it is no reference; the message never echoes what was written.
        """
        if isinstance(written, Secret):
            return written
        if not isinstance(written, Mapping):
            raise ValueError(f"a secret is written as a reference, never as itself: {_FORMS}")  # noqa: TRY004 - pydantic turns ValueError into a fault
        keys = set(written)
        if keys not in ({"env"}, {"file"}, {"sops", "key"}):
            raise ValueError(f"a secret's reference is one of {_FORMS}")
        if not all(isinstance(part, str) and part.strip() for part in written.values()):
            raise ValueError("each part of a secret's reference is text that is not empty")
        return cls._check("env" if "env" in keys else "file" if "file" in keys else "sops", written)

    @classmethod
    def _check(cls, source: Source, written: Mapping[str, str]) -> "Secret":
        """Refuse names that no variable, file or key can have."""
        name = written[source]
        if source == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", name):
            raise ValueError("the name of an environment variable has only letters, digits and underscores")
        if source != "env" and ("\0" in name or "\n" in name):
            raise ValueError("a file's path holds no control characters")
        return cls(source, name, written.get("key", ""))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema  # noqa: PLC0415 - only a model's definition needs pydantic

        return core_schema.no_info_plain_validator_function(
            _validate,
            serialization=core_schema.plain_serializer_function_ser_schema(Secret.as_written),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        forms = (("env",), ("file",), ("sops", "key"))
        return {
            "title": "Secret",
            "description": f"A reference to a secret: {_FORMS}.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": {key: {"type": "string", "pattern": _PATTERNS[key]} for key in keys},
                    "required": list(keys),
                    "additionalProperties": False,
                }
                for keys in forms
            ],
        }


def _validate(written: object) -> Secret:
    """Validate for pydantic, whose own errors would carry the input: here it is replaced."""
    from pydantic_core import PydanticCustomError, ValidationError  # noqa: PLC0415 - see above

    try:
        return Secret.parse(written)
    except ValueError as error:
        fault = PydanticCustomError("secret_reference", "{reason}", {"reason": str(error)})
        raise ValidationError.from_exception_data(
            "Secret", [{"type": fault, "loc": (), "input": "(not shown)"}], hide_input=True
        ) from None


def _read_variable(secret: Secret, surroundings: Surroundings) -> str:
    """Read an environment variable that references may name."""
    allowed = surroundings.secrets_env
    if allowed is not None and not any(fnmatchcase(secret.name, pattern) for pattern in allowed):
        raise SecretError(
            f"the secret {secret} names a variable that may not be read",
            hint="add its name to `secrets.env` in reconciler.yaml",
        )
    value = os.environ.get(secret.name)
    if value is None:
        raise SecretError(f"the secret {secret} is not set", hint=f"set the environment variable {secret.name}")
    return value


def _read_file(secret: Secret, surroundings: Surroundings) -> str:
    """Read a file that references may name."""
    path = _allowed_path(secret, surroundings)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise SecretError(f"the secret {secret} cannot be read: {_reason(error)}") from None
    return _as_text(secret, content)


def _as_text(secret: Secret, content: bytes) -> str:
    """Return bytes as text, within bounds."""
    if len(content) > _LARGEST:
        raise SecretError(f"the secret {secret} is larger than {_LARGEST // 1024} KiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SecretError(f"the secret {secret} is not UTF-8 text") from None


def _allowed_path(secret: Secret, surroundings: Surroundings) -> Path:
    """Return the path that a reference names.

    Without globs, every file of the tree may be read; outside the tree, only what a glob names. A link inside the tree
    counts as what it points to: otherwise whoever can add a file could name any file of the machine.
    """
    root = surroundings.root.resolve()
    path = Path(os.path.normpath(root / secret.name))
    globs = surroundings.secrets_files
    inside = path.is_relative_to(root)
    allowed = _matches(path, root, globs) if globs is not None else inside
    if allowed and inside:
        real = path.resolve()
        allowed = real.is_relative_to(root) or _matches(real, root, globs or ())
    if not allowed:
        raise SecretError(
            f"the secret {secret} names a file that may not be read",
            hint="add it to `secrets.files` in reconciler.yaml (a glob, relative to that file or absolute)",
        )
    return path


def _matches(path: Path, root: Path, globs: Sequence[str]) -> bool:
    """Say whether a path matches one of the globs, which start at the root unless they are absolute."""
    text = path.as_posix()
    return any(re.fullmatch(_glob_pattern(os.path.normpath(root / glob)), text) for glob in globs)


def _glob_pattern(glob: str) -> str:
    """Return a glob as a regular expression: `**` crosses folders, `*` and `?` do not."""
    parts = re.split(r"(\*\*/?|\*|\?)", Path(glob).as_posix())
    meaning = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)


def _decrypt(secret: Secret, surroundings: Surroundings) -> str:
    """Decrypt one value of a SOPS file with the `sops` program. What it says on stderr is not repeated."""
    if not surroundings.sops:
        raise SecretError(
            f"the secret {secret} needs the sops program", hint="install it and name it as `sops` in reconciler.yaml"
        )
    path = _allowed_path(secret, surroundings)
    command = [surroundings.sops, "--decrypt", "--extract", _extraction(secret.key), str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - the program comes from the configuration, the arguments are no shell's
            command, capture_output=True, timeout=_SOPS_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise SecretError(f"the secret {secret} cannot be read: sops took more than {_SOPS_SECONDS:g} s") from None
    except OSError as error:
        raise SecretError(f"the secret {secret} cannot be read: sops cannot be run: {_reason(error)}") from None
    if done.returncode:
        raise SecretError(
            f"the secret {secret} cannot be read: sops ended with exit code {done.returncode}",
            hint=f"run `sops --decrypt {secret.name}` to see why",
        )
    return _as_text(secret, done.stdout)


def _extraction(key: str) -> str:
    """Return a dotted path as sops wants it: `["a"]["b"][0]`."""
    return "".join(f"[{part}]" if part.isdecimal() else f"[{json.dumps(part)}]" for part in key.split("."))


def _reason(error: OSError) -> str:
    """Return the system's words without the path, which the reference names already."""
    return (error.strerror or type(error).__name__).lower()
