"""`reconciler.yaml`: where it is, and what it says."""

import re
from pathlib import Path
from typing import Any

from reconciler.errors import ConfigurationError, InputError
from reconciler.load.anchor import Anchor
from reconciler.load.dates import find_zone
from reconciler.load.faults import Faults, Mark
from reconciler.load.fields import Field, Fields
from reconciler.load.files import SETTINGS_NAMES, read_content
from reconciler.load.kinds import Reading, Schema, Text, Texts, name_node, read_plain
from reconciler.load.records import FileRecord
from reconciler.load.route import check_config
from reconciler.load.scalars import is_null, resolve_scalar
from reconciler.load.suggest import suggest
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import Map, Node, read_documents
from reconciler.model.company import Settings
from reconciler.problems import Problem, Severity
from reconciler.provider.secret import Secret

TICKET = "ticket"

_SOPS = re.compile(r"sops[\w.-]{0,60}")


class Zone(Text):
    """An IANA time zone."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return its name."""
        text = super().read(reading, node, mark, what)
        if text:
            try:
                find_zone(text)
            except ValueError as error:
                from zoneinfo import available_timezones  # noqa: PLC0415 - reads a folder, only when something is wrong

                hint = suggest(text, sorted(available_timezones()))
                reading.faults.error(mark, f"{what} is {error}, not {reading.faults.show(text)}", hint)
                return ""
        return text


class Paths(Texts):
    """Files or folders under the root."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> list[str]:
        """Return them without slashes at the ends."""
        found = [text.strip("/").removeprefix("./") for text in super().read(reading, node, mark, what)]
        for path in found:
            if not path or ".." in path.split("/"):
                reading.faults.error(mark, f"{what} leads out of the repository", "name a file or a folder inside it")
        return found


class Allowed(Texts):
    """A list of what is allowed; without it, anything is."""

    empty = None  # type: ignore[assignment] # an empty list allows nothing, a missing one anything


class Options:
    """A mapping of anything; whoever uses it knows more."""

    empty: dict[str, Any] = {}  # noqa: RUF012 - never changed
    schema: Schema = {"type": ["object", "null"]}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, Any]:
        """Return it as plain data."""
        if isinstance(node, Map):
            found: dict[str, Any] = read_plain(reading, node, mark, what)
            return found
        if not is_null(str(node)) or not isinstance(node, str):
            reading.faults.error(mark, f"{what} is a mapping, not {name_node(node)}")
        return {}


class StateOptions(Options):
    """One state back end with its options."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, Any]:
        """Return the back end's name with its options."""
        found = {
            name: {} if value is None else value for name, value in super().read(reading, node, mark, what).items()
        }
        if len(found) > 1 or not all(isinstance(value, dict) for value in found.values()):
            reading.faults.error(
                mark, f"{what} is one back end with its options", "write state: {sqlite: {path: state.db}}"
            )
            return {}
        return found


class Sops:
    """Whether the `sops` program decrypts files: true, or its name; never a path: no file of ours is run."""

    empty = ""
    schema: Schema = {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": f"^{_SOPS.pattern}$"}]}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the program's name, or nothing."""
        value = resolve_scalar(node) if isinstance(node, str) else node
        if value is None or isinstance(value, bool):
            return "sops" if value else ""
        if isinstance(value, str) and _SOPS.fullmatch(value):
            return value
        hint = "write sops: true; the program is looked up in PATH, never by a path"
        reading.faults.error(mark, f"{what} is true, false or the name of the sops program", hint)
        return ""


class Reference:
    """A reference to a secret, kept as it is written."""

    empty: dict[str, str] = {}  # noqa: RUF012 - never changed
    schema: Schema = {"type": "object"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, str]:
        """Return the reference; what stands there instead is never repeated in a message."""
        try:
            return Secret.parse(read_plain(reading, node, mark, what)).as_written()
        except ValueError as error:
            reading.faults.error(mark, f"{what}: {error}")
            return {}


class Nested:
    """A mapping with keys of its own."""

    empty: Any = None

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    @property
    def schema(self) -> Schema:
        """The schema of its keys."""
        return self._fields.schema

    def read(self, reading: Reading, node: Node, mark: Mark, _what: str) -> list[Any]:
        """Return the values in the order of the fields."""
        return self._fields.read(reading, node, mark, "")


_PATHS = Fields(
    "paths",
    Field("apps", Paths(), "The only files or folders that `apps` may be written in."),
    Field("policies", Paths(), "The only files or folders that `policies` may be written in."),
)

_SECRETS = Fields(
    "secrets",
    Field("env", Allowed(), "Names of the environment variables that references may name; * matches any part."),
    Field("files", Allowed(), "Patterns of the files that references may name."),
)

_AUDIT = Fields(
    "audit",
    Field("anchor", Anchor(), "A file or a git ref outside the state that the trail's head is added to at each apply."),
)

_GITHUB = Fields(
    "github",
    Field("repository", Text(), "OWNER/NAME; on a runner of GitHub Actions, its own variables say it."),
    Field("token", Reference(), "A reference to the token: {env: GITHUB_TOKEN} is the default."),
    Field("url", Text(), "The API of a GitHub Enterprise Server: https://github.acme.example/api/v3."),
    Field("login", Text(), "The login that the token writes as, where it cannot ask who it is."),
)

_FORGE = Fields("forge", Field("github", Nested(_GITHUB), "A repository on GitHub."))

SETTINGS = Fields(
    "reconciler.yaml",
    Field("organization", Text(), "A name for headlines."),
    Field("timezone", Zone(), "An IANA time zone: what a bare date means. UTC is the default."),
    Field("paths", Nested(_PATHS), "Where what is sensitive may be written."),
    Field("ignore", Texts(), "Patterns of YAML files and folders that are not ours, as in .gitignore."),
    Field("state", StateOptions(), "Where the state is kept: {sqlite: {path: .reconciler/state.db}}."),
    Field(
        "tickets", Options(), "How tickets are sent where a route does not say: {via: directory, directory: tickets}."
    ),
    Field("secrets", Nested(_SECRETS), "What references to secrets may name; without it, anything."),
    Field("sops", Sops(), "Whether files encrypted with SOPS are decrypted: true."),
    Field("audit", Nested(_AUDIT), "How the audit trail is kept from being changed unnoticed."),
    Field("forge", Nested(_FORGE), "Where pull requests live: {github: {repository: OWNER/NAME}}."),
    hints={
        "people": "people stand in other files: people.yaml",
        "apps": "apps stand in other files: apps.yaml",
        "policies": "policies stand in other files: policies.yaml",
        "time_zone": 'write "timezone"',
        "tz": 'write "timezone"',
    },
)


def find_root(start: Path) -> Path:
    """Return the folder that holds `reconciler.yaml`: `start` or the nearest one above it.

    Where there is none: the top of the git repository around `start`, else `start` if it holds YAML files.

    Raises:
        ConfigurationError: nothing of that.
    """
    start = start.resolve()
    above = (start, *start.parents)
    for folder in above:
        if any((folder / name).is_file() for name in SETTINGS_NAMES):
            return folder
    for folder in above:
        if (folder / ".git").exists():
            return folder
    if any(start.glob("*.y*ml")):
        return start
    raise ConfigurationError(
        f"there is no reconciler.yaml in {start}, nor above it",
        hint="run this inside your repository, or name it with --config",
    )


def named_root(config: Path) -> Path:
    """Return the folder that `--config` names: itself, or the folder of the `reconciler.yaml` that it is.

    Raises:
        ConfigurationError: there is no such folder or file, or the file is another one.
    """
    if config.is_dir():
        return config.resolve()
    if not config.is_file():
        raise ConfigurationError(f"{config}: no such file or folder", hint="name the folder that holds reconciler.yaml")
    if config.name not in SETTINGS_NAMES:
        raise ConfigurationError(f"{config} is not called reconciler.yaml", hint="name the folder that holds that file")
    return config.parent.resolve()


def load_settings(root: Path) -> Settings:
    """Return the settings of a repository; a missing `reconciler.yaml` means the defaults.

    Raises:
        InputError: it has errors; all of them.
        ConfigurationError: the folder does not exist, or the file cannot be read.
    """
    settings, problems, _ = read_settings(root)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InputError(problems)
    return settings


def read_settings(root: Path) -> tuple[Settings, list[Problem], dict[str, bytes]]:
    """Return the settings (with defaults for what is wrong), the problems, and the file's content by its path.

    Raises:
        ConfigurationError: the folder does not exist, or the file cannot be read.
    """
    if not root.is_dir():
        raise ConfigurationError(f"{root} is no folder", hint="name the folder that holds reconciler.yaml")
    path = next((name for name in SETTINGS_NAMES if (root / name).exists()), "")
    if not path:
        return Settings(root), [], {}
    try:
        content = read_content(str(root / path))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    settings, problems = parse_settings(content, root, path)
    return settings, problems, {path: content}


def parse_settings(content: bytes, root: Path, path: str = SETTINGS_NAMES[0]) -> tuple[Settings, list[Problem]]:
    """Return what a `reconciler.yaml` says, with defaults for what is wrong, and its problems."""
    faults = Faults()
    try:
        nodes, marks = read_documents(content, faults)
    except UnreadableError as error:
        faults.error(error.mark, error.message, error.hint)
        nodes, marks = [], []
    if len(nodes) > 1:
        faults.error(marks[1], "a second document", "reconciler.yaml has one")
    settings = Settings(root)
    if nodes:
        settings = _make(root, SETTINGS.read(Reading(faults), nodes[0], marks[0], ""))
    return settings, [fault.to_problem(path) for fault in faults.found]


def _make(root: Path, values: list[Any]) -> Settings:
    organization, timezone, paths, ignore, state, tickets, secrets, sops, audit, forge = values
    default = Settings(root)
    apps, policies = paths or ([], [])
    env, files = secrets or (None, None)
    return Settings(
        root,
        organization,
        timezone or default.timezone,
        tuple(apps) or default.apps_paths,
        tuple(policies) or default.policies_paths,
        tuple(ignore),
        state,
        tickets,
        None if env is None else tuple(env),
        None if files is None else tuple(files),
        sops,
        (audit or [""])[0],
        _forge(forge),
    )


def _forge(values: list[Any] | None) -> dict[str, dict[str, Any]]:
    """Return where pull requests live, without what is not said."""
    if not values or values[0] is None:
        return {}
    names = (field.name for field in _GITHUB.fields)
    return {"github": {name: value for name, value in zip(names, values[0], strict=True) if value}}


def check_tickets(content: bytes) -> FileRecord:
    """Let the provider of tickets say what is wrong with `tickets` in a `reconciler.yaml`; all else in it is ignored.

    The answer has the form of a file without entries, so that it is kept like one.
    """
    reading = Reading(Faults())
    try:
        nodes, _ = read_documents(content, Faults())
    except UnreadableError:
        nodes = []
    for node in nodes:
        pairs = node.pairs() if isinstance(node, Map) else iter(())
        for key, key_mark, value, _ in pairs:
            if key == "tickets" and isinstance(value, Map):
                check_config(reading, TICKET, value, key_mark)
    return FileRecord([], [], [], [], [], [], [], [], {}, reading.faults.found, reading.providers)
