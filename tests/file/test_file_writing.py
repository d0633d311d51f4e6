"""What is written into a file is the change and nothing else, all of it or nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from file.file_apps import ACCOUNTS, WIKI, change, entitlement, grant, open_file, perform, read, revoke

from providers.file import client
from reconciler.errors import ReadOnlyError
from reconciler.items import EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import BatchProvider, Provider
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

CONFIG: dict[str, Any] = {**WIKI, "writable": True, "level_separator": "="}
TEXT = (
    "seen,id,login,mail,state,spaces\r\n"
    'monday,1,"ana",ana@acme.example,Active,"a ; b=editor"\r\n'
    "\r\n"
    "tuesday,2,sam,sam@acme.example,Disabled,\r\n"
    '"a ""quoted"" note",3,kim,,Active,c'
)


def write(folder: Path, text: str = TEXT, name: str = "wiki.csv") -> None:
    """Write a file without touching its line endings."""
    (folder / name).write_bytes(text.encode())


def text_of(folder: Path, name: str = "wiki.csv") -> str:
    """Return a file without touching its line endings."""
    return (folder / name).read_bytes().decode()


def done(receipts: list[Receipt]) -> None:
    """Fail unless all changes were done."""
    assert [(r.outcome, r.detail) for r in receipts if r.outcome is not Outcome.DONE] == []


def test_the_provider_keeps_the_contract(tmp_path: Path) -> None:
    """It is a provider that performs batches."""
    provider = open_file(tmp_path, CONFIG)
    assert isinstance(provider, Provider)
    assert isinstance(provider, BatchProvider)


@pytest.mark.parametrize(
    ("one", "old", "new"),
    [
        (grant("ana", "space:d", "1"), '"a ; b=editor"', "a ; b=editor; d"),
        (grant("ana", "space:a", "1", "reader"), '"a ; b=editor"', "a=reader ; b=editor"),
        (grant("sam", "page:x", "2"), "Disabled,\r\n", "Disabled,page:x\r\n"),
        (grant("kim", "space:e", "3", "admin"), "Active,c", "Active,c; e=admin"),
        (revoke("ana", "space:a", "1"), '"a ; b=editor"', "b=editor"),
        (revoke("kim", "space:c", "3"), "Active,c", "Active,"),
        (change(Operation.SUSPEND_ACCOUNT, "ana", "1"), "example,Active,", "example,Disabled,"),
        (change(Operation.REACTIVATE_ACCOUNT, "sam", "2"), "Disabled", "Active"),
        (change(Operation.UPDATE_ACCOUNT, "ana", "1", after={"username": "a, b"}), '"ana"', '"a, b"'),
        (change(Operation.DELETE_ACCOUNT, "sam", "2"), "tuesday,2,sam,sam@acme.example,Disabled,\r\n", ""),
    ],
    ids=lambda value: value.operation if isinstance(value, Change) else None,
)  # fmt: skip
def test_only_the_cell_that_changes_is_written(tmp_path: Path, one: Change, old: str, new: str) -> None:
    """Other cells, rows, quotes, blank lines and line endings keep every byte."""
    write(tmp_path)
    done(perform(tmp_path, CONFIG, one))
    assert text_of(tmp_path) == TEXT.replace(old, new, 1)


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    """Each operation is harmless twice, and what is gone stays gone."""
    write(tmp_path)
    changes = [
        grant("ana", "space:d", "1"),
        revoke("ana", "space:a", "1"),
        change(Operation.SUSPEND_ACCOUNT, "ana", "1"),
        change(
            Operation.CREATE_ACCOUNT,
            "noa",
            after={"username": "noa", "email": "noa@acme.example", "external_id": "noa"},
        ),
        change(Operation.DELETE_ACCOUNT, "kim", "3"),
    ]
    done(perform(tmp_path, CONFIG, *changes))
    once = text_of(tmp_path)
    modified = (tmp_path / "wiki.csv").stat().st_mtime_ns
    receipts = perform(tmp_path, CONFIG, *changes)
    done(receipts)
    assert receipts[3].remote_id == "noa"
    assert (text_of(tmp_path), (tmp_path / "wiki.csv").stat().st_mtime_ns) == (once, modified)


def test_a_new_account_is_a_row_like_the_others(tmp_path: Path) -> None:
    """Its id is the identity's, its state is written as the file writes it, other columns stay empty."""
    write(tmp_path)
    config = {**CONFIG, "columns": {**ACCOUNTS, "attributes": {"name": "seen"}}}
    after = {"username": "noa", "email": "noa@acme.example", "external_id": "3", "person.name": "Noa Levi"}
    receipt = perform(tmp_path, config, change(Operation.CREATE_ACCOUNT, "3", after=after))[0]
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, "3-2")
    assert text_of(tmp_path) == TEXT + "\r\nNoa Levi,3-2,noa,noa@acme.example,Active,\r\n"
    assert read(tmp_path, config).accounts[-1].status is AccountStatus.ACTIVE


def test_an_account_of_somebody_else_is_never_adopted(tmp_path: Path) -> None:
    """A username that is taken by another address is no account of ours."""
    write(tmp_path)
    after = {"username": "ana", "email": "ana.other@acme.example", "external_id": "ana2"}
    receipt = perform(tmp_path, CONFIG, change(Operation.CREATE_ACCOUNT, "ana2", after=after))[0]
    assert (receipt.outcome, receipt.detail) == (Outcome.FAILED, "the username 'ana' belongs to the account '1'")
    assert text_of(tmp_path) == TEXT


def test_what_cannot_be_done_says_why_and_the_rest_is_done(tmp_path: Path) -> None:
    """One failing change in a batch does not stop the others."""
    write(tmp_path)
    changes = [
        grant("gone", "space:d", "99"),
        grant("kim", "space:x;y", "3"),
        change(Operation.UPDATE_ACCOUNT, "kim", "3", after={"title": "CEO"}),
        grant("team:a", "space:d"),
        grant("kim", "space:d", "3"),
    ]

    async def run() -> list[Receipt]:
        provider = open_file(tmp_path, CONFIG)
        await provider.read()
        return list(await provider.perform_batch(changes))

    receipts = asyncio.run(run())
    assert [receipt.detail.split(":")[0] for receipt in receipts[:4]] == [
        "wiki.csv has no account '99'",
        "space",
        "wiki.csv has no column for title",
        "wiki.csv holds grants of accounts only",
    ]
    assert [receipt.outcome for receipt in receipts] == [Outcome.FAILED] * 4 + [Outcome.DONE]
    assert text_of(tmp_path) == TEXT.replace("Active,c", "Active,c; d")


def test_a_file_that_somebody_changed_is_not_written(tmp_path: Path) -> None:
    """What was planned was planned for another file."""
    write(tmp_path)

    async def run() -> list[Receipt]:
        provider = open_file(tmp_path, CONFIG)
        await provider.read()
        first = await provider.perform(grant("ana", "space:d", "1"))
        write(tmp_path, TEXT.replace("sam@", "samuel@"))
        second = await provider.perform(grant("ana", "space:e", "1"))
        await provider.read()
        return [first, second, await provider.perform(grant("ana", "space:e", "1"))]

    first, second, third = asyncio.run(run())
    assert (first.outcome, third.outcome) == (Outcome.DONE, Outcome.DONE)
    assert (second.outcome, second.detail) == (
        Outcome.FAILED,
        "wiki.csv was changed by somebody else since it was read: plan again",
    )
    assert "samuel@" in text_of(tmp_path)
    assert "space" not in text_of(tmp_path).replace("spaces", "")


def test_nothing_is_written_while_planning(tmp_path: Path) -> None:
    """Not even by mistake."""
    write(tmp_path)
    with pytest.raises(ReadOnlyError, match=r"wiki: wiki\.csv may not be written while planning"):
        asyncio.run(open_file(tmp_path, CONFIG, read_only=True).perform(grant("ana", "space:d", "1")))
    assert text_of(tmp_path) == TEXT


def test_an_export_is_never_written(tmp_path: Path) -> None:
    """Without `writable`, each operation says why it cannot be done, and takes the next way."""
    write(tmp_path)
    provider = open_file(tmp_path, WIKI)
    for operation in (Operation.GRANT, Operation.REVOKE):
        ability = provider.capabilities.ability(operation, "space")
        assert not ability
        assert "writable: true" in ability.why
    receipt = asyncio.run(provider.perform(grant("ana", "space:d", "1")))
    assert receipt.outcome is Outcome.FAILED
    assert text_of(tmp_path) == TEXT


def test_capabilities_follow_the_columns() -> None:
    """What the file has no place for cannot be done in it."""
    bare = open_file(
        Path(), {"path": "x.csv", "writable": True, "columns": {"id": "mail", "email": "mail"}}
    ).capabilities
    assert not bare.stable_ids
    assert "no column for the status" in bare.ability(Operation.SUSPEND_ACCOUNT, "accounts").why
    assert "no place for grants" in bare.ability(Operation.GRANT, "team").why
    assert set(bare.reads) == {"accounts"}
    full = open_file(Path(), {**CONFIG, "entitlements": {"path": "e.csv"}}).capabilities
    assert full.ability(Operation.SET_LEVEL, "anything")
    assert full.ability(Operation.CREATE_ENTITLEMENT, "anything")
    assert set(full.reads) == {"accounts", "grants:*", "grants:space", "entitlements:*", "entitlements:space"}
    levelless = open_file(Path(), {**CONFIG, "level_separator": ""}).capabilities
    assert "no place for levels" in levelless.ability(Operation.SET_LEVEL, "space").why
    assert "only while somebody holds it" in levelless.ability(Operation.CREATE_ENTITLEMENT, "space").why


def test_one_row_a_grant_is_written_as_rows(tmp_path: Path) -> None:
    """A grant is a copy of the account's row; its last row stays, without one."""
    config: dict[str, Any] = {
        "path": "wiki.csv", "kind": "team", "writable": True,
        "columns": {"id": "id", "username": "login", "status": "state", "entitlement": "team", "level": "level"},
    }  # fmt: skip
    write(tmp_path, "id,login,state,team,level,note\n1,ana,on,web,read,x\n2,sam,on,,,y\n")
    config["statuses"] = {"active": "on", "suspended": "off"}
    done(perform(
        tmp_path, config,
        grant("ana", "team:ops", "1", "write"), grant("sam", "team:web", "2"), grant("sam", "team:ops", "2"),
        change(Operation.SUSPEND_ACCOUNT, "ana", "1"), grant("ana", "team:web", "1", "write"),
    ))  # fmt: skip
    assert text_of(tmp_path).splitlines()[1:] == [
        "1,ana,off,web,write,x", "1,ana,off,ops,write,x", "2,sam,on,web,,y", "2,sam,on,ops,,y",
    ]  # fmt: skip
    rename = entitlement(Operation.RENAME_ENTITLEMENT, "team:infra", entitlement_id="team:ops")
    done(perform(tmp_path, config, revoke("ana", "team:web", "1"), rename, revoke("ana", "team:infra", "1")))
    assert text_of(tmp_path).splitlines()[1:] == ["1,ana,off,,,x", "2,sam,on,web,,y", "2,sam,on,infra,,y"]


def three_files(folder: Path) -> dict[str, Any]:
    """Return a configuration with files of their own for grants and entitlements, and write them."""
    write(folder, "id,login,mail\n1,ana,ana@x\n2,sam,sam@x\n")
    write(folder, "holder,entitlement,level\nana,team:a,\nteam:a,repo:web,write\nsam,repo:web,read\n", "grants.csv")
    write(folder, "id,key,about\nt1,team:a,the first\nr1,repo:web,\n", "things.csv")
    return {
        "path": "wiki.csv",
        "writable": True,
        "columns": {"id": "id", "username": "login", "email": "mail"},
        "grants": {
            "path": "grants.csv",
            "holder_by": "username",
            "columns": {"holder": "holder", "entitlement": "entitlement", "level": "level"},
        },
        "entitlements": {
            "path": "things.csv",
            "columns": {"entitlement": "key", "id": "id", "attributes": {"about": "about"}},
        },
    }


def test_files_of_their_own_are_written_together(tmp_path: Path) -> None:
    """Grants, entitlements and accounts stay consistent over three files."""
    config = three_files(tmp_path)
    held = replace(grant("team:a", "repo:api", level="read"), holder_entitlement_id="t1")
    done(perform(
        tmp_path, config,
        entitlement(Operation.CREATE_ENTITLEMENT, "repo:api", after={"about": "an API"}),
        held,
        grant("sam", "repo:web", "2", "write"),
        entitlement(Operation.RENAME_ENTITLEMENT, "team:z", before={"name": "a"}, entitlement_id="t1"),
        entitlement(Operation.UPDATE_ENTITLEMENT, "repo:web", after={"about": "a site"}, entitlement_id="r1"),
        change(Operation.UPDATE_ACCOUNT, "ana", "1", after={"username": "anna"}),
    ))  # fmt: skip
    assert text_of(tmp_path, "grants.csv").splitlines()[1:] == [
        "anna,team:z,", "team:z,repo:web,write", "sam,repo:web,write", "team:z,repo:api,read",
    ]  # fmt: skip
    assert text_of(tmp_path, "things.csv").splitlines()[1:] == [
        "t1,team:z,the first",
        "r1,repo:web,a site",
        "repo:api,repo:api,an API",
    ]
    done(perform(tmp_path, config, change(Operation.DELETE_ACCOUNT, "anna", "1"), revoke("sam", "repo:web", "2")))
    assert text_of(tmp_path).splitlines()[1:] == ["2,sam,sam@x"]
    assert text_of(tmp_path, "grants.csv").splitlines()[1:] == ["team:z,repo:web,write", "team:z,repo:api,read"]
    assert all(part.complete for part in read(tmp_path, config).collections.values())


def test_an_entitlement_that_was_renamed_leaves_its_key_free(tmp_path: Path) -> None:
    """One made anew under the old key is another one, with another id."""
    config = three_files(tmp_path)
    make = entitlement(Operation.CREATE_ENTITLEMENT, "repo:api")
    done(
        perform(
            tmp_path, config, make, entitlement(Operation.RENAME_ENTITLEMENT, "repo:new", entitlement_id="repo:api")
        )
    )
    receipt = perform(tmp_path, config, make)[0]
    assert receipt.remote_id == "repo:api-2"
    assert read(tmp_path, config).collections["entitlements:*"].complete


def test_permissions_and_the_byte_order_mark_are_kept(tmp_path: Path) -> None:
    """A replaced file is the same file to everybody else."""
    write(tmp_path, "\ufeff" + TEXT)
    (tmp_path / "wiki.csv").chmod(0o640)
    done(perform(tmp_path, CONFIG, grant("kim", "space:d", "3")))
    assert text_of(tmp_path) == "\ufeff" + TEXT.replace("Active,c", "Active,c; d")
    assert (tmp_path / "wiki.csv").stat().st_mode & 0o777 == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["wiki.csv"]


def test_a_letter_that_the_encoding_lacks_is_refused(tmp_path: Path) -> None:
    """No question marks in names."""
    (tmp_path / "wiki.csv").write_bytes(TEXT.encode("latin-1"))
    config = {**CONFIG, "encoding": "latin-1"}
    receipt = perform(tmp_path, config, change(Operation.UPDATE_ACCOUNT, "ana", "1", after={"username": "Łucja"}))[0]
    assert (receipt.outcome, receipt.detail) == (Outcome.FAILED, "wiki.csv: 'Ł' cannot be written in latin-1")
    assert (tmp_path / "wiki.csv").read_bytes() == TEXT.encode("latin-1")


def test_a_second_writer_waits_and_then_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers never work on one folder at once."""
    write(tmp_path)
    monkeypatch.setattr(client, "LOCK_SECONDS", 0.1)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        receipt = perform(tmp_path, CONFIG, grant("kim", "space:d", "3"))[0]
    finally:
        os.close(folder)
    assert (receipt.outcome, receipt.detail) == (
        Outcome.FAILED,
        "wiki.csv is being written by somebody else: try again",
    )
    done(perform(tmp_path, CONFIG, grant("kim", "space:d", "3")))


WRITER = """
import asyncio, sys
from pathlib import Path
from file.file_apps import grant, open_file
async def run():
    provider = open_file(Path(sys.argv[1]), {CONFIG!r})
    await provider.read()
    print("ready", flush=True)
    for number in range(100_000):
        await provider.perform(grant("kim", f"space:n{{number}}", "3"))
asyncio.run(run())
"""


@pytest.mark.parametrize("delay", [0.0, 0.011, 0.023, 0.041, 0.067])
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path, delay: float) -> None:
    """Killed at any point: the file is whole, and the next writer clears up and goes on."""
    write(tmp_path, TEXT.replace("\r\n\r\n", "\r\n" + "x,4,pad,,Active,p\r\n".replace("4", "9") + "\r\n"))
    script = WRITER.format(CONFIG=CONFIG)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    snapshot = read(tmp_path, CONFIG)
    held = [key for who, key, _ in snapshot.grants() if who == "3"]
    assert held == ["space:c", *(f"space:n{number}" for number in range(len(held) - 1))]
    done(perform(tmp_path, CONFIG, revoke("kim", "space:c", "3")))
    assert [file.name for file in tmp_path.iterdir()] == ["wiki.csv"]


def test_every_operation_on_grants_has_its_item() -> None:
    """The helpers of these tests make what the core makes."""
    assert isinstance(grant("a", "b:c").item, GrantItem)
    assert isinstance(entitlement(Operation.CREATE_ENTITLEMENT, "b:c").item, EntitlementItem)
    mapping: Mapping[str, object] = grant("a", "b:c", level="x").after
    assert mapping == {"level": "x"}


@pytest.mark.parametrize(
    ("used", "status", "written"),
    [
        ("ENABLED", Operation.SUSPEND_ACCOUNT, "DISABLED"),
        ("Yes", Operation.SUSPEND_ACCOUNT, "No"),
        ("1", Operation.SUSPEND_ACCOUNT, "0"),
        ("invited", Operation.SUSPEND_ACCOUNT, "suspended"),
        ("blocked", Operation.REACTIVATE_ACCOUNT, "active"),
    ],
)
def test_a_state_is_written_as_the_file_writes_states(
    tmp_path: Path, used: str, status: Operation, written: str
) -> None:
    """As the opposite of what is there, where no row shows it yet."""
    write(tmp_path, f"id,login,mail,state,spaces\n1,ana,,{used},\n")
    done(perform(tmp_path, CONFIG, change(status, "ana", "1")))
    assert text_of(tmp_path).splitlines()[1] == f"1,ana,,{written},"


def test_an_account_that_has_just_been_made_is_found_without_its_id(tmp_path: Path) -> None:
    """By the identity's id where the file keeps it, else by its username; never where two would do."""
    config = {**CONFIG, "columns": {**ACCOUNTS, "external_id": "who"}}
    write(tmp_path, "id,login,mail,state,spaces,who\n1,a,,active,,ana\n2,twin,,active,,\n3,twin,,active,,\n")
    done(perform(tmp_path, config, grant("ana", "space:x")))
    by_name = replace(grant("kim", "space:x"), username="a")
    twins = replace(grant("kim", "space:y"), username="twin")
    receipts = perform(tmp_path, config, by_name, twins)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.FAILED]
    assert text_of(tmp_path).splitlines()[1] == "1,a,,active,x,ana"


def test_what_is_gone_needs_no_removal(tmp_path: Path) -> None:
    """Suspending, deleting and revoking where nothing is left are success; reactivating is not."""
    write(tmp_path)
    before = text_of(tmp_path)
    done(perform(
        tmp_path, CONFIG,
        change(Operation.SUSPEND_ACCOUNT, "x", "99"), change(Operation.DELETE_ACCOUNT, "x", "99"),
        revoke("x", "space:a", "99"), revoke("kim", "space:never", "3"),
    ))  # fmt: skip
    assert perform(tmp_path, CONFIG, change(Operation.REACTIVATE_ACCOUNT, "x", "99"))[0].outcome is Outcome.FAILED
    assert text_of(tmp_path) == before


def test_an_id_that_is_listed_as_gone_is_not_used_again(tmp_path: Path) -> None:
    """Where the username is the id, a new account would be the old one."""
    columns = {"id": "login", "username": "login", "email": "mail", "status": "state"}
    write(tmp_path, "login,mail,state\nana,old@acme.example,deleted\n")
    config = {"path": "wiki.csv", "writable": True, "columns": columns}
    after = {"username": "ana", "email": "ana@acme.example"}
    receipt = perform(tmp_path, config, change(Operation.CREATE_ACCOUNT, "ana", after=after))[0]
    assert (receipt.outcome, "lists 'ana' as gone" in receipt.detail) == (Outcome.FAILED, True)


def test_a_renamed_username_that_is_the_id_moves_the_account(tmp_path: Path) -> None:
    """The receipt names the new id, and the grants follow."""
    write(tmp_path, "login,mail\nana,ana@x\n")
    write(tmp_path, "holder,entitlement\nana,team:a\n", "grants.csv")
    config = {
        "path": "wiki.csv", "writable": True, "grants": {"path": "grants.csv"},
        "columns": {"id": "login", "username": "login", "email": "mail"},
    }  # fmt: skip
    rename = change(Operation.UPDATE_ACCOUNT, "ana", "ana", after={"username": "anna"})
    receipt = perform(tmp_path, config, rename)[0]
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, "anna")
    assert list(read(tmp_path, config).grants()) == [("anna", "team:a", None)]
