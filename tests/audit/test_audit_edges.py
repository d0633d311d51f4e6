"""The edges: approvals and anchors that are read, tables that are written."""

import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from audit_worlds import NOW, make_entries
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.anchor import FileAnchor, Head, parse_head
from reconciler.audit.approval import read_review
from reconciler.audit.doubt import find_doubt
from reconciler.audit.sheets import write_csv, write_json_lines
from reconciler.errors import ConfigurationError
from reconciler.state.sqlite import SqliteStore

REVIEW = {
    "approvers": ["lee"],
    "commit": "3f" * 20,
    "pull_request": "https://git.example/acme/it/pull/7",
    "bypassed": False,
}
HEADS = [Head(entry.number, entry.digest) for entry in make_entries(3)]


def write(path: Path, data: Any) -> Path:
    """Write a file of JSON."""
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_a_review_is_read_and_becomes_an_approval(tmp_path: Path) -> None:
    """With whoever ran the command beside whoever approved."""
    review = read_review(write(tmp_path / "approval.json", REVIEW))
    assert review.approve("runner", "ci-7").data() == {
        "source": "review", "operator": "runner", "machine": "ci-7", **REVIEW,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("no json", "is no JSON"),
        ("[" * 100_000, "larger than"),
        ("[" * 60_000, "is no JSON"),
        ([], "valid dictionary"),
        ({**REVIEW, "author": "eve"}, "author: extra inputs"),
        ({**REVIEW, "approvers": []}, "nobody approved"),
        ({**REVIEW, "approvers": ["a"] * 101}, "approvers"),
        ({**REVIEW, "approvers": ["lee\nroot"]}, "approvers"),
        ({**REVIEW, "approvers": "lee"}, "approvers"),
        ({**REVIEW, "commit": "main"}, "commit"),
        ({**REVIEW, "bypassed": "no"}, "bypassed"),
        ({name: value for name, value in REVIEW.items() if name != "pull_request"}, "pull_request: field required"),
    ],
)
def test_what_is_no_review_is_refused(tmp_path: Path, data: Any, words: str) -> None:
    """Nothing unknown, nothing endless, nobody's name is git's author."""
    with pytest.raises(ConfigurationError, match=words):
        read_review(write(tmp_path / "approval.json", data))


def test_a_review_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By the name that was given."""
    with pytest.raises(ConfigurationError, match=r"missing\.json"):
        read_review(tmp_path / "missing.json")


def test_an_anchor_is_only_added_to(tmp_path: Path) -> None:
    """One line each, the earlier ones untouched; its folder is made."""
    path = tmp_path / "log" / "heads"
    texts = []
    for head in HEADS:
        FileAnchor(path).add(head, NOW, "run-1")
        texts.append(path.read_text())
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    assert FileAnchor(path).read() == (tuple(HEADS), 0)
    assert FileAnchor(tmp_path / "none").read() == ((), 0)
    assert parse_head(f" {HEADS[0]} ") == HEADS[0]


@pytest.mark.parametrize("content", [b"ssh-ed25519 AAAA eve@host\n", b"\xff\xfe", b"1:beef\n", b"0:" + b"a" * 64])
def test_a_file_that_is_no_anchor_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Whatever somebody wrote into `audit.anchor`, no file of another kind gets a line."""
    path = tmp_path / "authorized_keys"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="authorized_keys"):
        FileAnchor(path).add(HEADS[0], NOW, "run-1")
    assert path.read_bytes() == content


def test_an_anchor_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder of that name, say."""
    with pytest.raises(ConfigurationError, match="audit"):
        FileAnchor(tmp_path).add(HEADS[0], NOW, "run-1")


def anchor_at(path: Path, *heads: Head) -> FileAnchor:
    """Return an anchor that holds these heads."""
    path.unlink(missing_ok=True)
    for head in heads:
        FileAnchor(path).add(head, NOW, "run-1")
    return FileAnchor(path)


def test_a_trail_that_lost_its_anchored_head_is_noticed_before_each_run(tmp_path: Path) -> None:
    """Cut off, or another one; without an anchor only a broken chain shows."""
    path = tmp_path / "heads"
    with SqliteStore(tmp_path / "state.db") as store:
        assert find_doubt(store, None) == find_doubt(store, anchor_at(path)) == ""
        store.append_audit(make_entries(2))
        assert find_doubt(store, None) == find_doubt(store, anchor_at(path)) == ""
        assert find_doubt(store, anchor_at(path, *HEADS[:2])) == ""
        assert "entry 3 is cut off" in find_doubt(store, anchor_at(path, *HEADS))
        assert "entry 2 is not the one that was anchored" in find_doubt(store, anchor_at(path, Head(2, "00" * 32)))


@given(st.lists(st.fixed_dictionaries({"a": st.text() | st.integers() | st.booleans(), "b": st.text()}), min_size=1))
def test_no_cell_is_a_formula_and_no_row_breaks(data: list[dict[str, Any]]) -> None:
    """Any text stays in its cell, in one line, and does not begin like a formula."""
    lines = list(write_csv(data))
    read = list(csv.reader(io.StringIO("\n".join(lines))))
    assert len(lines) == len(read) == len(data) + 1
    for row, cells in zip(data, read[1:], strict=True):
        for value, cell in zip(row.values(), cells, strict=True):
            assert isinstance(value, int) or cell[:1] not in set("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - meant
            assert cell.isprintable()


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_formula_is_kept_behind_an_apostrophe(text: str) -> None:
    """As a spreadsheet shows text that it does not compute."""
    assert list(write_csv([{"a": text}]))[1].startswith("\"'")


def test_json_lines_say_which_part_they_are_of() -> None:
    """One object a line, whatever is in it."""
    lines = list(write_json_lines({"runs": [{"a": "x\ny"}], "changes": [{"b": 1}]}))
    assert [json.loads(line) for line in lines] == [{"record": "runs", "a": "x\ny"}, {"record": "changes", "b": 1}]
    assert list(write_csv([])) == []
