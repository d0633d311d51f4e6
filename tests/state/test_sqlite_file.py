"""The SQLite state as a file: private, durable, refused where it is damaged or newer, never touched by planning."""

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError, LockError, StateError
from reconciler.items import Names
from reconciler.model.company import Settings
from reconciler.state.contract import Adoption, AppliedAccount
from reconciler.state.open import open_state
from reconciler.state.schema import STEPS, migrate
from reconciler.state.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOME = Adoption({"ana": AppliedAccount("u1")}, grants=[("ana", "team:x", "write")])


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the state lies by default."""
    return tmp_path / ".reconciler" / "state.db"


def write(path: Path) -> None:
    """Make a state with something in it."""
    with SqliteStore(path) as store:
        store.adopt("chat", SOME)


def test_the_file_is_private_and_hidden_from_git(path: Path) -> None:
    """Mode 0600 in a folder of 0700 whose .gitignore names everything, whatever the umask and what was there before."""
    path.parent.mkdir(mode=0o755)
    old = os.umask(0)
    try:
        write(path)
    finally:
        os.umask(old)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert (path.parent / ".gitignore").read_text() == "*\n"
    path.chmod(0o644)
    write(path)
    assert mode(path) == 0o600


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    """A state beside other files hides nothing of theirs."""
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    write(folder / "state.db")
    assert mode(folder) == 0o755
    assert not (folder / ".gitignore").exists()


def test_planning_touches_nothing(path: Path) -> None:
    """Reading leaves every byte and every name of the folder as it was, and refuses to write."""
    write(path)
    before = contents(path.parent)
    with SqliteStore(path, read_only=True) as store:
        assert store.load("chat", Names()).accounts == SOME.accounts
        assert contents(path.parent) == before
        with pytest.raises(StateError, match="never writes"):
            store.adopt("chat", Adoption())
        with pytest.raises(StateError, match="never writes"):
            store.lock("ana", "plan", NOW)
    assert contents(path.parent) == before


def test_planning_without_a_state_makes_none(path: Path) -> None:
    """A missing file is an empty state."""
    with SqliteStore(path, read_only=True) as store:
        assert store.apps() == []
        assert store.unsettled() == []
        assert not store.load("chat", Names()).known
    assert not path.parent.exists()


def test_planning_sees_whole_transactions_after_a_writer_was_killed(path: Path) -> None:
    """A half-written file is rolled back in a copy; the next writer rolls back the file itself."""
    write(path)
    killed = textwrap.dedent("""
        import os, signal, sqlite3, sys
        database = sqlite3.connect(sys.argv[1], isolation_level=None)
        database.execute("PRAGMA cache_size = 5")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM accounts")
        database.executemany("INSERT INTO names (name) VALUES (?)", ((f"name {i}" * 50,) for i in range(2000)))
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    subprocess.run([sys.executable, "-c", killed, path], check=False)
    assert (path.parent / "state.db-journal").stat().st_size > 0
    before = contents(path.parent)
    with SqliteStore(path, read_only=True) as store:
        assert store.load("chat", Names()).accounts == SOME.accounts
    assert contents(path.parent) == before
    with SqliteStore(path) as store:
        assert store.load("chat", Names()).accounts == SOME.accounts


def test_a_newer_state_is_refused(path: Path) -> None:
    """An older tool neither reads nor writes it, and says that the tool is what is to be updated."""
    write(path)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    database.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StateError, match=f"format {len(STEPS) + 1}") as refused:
            SqliteStore(path, read_only=read_only)
        assert str(path) in refused.value.message
        assert "update the tool" in refused.value.hint
    assert path.read_bytes() == before


def test_an_older_state_is_brought_forward_without_losing_anything(path: Path) -> None:
    """A step of the future runs once, inside one transaction, and a failing one leaves the file as it was."""
    write(path)
    database = sqlite3.connect(path, isolation_level=None)
    broken = (*STEPS, "CREATE TABLE extra (a);\nINSERT INTO extra VALUES (1);\nSELECT nonsense;\n")
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, broken)
    assert database.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall()
    for _ in range(2):
        migrate(database, (*STEPS, "CREATE TABLE extra (a);\nINSERT INTO extra VALUES (1);\n"))
    assert database.execute("SELECT * FROM extra").fetchall() == [(1,)]
    assert database.execute("SELECT count(*) FROM accounts").fetchone() == (1,)
    database.close()


def test_the_history_of_an_older_state_is_still_told(path: Path) -> None:
    """It lies in its table until the next complete read folds it away with what that found."""
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path, isolation_level=None) as database:
        migrate(database, STEPS[:3])
        database.execute("INSERT INTO names VALUES (1, 'chat'), (2, 'ana'), (3, 'team:x'), (4, 'bob')")
        database.execute("INSERT INTO readings VALUES (1, 1, '2026-03-01T00:00:00+00:00')")
        database.execute("INSERT INTO held (app, holder, entitlement, level, first) VALUES (1, 2, 3, 0, 1)")
    database.close()
    first, later = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    for read_only in (True, False):
        with SqliteStore(path, read_only=read_only) as store:
            then = store.live_at("chat", first)
            assert then
            assert then.grants == (("ana", "team:x", None),)
    with SqliteStore(path) as store:
        store.remember("chat", later, [("bob", "team:x", None)])
        assert store._database.execute("SELECT count(*) FROM held").fetchone() == (0,)
        before, after = store.live_at("chat", first), store.live_at("chat", later)
    assert before
    assert after
    assert (before.following, before.sightings[0].gone) == (later, later)
    assert after.grants == (("bob", "team:x", None),)


def test_an_unborn_file_is_read_as_empty_and_not_born_by_it(path: Path) -> None:
    """An empty file of format 0 is migrated in memory only."""
    path.parent.mkdir()
    path.touch()
    with SqliteStore(path, read_only=True) as store:
        assert store.apps() == []
    assert path.read_bytes() == b""


def damage_header(path: Path) -> None:
    """Overwrite the first bytes."""
    path.write_bytes(b"no database at all" + path.read_bytes()[18:])


def damage_pages(path: Path) -> None:
    """Overwrite the inner pages."""
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    """Lose the second half."""
    os.truncate(path, path.stat().st_size // 2)


def read_everything(path: Path, *, read_only: bool) -> None:
    """Open the state and look at all of one app."""
    with SqliteStore(path, read_only=read_only) as store:
        store.load("chat", Names())
        store.apps()


@pytest.mark.parametrize("damage", [damage_header, damage_pages, cut_off])
def test_a_damaged_file_is_an_error_that_says_what_to_do(path: Path, damage: Callable[[Path], None]) -> None:
    """Both for planning and for applying, and never taken for an empty state."""
    write(path)
    damage(path)
    for read_only in (True, False):
        with pytest.raises(StateError, match=r"state\.db") as refused:
            read_everything(path, read_only=read_only)
        assert "backup" in refused.value.hint


def test_another_programs_database_is_not_ours(path: Path) -> None:
    """It is refused before anything is written into it."""
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (a)")
    database.close()
    with pytest.raises(StateError, match="not a state"):
        SqliteStore(path)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    database.close()


def test_a_name_that_is_missing_is_an_error(path: Path) -> None:
    """A grant that refers to nothing is damage, not a grant to nobody."""
    write(path)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM names WHERE name = 'ana'")
    database.close()
    with SqliteStore(path) as store, pytest.raises(StateError, match="missing"):
        store.load("chat", Names())


def test_a_folder_in_place_of_the_file_is_an_error(path: Path) -> None:
    """The message names the path."""
    path.mkdir(parents=True)
    for read_only in (True, False):
        with pytest.raises(StateError, match=r"state\.db"):
            SqliteStore(path, read_only=read_only)


def test_a_holder_that_was_killed_does_not_block_the_next_apply(path: Path) -> None:
    """The lock of a process that is gone is taken over; that of one that runs is not."""
    holding = textwrap.dedent(f"""
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from reconciler.state.sqlite import SqliteStore
        store = SqliteStore(Path({str(path)!r}))
        store.lock("ana@laptop", "apply", datetime(2026, 3, 1, tzinfo=UTC))
        print("locked", flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        with SqliteStore(path) as store:
            with pytest.raises(LockError, match="ana@laptop"):
                store.lock("bob@ci", "apply", NOW)
            process.kill()
            process.wait()
            store.lock("bob@ci", "apply", NOW)
            holder = store.holder()
            assert holder
            assert holder.owner == "bob@ci"
    assert sorted(entry.name for entry in path.parent.glob("*lock*")) == []


def test_settings_choose_the_path(tmp_path: Path) -> None:
    """Relative to the root; an unknown back end or option is an error that says what to write."""
    with open_state(Settings(tmp_path)) as store:
        assert store.name == "sqlite"
    assert (tmp_path / ".reconciler" / "state.db").exists()
    with open_state(Settings(tmp_path, state={"sqlite": {"path": "elsewhere/s.db"}}), read_only=True) as store:
        assert store.apps() == []
    assert not (tmp_path / "elsewhere").exists()
    for state in ({"mongo": {}}, {"sqlite": {"pth": "x"}}, {"sqlite": {"path": 3}}):
        with pytest.raises(ConfigurationError, match="state"):
            open_state(Settings(tmp_path, state=state))


def test_a_million_grants_would_cost_less_than_forty_bytes_each(path: Path) -> None:
    """Measured on twenty thousand, where the fixed part of the file weighs more."""
    grants = [
        (f"person-{i:05d}", f"team:{(i + j * 7) % 500}", "write" if j % 2 else None)
        for i in range(400)
        for j in range(50)
    ]
    with SqliteStore(path) as store:
        store.adopt("chat", Adoption(grants=grants))
        assert len(store.load("chat", Names()).grants) == len(grants)
    assert path.stat().st_size / len(grants) <= 40
