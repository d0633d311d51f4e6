"""Where the company of the campaign keeps its state: each back end, copied with the company and put back with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.postgres_server import PostgresServer, find_binaries, serving_postgres
from support.state_back_ends import make_clone

from reconciler.model.company import Settings
from reconciler.state.contract import StateStore
from reconciler.state.open import open_state


class Memory:
    """SQLite: a file in the company's folder, which is copied with it."""

    name = "sqlite"

    def begin(self, folder: Path) -> None:
        """Prepare a new company's folder."""

    def copy(self, old: Path, new: Path) -> None:
        """Give a company whose folder was copied its own copy of the state."""

    def drop(self, folder: Path) -> None:
        """Remove what a company keeps outside of its folder."""

    def heal(self, folder: Path) -> None:
        """End whatever was wrong with it: start again what was killed, bring back what is gone."""

    def options(self, folder: Path) -> Mapping[str, Any]:
        """Return what `state` says in a company's reconciler.yaml; nothing for the default."""
        del folder
        return {}

    def open(self, folder: Path) -> StateStore:
        """Open a company's state for reading."""
        return open_state(Settings(folder, state=self.options(folder)), read_only=True)


class GitMemory(Memory):
    """A branch of a bare repository that lies beside the company, pushed to as if it were a forge's."""

    name = "git"

    def begin(self, folder: Path) -> None:
        """Make the company a clone."""
        folder.mkdir(parents=True, exist_ok=True)
        make_clone(folder)

    def copy(self, old: Path, new: Path) -> None:
        """Point the clone to its own remote."""
        config = new / ".git/config"
        config.write_text(config.read_text(encoding="utf-8").replace(f"{old}/", f"{new}/"), encoding="utf-8")

    def heal(self, folder: Path) -> None:
        """Bring the remote back, and let it take pushes."""
        (folder / ".remote.git/hooks/update").unlink(missing_ok=True)
        if (folder / ".remote.away").exists():
            (folder / ".remote.away").rename(folder / ".remote.git")

    def options(self, folder: Path) -> Mapping[str, Any]:
        """Take the branch by its default name."""
        del folder
        return {"git": {}}


class PostgresMemory(Memory):
    """A database for each company, on a server that can be killed."""

    name = "postgres"

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def begin(self, folder: Path) -> None:
        """Make an empty database."""
        self._run(f'CREATE DATABASE "{folder.name}"')

    def copy(self, old: Path, new: Path) -> None:
        """Let the server copy the database, and forget that it is a copy.

        Without a checkpoint, a crash would set the sequences of a copy back to what they were when it was made.
        """
        self._run(f'CREATE DATABASE "{new.name}" TEMPLATE "{old.name}"')
        self._run("CHECKPOINT")

    def drop(self, folder: Path) -> None:
        """Remove the database."""
        self._run(f'DROP DATABASE IF EXISTS "{folder.name}" WITH (FORCE)')

    def heal(self, folder: Path) -> None:
        """Start the server again."""
        del folder
        self.server.start()

    def options(self, folder: Path) -> Mapping[str, Any]:
        """Name the company's database."""
        return {"postgres": {"dsn": self.server.dsn.replace("dbname=postgres", f"dbname={folder.name}")}}

    def _run(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - only this back end needs it

        with psycopg.connect(self.server.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())


class MissingError(Exception):
    """A back end cannot run on this machine; the message names what is missing."""


@contextmanager
def _sqlite() -> Iterator[Memory]:
    yield Memory()


@contextmanager
def _git() -> Iterator[Memory]:
    yield GitMemory()


@contextmanager
def _postgres() -> Iterator[Memory]:
    binaries = find_binaries()
    if binaries is None:
        raise MissingError("PostgreSQL (Debian: postgresql)")
    with serving_postgres(binaries) as server:
        yield PostgresMemory(server)


MEMORIES: Mapping[str, Callable[[], Any]] = {"sqlite": _sqlite, "git": _git, "postgres": _postgres}
