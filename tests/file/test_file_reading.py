"""Files are read as accounts and grants: whole or refused, with file and line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from file.file_apps import ACCOUNTS, NOW, WIKI, open_file, read
from pydantic import ValidationError

from providers.file.config import FileConfig
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus, Snapshot

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

HEADER = "id,login,mail,state,spaces\n"


def write(folder: Path, text: str, name: str = "wiki.csv", encoding: str = "utf-8") -> None:
    """Write a file without touching its line endings."""
    (folder / name).write_bytes(text.encode(encoding))


def grants(snapshot: Snapshot) -> set[tuple[str, str, str | None]]:
    """Return the grants as a set."""
    return set(snapshot.grants())


def test_accounts_and_their_grants_are_read(tmp_path: Path) -> None:
    """Every column that is named lands where it belongs; the others are left alone."""
    write(
        tmp_path,
        "last seen,id,login,mail,state,spaces,who\nx,1,ana,Ana@Acme.example,active,a; b ;,Ana\ny,2,sam,,off,,Sam\n",
    )
    columns = {**ACCOUNTS, "attributes": {"displayName": "who"}}
    snapshot = read(tmp_path, {**WIKI, "columns": columns, "statuses": {"active": "active", "suspended": ["off"]}})
    ana, sam = snapshot.accounts
    assert (ana.remote_id, ana.username, ana.email, ana.status) == (
        "1",
        "ana",
        "Ana@Acme.example",
        AccountStatus.ACTIVE,
    )
    assert (sam.status, sam.attributes["displayName"]) == (AccountStatus.SUSPENDED, "Sam")
    assert grants(snapshot) == {("1", "space:a", None), ("1", "space:b", None)}
    assert all(part.complete for part in snapshot.collections.values())
    assert {"accounts", "grants:*", "grants:space"} == set(snapshot.collections)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "1,ana,,active,a\n",
        HEADER.replace("\n", "\r\n") + "1,ana,,active,a\r\n",
        HEADER + "\n1,ana,,active,a\n\n\n",
        HEADER + '"1","ana","","active","a"',
        HEADER + " 1 , ana ,, Active , a\n",
    ],
    ids=["byte order mark", "carriage returns", "blank lines", "quotes, no last newline", "blanks around cells"],
)
def test_what_programs_write_differently_is_read_the_same(tmp_path: Path, text: str) -> None:
    """Spreadsheets and scripts disagree about small things."""
    write(tmp_path, text)
    snapshot = read(tmp_path, WIKI)
    assert [(a.remote_id, a.username, a.status) for a in snapshot.accounts] == [("1", "ana", AccountStatus.ACTIVE)]
    assert grants(snapshot) == {("1", "space:a", None)}


def test_other_encodings_and_delimiters_are_read(tmp_path: Path) -> None:
    """A spreadsheet of 2003 is an export, too."""
    write(tmp_path, "id;login\n1;Zoë\n", encoding="cp1252")
    config = {"path": "wiki.csv", "delimiter": ";", "encoding": "cp1252", "columns": {"id": "id", "username": "login"}}
    assert read(tmp_path, config).accounts[0].username == "Zoë"
    write(tmp_path, "id\tlogin\n1\tana, the first\n", "wiki.tsv")
    assert (
        read(tmp_path, {"path": "wiki.tsv", "columns": {"id": "id", "username": "login"}}).accounts[0].username
        == "ana, the first"
    )


def test_one_row_a_grant_is_read(tmp_path: Path) -> None:
    """An account's rows agree in everything but the grant."""
    write(tmp_path, "id,login,team,level\n1,ana,platform,admin\n1,ana,web,\n2,sam,,\n")
    config = {
        "path": "wiki.csv",
        "kind": "team",
        "complete": True,
        "columns": {"id": "id", "username": "login", "entitlement": "team", "level": "level"},
    }
    snapshot = read(tmp_path, config)
    assert len(snapshot.accounts) == 2
    assert grants(snapshot) == {("1", "team:platform", "admin"), ("1", "team:web", None)}
    write(tmp_path, "id,login,team,level\n1,ana,platform,\n1,anna,web,\n")
    with pytest.raises(ProviderError, match=r"wiki\.csv:3: the account '1' has other values"):
        read(tmp_path, config)


def grants_file(**more: Any) -> dict[str, Any]:
    """Return a configuration with a grants' file."""
    columns = {"holder": "holder", "entitlement": "entitlement", "level": "level"}
    part = {"path": "grants.csv", "columns": columns, **more}
    return {"path": "wiki.csv", "columns": {"id": "id", "username": "login"}, "complete": True, "grants": part}


def test_a_grants_file_is_read_with_levels_and_holders_that_are_entitlements(tmp_path: Path) -> None:
    """A team on a repository is a grant, wherever the team comes in the file."""
    write(tmp_path, "id,login\n1,ana\n")
    write(tmp_path, "holder,entitlement,level\nteam:a,repo:web,write\n1,team:a,\n1,team:a,\n", "grants.csv")
    snapshot = read(tmp_path, grants_file())
    assert grants(snapshot) == {("team:a", "repo:web", "write"), ("1", "team:a", None)}
    assert snapshot.collections["grants:*"].complete


def test_holders_may_be_written_as_usernames(tmp_path: Path) -> None:
    """Few exports of grants repeat the internal id."""
    write(tmp_path, "id,login\n1,ana\n")
    write(tmp_path, "holder,entitlement,level\nana,repo:web,write\n", "grants.csv")
    assert grants(read(tmp_path, grants_file(holder_by="username"))) == {("1", "repo:web", "write")}


def test_a_holder_that_nobody_knows_makes_both_files_doubtful(tmp_path: Path) -> None:
    """Two exports of different moments prove nothing: not even who has no account."""
    write(tmp_path, "id,login\n1,ana\n")
    write(tmp_path, "holder,entitlement,level\n1,repo:web,\n9,repo:web,\n", "grants.csv")
    snapshot = read(tmp_path, grants_file())
    assert not any(part.complete for part in snapshot.collections.values())
    assert "9 hold grants in grants.csv and are not in wiki.csv" in snapshot.collections["accounts"].why
    assert grants(snapshot) == {("1", "repo:web", None)}


def test_what_absent_accounts_hold_counts_for_nothing(tmp_path: Path) -> None:
    """An export that lists deleted accounts is no reason to doubt."""
    write(tmp_path, HEADER + "1,ana,,active,a\n2,ben,,deleted,a;b\n")
    snapshot = read(tmp_path, WIKI)
    assert [account.remote_id for account in snapshot.accounts] == ["1"]
    assert grants(snapshot) == {("1", "space:a", None)}
    config = {**grants_file(), "columns": {"id": "id", "username": "login", "status": "state"}}
    write(tmp_path, "holder,entitlement,level\n1,repo:web,\n2,repo:web,\n", "grants.csv")
    assert grants(read(tmp_path, config)) == {("1", "repo:web", None)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "wiki.csv is empty"),
        ("\n\n", "wiki.csv is empty"),
        ("id,login\n1,ana\n", "wiki.csv:1: there is no column 'mail'"),
        ("id,id,mail\n", "the column 'id' twice"),
        (HEADER + "1,ana,,active\n", "wiki.csv:2: 4 cells where the header has 5"),
        (
            HEADER + "1,ana,,active,a\n2,sam,,active,a,b\n3,kim\n",
            r"wiki.csv:3: 6 cells where the header has 5 \(and lines 4\)",
        ),
        (HEADER + '1,ana,,active,"a\n2,sam,,active,b\n', "wiki.csv:2: .*unexpected end of data"),
        (HEADER + '1,"ana"x,,active,a\n', "wiki.csv:2: .*expected after"),
        (HEADER + "1,ana,,active,a\n1,sam,,active,a\n", "wiki.csv:3: the account '1' is there twice"),
        (HEADER + '1,"a\nna",,active,a\n,sam,,active,\n', "wiki.csv:4: an account without 'id'"),
        (HEADER + "1,ana,,paused,a\n", "wiki.csv:2: the status 'paused' means nothing here"),
        (HEADER + "1,ana,,,a\n", "wiki.csv:2: the status '' means nothing here"),
        (HEADER + "1,ana,,active,a\0\n", "wiki.csv:2: a NUL character"),
        (HEADER + f"1,ana,,active,{'x' * 200_000}\n", "wiki.csv:2: field larger than field limit"),
    ],
    ids=lambda value: value[:40] if value else "nothing",
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Nothing of a broken list of accounts is believed."""
    write(tmp_path, text)
    with pytest.raises(ProviderError, match=message):
        read(tmp_path, WIKI)


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    """A wrong letter is a wrong name: it is not replaced."""
    write(tmp_path, HEADER + "1,ana,,active,a\n2,Zoë,,active,a\n", encoding="latin-1")
    with pytest.raises(ProviderError, match=r"wiki\.csv:3: this is not utf-8 \(byte 0xeb\)"):
        read(tmp_path, WIKI)
    write(tmp_path, HEADER, encoding="utf-16")
    with pytest.raises(ProviderError, match=r"wiki\.csv:1: this is not utf-8"):
        read(tmp_path, WIKI)
    with pytest.raises(ProviderError, match="there is no encoding 'klingon'"):
        read(tmp_path, {**WIKI, "encoding": "klingon"})


def test_a_fault_among_the_grants_leaves_the_accounts_whole(tmp_path: Path) -> None:
    """One collection's failure does not take the other with it."""
    write(tmp_path, HEADER + "1,ana,,active,a\n")
    snapshot = read(tmp_path, {**WIKI, "kind": ""})
    assert snapshot.collections["accounts"].complete
    assert not snapshot.collections["grants:*"].complete
    assert "wiki.csv:2: 'a' has no kind" in snapshot.collections["grants:*"].why
    write(tmp_path, "id,login\n1,ana\n")
    for text, why in {
        "holder,entitlement,level\n1,repo:a,\n,repo:b,\n": "grants.csv:3: a grant without a holder",
        "holder,entitlement,level\n1,repo:a,\n1,,\n": "grants.csv:3: an entitlement without a name",
        "holder,entitlement,level\n1,repo:a,read\n1,repo:a,write\n": "1 holds repo:a at two levels",
        "holder,entitlement\n1,repo:a\n": "grants.csv:1: there is no column 'level'",
        "holder,entitlement,level\n1,repo:a,r\n1,repo:b\n": "grants.csv:3: 2 cells",
    }.items():
        write(tmp_path, text, "grants.csv")
        snapshot = read(tmp_path, grants_file())
        assert snapshot.collections["accounts"].complete
        assert why in snapshot.collections["grants:*"].why
    (tmp_path / "grants.csv").unlink()
    assert "grants.csv does not exist" in read(tmp_path, grants_file()).collections["grants:*"].why


def test_the_line_of_a_fault_counts_lines_not_rows(tmp_path: Path) -> None:
    """A name with a line break in it moves everything below."""
    rows = "".join(f'{n},"login\n{n}",,active,a\n' for n in range(5000))
    write(tmp_path, HEADER + rows + "x,y,,active,zzz:\n")
    snapshot = read(tmp_path, WIKI)
    assert snapshot.collections["grants:*"].why.startswith("wiki.csv:10002: ")


def test_an_export_proves_nothing_unless_somebody_says_so(tmp_path: Path) -> None:
    """A filtered export looks like a whole one."""
    write(tmp_path, HEADER + "1,ana,,active,a\n")
    snapshot = read(tmp_path, {**WIKI, "complete": False})
    assert not any(part.complete for part in snapshot.collections.values())
    assert "write `complete: true`" in snapshot.collections["accounts"].why
    assert read(tmp_path, {**WIKI, "complete": False, "writable": True}).collections["accounts"].complete


def test_fewer_rows_than_expected_are_no_answer(tmp_path: Path) -> None:
    """An export that lost its rows does not mean that everybody left."""
    write(tmp_path, HEADER)
    assert not read(tmp_path, WIKI).collections["accounts"].complete
    assert read(tmp_path, {**WIKI, "minimum": {"accounts": 0}}).collections["accounts"].complete
    assert read(tmp_path, {**WIKI, "writable": True}).collections["accounts"].complete
    write(tmp_path, HEADER + "1,ana,,active,a\n")
    snapshot = read(tmp_path, {**WIKI, "minimum": {"accounts": 1, "grants": 2}})
    assert snapshot.collections["accounts"].complete
    assert "1 grants where at least 2" in snapshot.collections["grants:*"].why


def test_an_old_export_is_no_answer(tmp_path: Path) -> None:
    """Its date is in the snapshot; past its age, nothing relies on it."""
    write(tmp_path, HEADER + "1,ana,,active,a\n")
    config: dict[str, Any] = {**WIKI, "exported_at": (NOW - timedelta(days=6)).isoformat(), "max_age": "7d"}
    snapshot = read(tmp_path, config)
    assert snapshot.as_of == NOW - timedelta(days=6)
    assert snapshot.collections["accounts"].complete
    snapshot = read(tmp_path, {**config, "max_age": "120h"})
    assert "older than 5 days: export it again" in snapshot.collections["accounts"].why
    modified = datetime(2026, 2, 27, tzinfo=UTC)
    os.utime(tmp_path / "wiki.csv", (modified.timestamp(), modified.timestamp()))
    assert read(tmp_path, {**WIKI, "exported_at": "modified"}).as_of == modified
    assert not read(tmp_path, {**WIKI, "exported_at": "modified", "max_age": "1d"}).collections["accounts"].complete


def test_a_catalogue_lists_what_nobody_holds(tmp_path: Path) -> None:
    """With a file of entitlements, they have ids and attributes, and their list is a collection."""
    write(tmp_path, HEADER + "1,ana,,active,a\n")
    write(tmp_path, "id,name,about\ne1,a,first\ne2,b,second\n", "spaces.csv")
    part = {"path": "spaces.csv", "columns": {"entitlement": "name", "id": "id", "attributes": {"about": "about"}}}
    snapshot = read(tmp_path, {**WIKI, "entitlements": part})
    assert [(e.key, e.remote_id) for e in snapshot.entitlements] == [("space:a", "e1"), ("space:b", "e2")]
    assert snapshot.entitlements[1].attributes == {"about": "second"}
    assert snapshot.collections["entitlements:*"].complete
    write(tmp_path, "id,name,about\ne1,a,first\ne2,a,second\n", "spaces.csv")
    snapshot = read(tmp_path, {**WIKI, "entitlements": part})
    assert "spaces.csv:3: space:a is there twice" in snapshot.collections["entitlements:*"].why
    assert not snapshot.collections["grants:*"].complete
    assert snapshot.collections["accounts"].complete


def test_comments_are_no_rows_where_they_are_configured(tmp_path: Path) -> None:
    """Inside quotes a comment is data, and without the option `#general` is a name."""
    write(tmp_path, HEADER + '# the founders\n1,ana,,active,"\n# a"\n')
    assert grants(read(tmp_path, {**WIKI, "comment": "#"})) == {("1", "space:# a", None)}
    write(tmp_path, "id,login\n#general,x\n")
    assert read(tmp_path, {"path": "wiki.csv", "columns": {"id": "id"}}).accounts[0].remote_id == "#general"


@pytest.mark.parametrize("path", ["/etc/passwd", "../wiki.csv", "link.csv", "folder/../../wiki.csv"])
def test_nothing_outside_of_the_tree_is_read(tmp_path: Path, path: str) -> None:
    """Not by an absolute path, not by dots, not by a link."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    write(tmp_path, HEADER)
    (root / "link.csv").symlink_to(tmp_path / "wiki.csv")
    with pytest.raises(ProviderError, match="outside of the folder"):
        open_file(root, {**WIKI, "path": path, "format": "csv"})


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "wiki.csv")
    with pytest.raises(ProviderError, match=r"wiki\.csv is not a plain file"):
        read(tmp_path, WIKI)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"path": "w.csv", "max_age": "7d"}, "`max_age` needs `exported_at`"),
        ({"path": "w-*.csv", "exported_at": "modified"}, "only with `exported_at: {file_name"),
        ({"path": "*/w.csv", "exported_at": {"file_name": "w-%Y-%m-%d.csv"}}, "the file's own name"),
        ({"path": "w.csv", "exported_at": {"file_name": "w-%d.csv"}}, "year, month and day"),
        ({"path": "w.csv", "exported_at": {"column": "at", "sidecar": "w.at"}}, "names one of"),
        ({"path": "w.csv", "exported_at": {"column": "at", "timezone": "Berlin"}}, "no time zone 'Berlin'"),
        ({"path": "w.xlsx", "writable": True}, "only one CSV or JSON file"),
        ({"path": "w.csv", "minimum": {"share": "180%"}}, "share"),
        ({"path": "wiki.ods"}, "does not say the format"),
        ({"path": "w.csv", "columns": {"id": "a", "grants": "g", "entitlement": "e"}}, "exclude each other"),
        ({"path": "w.csv", "columns": {"id": "a", "level": "l"}}, "`level` goes with `entitlement`"),
        ({"path": "w.csv", "columns": {"id": "a", "username": "b", "email": "b"}}, "used once only"),
        ({"path": "w.csv", "columns": {"id": "a", "grants": "g"}, "grants": {"path": "g.csv"}}, "exclude each other"),
        ({"path": "w.csv", "max_age": "a week"}, "36h, 7d or 2w"),
        ({"path": "w.csv", "exported_at": "2026-01-01T00:00:00"}, "time zone"),
        ({"path": "w.csv", "delimiter": '"'}, "delimiter"),
        ({"path": "w.csv", "level_separator": ";"}, "must differ"),
        ({"path": "w.csv", "statuses": {"asleep": ["x"]}}, "statuses"),
        ({"path": "w.csv", "colums": {}}, "colums"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_work_is_refused(config: Mapping[str, Any], message: str) -> None:
    """Before anything is read."""
    with pytest.raises(ValidationError, match=message):
        FileConfig.model_validate(config)
