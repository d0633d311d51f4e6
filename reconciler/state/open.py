"""Opens the state that `reconciler.yaml` names; a back end's module is imported only where it is used."""

# ruff: noqa: PLC0415 - only commands that need the state pay for it, and only for the back end that is named
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.errors import ConfigurationError
from reconciler.model.company import Settings
from reconciler.state.contract import StateStore

DEFAULT_PATH: Final = ".reconciler/state.db"


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of one back end, taken one by one."""

    back_end: str
    values: dict[str, Any]

    def text(self, name: str, default: str, pattern: str = r"[^\n\0]+") -> str:
        value = self.values.pop(name, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ConfigurationError(f"`state.{self.back_end}.{name}` is unusable", hint=f"write it like {default}")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"`state.{self.back_end}.{name}` is no number from 1", hint=f"such as {default}")
        return value

    def refuse_others(self, known: str) -> None:
        if self.values:
            wrong = ", ".join(sorted(self.values))
            raise ConfigurationError(
                f"`state.{self.back_end}` has an unknown option: {wrong}", hint=f"it takes {known}"
            )


def open_state(settings: Settings, *, read_only: bool = False) -> StateStore:
    """Open the state: SQLite at `.reconciler/state.db` unless the settings say otherwise.

    Args:
        settings: `state` names one back end and its options: `sqlite` takes `path`, relative to the root; `postgres`
            takes `dsn` (a reference to a secret, or a text without a password) and `schema`; `git` takes `branch`,
            `remote` and `commits` (how long its history may get).
        read_only: open it for planning: nothing is written, and a missing state is an empty one.

    Raises:
        ConfigurationError: the settings name an unknown back end or option.
        SecretError: the DSN's secret cannot be read.
        StateError: the state cannot be opened.
    """
    back_ends: Mapping[str, Any] = dict(settings.state) or {"sqlite": {}}
    if len(back_ends) != 1 or not back_ends.keys() <= _BACK_ENDS.keys():
        names = ", ".join(sorted(back_ends))
        raise ConfigurationError(
            f"`state` names {names}; the back ends of this version: {', '.join(_BACK_ENDS)}",
            hint="write `state: {sqlite: {path: .reconciler/state.db}}` in reconciler.yaml",
        )
    ((name, options),) = back_ends.items()
    return _BACK_ENDS[name](settings, _Options(name, dict(options or {})), read_only)


def _open_sqlite(settings: Settings, options: _Options, read_only: bool) -> StateStore:
    path = options.text("path", DEFAULT_PATH)
    options.refuse_others("`path`")
    from reconciler.state.sqlite import SqliteStore

    return SqliteStore(settings.root / path, read_only=read_only)


def _open_postgres(settings: Settings, options: _Options, read_only: bool) -> StateStore:
    dsn = _dsn(settings, options.values.pop("dsn", None), read_only=read_only)
    schema = options.text("schema", "reconciler", r"[a-z_][a-z0-9_]{0,62}")
    options.refuse_others("`dsn` and `schema`")
    from reconciler.state.postgres import PostgresStore

    return PostgresStore(dsn, schema=schema, read_only=read_only)


def _open_git(settings: Settings, options: _Options, read_only: bool) -> StateStore:
    branch = options.text("branch", "reconciler/state", r"(?!-)[\w./-]+(?<![./])")
    remote = options.text("remote", "origin", r"(?!-)[\w./-]+") if "remote" in options.values else ""
    commits = options.number("commits", 200)
    options.refuse_others("`branch`, `remote` and `commits`")
    from reconciler.state.git import GitStore

    return GitStore(settings.root, branch=branch, remote=remote, commits=commits, read_only=read_only)


def _dsn(settings: Settings, written: Any, *, read_only: bool) -> str:
    """Return the connection string, from a secret where it is one."""
    if isinstance(written, str) and written.strip():
        if re.search(r"password\s*=|://[^/@]*:[^/@]*@", written):
            raise ConfigurationError(
                "`state.postgres.dsn` holds a password", hint="write `dsn: {env: STATE_DSN}`, or leave it to PGPASSFILE"
            )
        return written
    from reconciler.provider.contract import Surroundings
    from reconciler.provider.secret import Secret

    try:
        secret = Secret.parse(written)
    except ValueError as error:
        raise ConfigurationError(
            f"`state.postgres.dsn` is unusable: {error}", hint="write `state: {postgres: {dsn: {env: STATE_DSN}}}`"
        ) from None
    surroundings = Surroundings(
        app="",
        root=settings.root,
        read_only=read_only,
        now=datetime.now(UTC),
        secrets_env=settings.secrets_env,
        secrets_files=settings.secrets_files,
        sops=settings.sops,
    )
    return secret.reveal(surroundings)


_BACK_ENDS: Final[Mapping[str, Callable[[Settings, _Options, bool], StateStore]]] = {
    "sqlite": _open_sqlite,
    "git": _open_git,
    "postgres": _open_postgres,
}
