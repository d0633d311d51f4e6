"""A real PostgreSQL server for the tests: Debian's binaries, a folder of its own, a free loopback port."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def find_binaries() -> Path | None:
    """Return the folder of the newest installed server, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def running_postgres(binaries: Path) -> Iterator[str]:
    """Run a server, as `postgres` where we are root (it refuses to run as root), and give the DSN of a superuser."""
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
    become = _become("postgres", folder) if os.geteuid() == 0 else None
    port = _free_port()

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, preexec_fn=become, cwd="/", capture_output=True)

    data = folder / "data"
    run(binaries / "initdb", "-D", data, "-U", "tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=40"
    log = folder / "log"
    try:
        run(binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        yield f"host=127.0.0.1 port={port} user=tester dbname=postgres"
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
