"""JSON is read and written like CSV, with its own types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from file.file_apps import change, entitlement, grant, perform, read, revoke

from providers.file.client import Content
from providers.file.table_json import JsonSheet, JsonSpans
from reconciler.errors import ProviderError
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

CONFIG: dict[str, Any] = {
    "path": "users.json",
    "records": "data.users",
    "kind": "team",
    "writable": True,
    "columns": {
        "id": "id",
        "username": "login",
        "email": "profile.email",
        "status": "active",
        "grants": "teams",
        "attributes": {"seats": "seats", "tags": "tags"},
    },
}
TEXT = """{
  "exported": "2026-03-01",
  "data": {
    "users": [
      {"id":1, "login":"ana", "profile": {"email": "ana@x"}, "active": true, "teams": ["a"], "seats": 2, "tags": ["x"]},
      {"id": 2,   "login": "sam", "active": false, "teams": []}
    ]
  }
}
"""


def write(folder: Path, text: str = TEXT) -> None:
    """Write the file."""
    (folder / "users.json").write_text(text, encoding="utf-8")


def test_json_is_read_with_paths_and_types(tmp_path: Path) -> None:
    """Nested keys, booleans as states, lists as grants, numbers as they are."""
    write(tmp_path)
    snapshot = read(tmp_path, CONFIG)
    ana, sam = snapshot.accounts
    assert (ana.remote_id, ana.email, ana.attributes["seats"], ana.attributes["tags"]) == (
        "1",
        "ana@x",
        2,
        ("x",),
    )
    assert (sam.status, sam.attributes["seats"]) == (AccountStatus.SUSPENDED, None)
    assert list(snapshot.grants()) == [("1", "team:a", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": {"users": [1]}}', r"users\.json:1: element 1 is no object"),
        ('{"data": {"users": [\n{"id": 1,}]}}', r"users\.json:2: this is not JSON"),
        ('{"data": []}', "has no list at 'data.users'"),
        ("[" * 100_000, "nested too deeply"),
        ('{"data": {"users": [{"id": ' + "9" * 5000 + "}]}}", "cannot be read"),
        ('{"data": {"users": [{"id": 1}]}}', r"users\.json:1: no object has 'login'"),
        (TEXT.replace('"id": 2', '"id": 1'), r"users\.json:6: the account '1' is there twice"),
    ],
    ids=lambda value: value[:30],
)
def test_broken_json_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """As for CSV."""
    write(tmp_path, text)
    with pytest.raises(ProviderError, match=message):
        read(tmp_path, CONFIG)


def test_only_what_is_changed_is_written(tmp_path: Path) -> None:
    """Other objects keep their odd blanks, what is around the list its order."""
    write(tmp_path)
    receipts = perform(
        tmp_path,
        CONFIG,
        grant("ana", "team:b", "1"),
        revoke("ana", "team:a", "1"),
        change(Operation.UPDATE_ACCOUNT, "ana", "1", after={"seats": 3, "tags": ("x", "y")}),
        change(
            Operation.CREATE_ACCOUNT,
            "kim",
            after={"username": "kim", "email": "kim@acme.example", "external_id": "kim"},
        ),
    )
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 4
    after = (tmp_path / "users.json").read_text(encoding="utf-8").splitlines()
    before = TEXT.splitlines()
    assert [after[:4], after[5]] == [before[:4], before[5] + ","]
    assert json.loads(after[4].rstrip(","))["teams"] == ["b"]
    assert json.loads(after[4].rstrip(","))["tags"] == ["x", "y"]
    kim = {"login": "kim", "profile": {"email": "kim@acme.example"}, "active": True, "id": "kim", "teams": []}
    assert json.loads(after[6]) == {**kim, "seats": "", "tags": ""}
    assert after[7:] == before[6:]


def test_states_and_removals_are_written(tmp_path: Path) -> None:
    """A boolean stays one."""
    write(tmp_path)
    perform(
        tmp_path, CONFIG, change(Operation.SUSPEND_ACCOUNT, "ana", "1"), change(Operation.DELETE_ACCOUNT, "sam", "2")
    )
    users = json.loads((tmp_path / "users.json").read_text(encoding="utf-8"))["data"]["users"]
    assert [(user["id"], user["active"]) for user in users] == [(1, False)]


def test_an_entitlement_is_renamed_in_every_list(tmp_path: Path) -> None:
    """And nowhere else."""
    write(tmp_path)
    rename = entitlement(Operation.RENAME_ENTITLEMENT, "team:z", before={"name": "a"}, entitlement_id="team:a")
    perform(tmp_path, CONFIG, rename)
    assert list(read(tmp_path, CONFIG).grants()) == [("1", "team:z", None)]


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_list_survives_adding_and_removing_in_its_own_style(indent: int | str | None, size: int) -> None:
    """Adding a row and taking it out again gives the same text back, whatever program wrote it."""
    rows = [{"id": str(number), "name": "Zoë"} for number in range(size)]
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    sheet = JsonSheet(Content("x.json", text, "", None, "utf-8"))  # type: ignore[arg-type] # no date is needed
    row = sheet.append({"id": "new", "name": "x"})
    assert json.loads(sheet.text()) == [*rows, {"id": "new", "name": "x"}]
    if size > 1:
        assert sheet.text() == json.dumps([*rows, {"id": "new", "name": "x"}], indent=indent, ensure_ascii=False)
    sheet.remove(row)
    assert json.loads(sheet.text()) == rows
    if size:
        assert sheet.text() == text


def test_the_last_of_two_keys_counts_as_it_does_for_json() -> None:
    """Reading and writing agree on which list it is."""
    text = '{"a": [1], "b": {"c": "]"}, "a": [{"x": "\\"]"}, {}]}'
    spans = JsonSpans(text, "a")
    assert [text[slice(*span)] for span in spans.spans] == ['{"x": "\\"]"}', "{}"]
