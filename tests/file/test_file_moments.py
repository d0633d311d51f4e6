"""An export's moment is read where it is written, and an export that proves nothing is no answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from file.file_apps import NOW, WIKI, read

from reconciler.errors import ProviderError

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

HEADER = "id,login,mail,state,spaces,at\n"
DAY = datetime(2026, 2, 20, tzinfo=UTC)


def write(folder: Path, *moments: str, name: str = "wiki.csv") -> None:
    """Write an export with a row for each moment."""
    rows = [f"{n},user{n},,active,a,{moment}\n" for n, moment in enumerate(moments, start=1)]
    (folder / name).write_text(HEADER + "".join(rows), encoding="utf-8")


def config(**exported_at: str) -> dict[str, Any]:
    """Return the configuration of an export whose moment is written somewhere."""
    return {**WIKI, "exported_at": exported_at}


def test_the_earliest_row_is_the_moment(tmp_path: Path) -> None:
    """No row is taken for newer than it is; offsets count."""
    write(tmp_path, "2026-02-21T10:00+01:00", "2026-02-20T23:30-01:00", "2026-02-22")
    assert read(tmp_path, config(column="at", timezone="UTC")).as_of == datetime(2026, 2, 21, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        ("", r"wiki\.csv:3: the moment of the export is missing"),
        ("yesterday", r"wiki\.csv:3: 'yesterday' is no moment"),
        ("2026-02-20 10:00", r"wiki\.csv:3: 2026-02-20 10:00 has no offset"),
    ],
)
def test_a_moment_that_cannot_be_read_is_an_error_with_its_line(tmp_path: Path, moment: str, message: str) -> None:
    """Nobody guesses a zone, nor takes the file's own date."""
    write(tmp_path, "2026-02-20T10:00Z", moment)
    with pytest.raises(ProviderError, match=message):
        read(tmp_path, config(column="at"))


def test_a_day_alone_is_its_start_in_the_zone_that_is_said(tmp_path: Path) -> None:
    """An export is never taken for newer than it may be."""
    write(tmp_path, "2026-02-20")
    moment = read(tmp_path, config(column="at", timezone="Europe/Berlin")).as_of
    assert moment == datetime(2026, 2, 19, 23, tzinfo=UTC)


def test_the_newest_of_several_files_is_read_by_its_name(tmp_path: Path) -> None:
    """By the day that the name tells, not by its letters nor by the file's own date."""
    write(tmp_path, "x", "x", name="wiki-20-02-2026.csv")
    write(tmp_path, "x", name="wiki-28-01-2026.csv")
    said = {**config(file_name="wiki-%d-%m-%Y.csv", timezone="UTC"), "path": "wiki-*.csv"}
    snapshot = read(tmp_path, said)
    assert (snapshot.as_of, len(snapshot.accounts)) == (DAY, 2)
    write(tmp_path, "x", name="wiki-final.csv")
    with pytest.raises(ProviderError, match=r"wiki-final\.csv: its name does not tell when"):
        read(tmp_path, said)


def test_a_pattern_without_any_file_is_an_error(tmp_path: Path) -> None:
    """An export that was never uploaded is not an app without accounts."""
    with pytest.raises(ProviderError, match=r"wiki-\*\.csv: there is no such file"):
        read(tmp_path, {**config(file_name="wiki-%Y-%m-%d.csv"), "path": "wiki-*.csv"})


def test_a_sidecar_tells_the_moment(tmp_path: Path) -> None:
    """A file beside it, inside the tree."""
    write(tmp_path, "x")
    (tmp_path / "wiki.at").write_text("2026-02-20T00:00:00Z\n", encoding="utf-8")
    assert read(tmp_path, config(sidecar="wiki.at")).as_of == DAY
    with pytest.raises(ProviderError, match="outside of the folder"):
        read(tmp_path, config(sidecar="../wiki.at"))


def test_an_export_without_a_moment_is_undated_and_a_record_is_not(tmp_path: Path) -> None:
    """The file's own date is taken only where somebody says so; what is written here is true now."""
    write(tmp_path, "x")
    export, record = read(tmp_path, WIKI), read(tmp_path, {**WIKI, "writable": True})
    assert (export.undated, export.as_of) == (True, None)
    assert (record.undated, record.as_of) == (False, None)
    assert not read(tmp_path, {**WIKI, "exported_at": DAY.isoformat()}).undated


def test_an_export_from_the_future_proves_nothing(tmp_path: Path) -> None:
    """A mistyped year would verify every ticket and never grow old; a clock that is ahead a little is believed."""
    write(tmp_path, "x")
    late = read(tmp_path, {**WIKI, "exported_at": (NOW + timedelta(days=365)).isoformat()})
    assert "has not come yet" in late.collections["accounts"].why
    assert late.undated
    near = read(tmp_path, {**WIKI, "exported_at": (NOW + timedelta(minutes=2)).isoformat()})
    assert (near.collections["accounts"].complete, near.as_of) == (True, NOW)


def test_the_oldest_file_counts(tmp_path: Path) -> None:
    """Grants may be exported apart from accounts; without a word they are from the same moment."""
    write(tmp_path, "x")
    (tmp_path / "grants.csv").write_text("holder,entitlement\n1,space:a\n", encoding="utf-8")
    columns = {"id": "id", "username": "login"}
    said: dict[str, Any] = {"path": "wiki.csv", "columns": columns, "complete": True, "exported_at": NOW.isoformat()}
    assert read(tmp_path, {**said, "grants": {"path": "grants.csv"}}).as_of == NOW
    grants = {"path": "grants.csv", "exported_at": DAY.isoformat()}
    assert read(tmp_path, {**said, "grants": grants}).as_of == DAY
