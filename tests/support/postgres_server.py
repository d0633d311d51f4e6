"""A real PostgreSQL server for the tests: Debian's binaries, a folder of its own, a free loopback port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


def find_binaries() -> Path | None:
    """Return the folder of the newest installed server, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def running_postgres(binaries: Path) -> Iterator[str]:
    """Run a server and give the DSN of a superuser."""
    with serving_postgres(binaries) as server:
        yield server.dsn


@dataclass
class PostgresServer:
    """A server that can be killed and started again.

    Attributes:
        dsn: of a superuser, for the database `postgres`.
    """

    dsn: str
    binaries: Path
    folder: Path
    become: Callable[[], None] | None
    options: str

    @property
    def process(self) -> int:
        """The process to kill; 0 where none runs."""
        with suppress(FileNotFoundError, IndexError, ValueError):
            return int((self.folder / "data/postmaster.pid").read_text(encoding="utf-8").split()[0])
        return 0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._status() != 0:
            log = ["-l", self.folder / "log"]
            self.run("pg_ctl", "-D", self.folder / "data", *log, "-w", "-o", self.options, "start")

    def _status(self) -> int:
        command: list[str | Path] = [self.binaries / "pg_ctl", "-D", self.folder / "data", "status"]
        return subprocess.run(command, check=False, preexec_fn=self.become, cwd="/", capture_output=True).returncode

    def kill(self) -> None:
        """End it at once, as a crash would (immediate shutdown): nothing is flushed, every connection breaks."""
        if process := self.process:
            os.kill(process, signal.SIGQUIT)

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of its programs as the user that it runs as."""
        command = [self.binaries / program, *arguments]
        subprocess.run(command, check=True, preexec_fn=self.become, cwd="/", capture_output=True)


@contextmanager
def serving_postgres(binaries: Path) -> Iterator[PostgresServer]:
    """Run a server, as `postgres` where we are root (it refuses to run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
    become = _become("postgres", folder) if os.geteuid() == 0 else None
    port = _free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=40"
    dsn = f"host=127.0.0.1 port={port} user=tester dbname=postgres"
    server = PostgresServer(dsn, binaries, folder, become, options)
    data = folder / "data"
    try:
        server.run("initdb", "-D", data, "-U", "tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        server.start()
        yield server
    finally:
        subprocess.run(
            [binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
            check=False,
            preexec_fn=become,
            cwd="/",
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)


def _become(user: str, folder: Path) -> Callable[[], None]:
    entry = pwd.getpwnam(user)
    os.chown(folder, entry.pw_uid, entry.pw_gid)

    def change() -> None:
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    return change


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
