"""The chain: what was edited, removed, moved or cut off is found, and named."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from audit_worlds import NOW, make_entries, store_trail, tamper, verify_file
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.anchor import Head
from reconciler.audit.chain import digest_entry, link
from reconciler.audit.trail import Trail
from reconciler.audit.verify import verify_trail
from reconciler.errors import StateError
from reconciler.provider.change import Change
from reconciler.state.contract import AuditEntry, Run
from reconciler.state.sqlite import SqliteStore

TRAIL = make_entries(12)
HEAD = Head(TRAIL[-1].number, TRAIL[-1].digest)
EVENTS = [("run started", {"run": f"r{number}", "n": number}) for number in range(6)]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


def mutate(data: st.DataObject, entries: list[AuditEntry]) -> tuple[list[AuditEntry], set[int]]:
    """Return the trail with one thing wrong, and the numbers one of which must be named."""
    kind = data.draw(st.sampled_from(["edit", "remove", "swap", "truncate", "swap contents", "repeat"]))
    index = data.draw(st.integers(0, len(entries) - 1))
    changed = list(entries)
    if kind == "edit":
        changed[index] = edited(data, entries[index])
        return changed, {index + 1, changed[index].number}
    if kind == "remove":
        del changed[index]
        return changed, {index + 1}
    if kind == "truncate":
        return changed[:index], {index + 1}
    if kind == "repeat":
        changed.insert(index, changed[index])
        return changed, {index + 1}
    other = data.draw(st.integers(0, len(entries) - 1).filter(lambda number: number != index))
    changed[index], changed[other] = changed[other], changed[index]
    if kind == "swap contents":
        changed[index] = replace(changed[index], number=index + 1)
        changed[other] = replace(changed[other], number=other + 1)
    return changed, {index + 1, other + 1}


def edited(data: st.DataObject, entry: AuditEntry) -> AuditEntry:
    """Return an entry with one field changed."""
    field = data.draw(st.sampled_from(["number", "at", "kind", "body", "previous", "digest"]))
    new = {
        "number": st.integers(1, 40),
        "at": st.datetimes().map(lambda moment: moment.replace(tzinfo=NOW.tzinfo)),
        "kind": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        "body": st.dictionaries(st.sampled_from(["run", "x"]), json_values),
        "previous": st.text("0123456789abcdef", min_size=64, max_size=64),
        "digest": st.text("0123456789abcdef", min_size=64, max_size=64),
    }[field]
    value = data.draw(new.filter(lambda value: value != getattr(entry, field)))
    return replace(entry, **{field: value})


@given(st.data())
def test_any_single_change_of_a_trail_is_found_and_named(data: st.DataObject) -> None:
    """Edits of any field, removals, swaps, repetitions and cuts, given the head that was anchored."""
    changed, numbers = mutate(data, TRAIL)
    faults = verify_trail(changed, [HEAD]).faults
    assert faults
    assert numbers & {fault.number for fault in faults}


@given(st.integers(0, 11), st.data())
def test_a_trail_that_was_written_anew_is_found_by_its_head(start: int, data: st.DataObject) -> None:
    """Somebody who recomputes every digest after the edit passes the chain, and never the head."""
    body = {
        "run": data.draw(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text != f"r{start}"))
    }
    head = (TRAIL[start - 1].number, TRAIL[start - 1].digest) if start else (0, "")
    forged = TRAIL[:start]
    for entry in TRAIL[start:]:
        (new,) = link(head, [(entry.kind, body if entry.number == start + 1 else entry.body)], entry.at)
        forged.append(new)
        head = (new.number, new.digest)
    assert verify_trail(forged, []).faults == ()
    good = Head(TRAIL[start - 1].number, TRAIL[start - 1].digest) if start else None
    (fault,) = verify_trail(forged, [HEAD, *([good] if good else [])]).faults
    assert fault.number == 12
    assert ("since the beginning" if good is None else f"since entry {good.number},") in fault.text


def test_a_whole_trail_is_whole() -> None:
    """With any of its heads, in any order."""
    heads = [Head(entry.number, entry.digest) for entry in TRAIL]
    found = verify_trail(TRAIL, reversed(heads))
    assert (found.faults, found.entries, found.head, found.anchored) == ((), 12, HEAD, 12)
    assert verify_trail([], []).faults == ()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values))
def test_anyone_can_compute_a_digest(body: dict[str, object]) -> None:
    """The standard library's JSON, with sorted keys and no spaces, gives the same text."""
    previous = "ab" * 32
    content = [7, "2026-03-01T12:00:00+00:00", "run started", body, previous]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest_entry(7, NOW, "run started", body, previous) == hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a state with six entries."""
    store_trail(tmp_path / "state.db", EVENTS)  # type: ignore[arg-type]
    return tmp_path / "state.db"


@pytest.mark.parametrize(
    ("statement", "number", "words"),
    [
        ("""UPDATE audit SET body = '{"n":3,"run":"r9"}' WHERE number = 4""", 4, "entry 4 was edited"),
        ("""UPDATE audit SET body = '{"n":3, "run":"r3"}' WHERE number = 4""", 4, "entry 4 was edited"),
        ("""UPDATE audit SET body = '{"n":9,"n":3,"run":"r3"}' WHERE number = 4""", 4, "entry 4 was edited"),
        ("UPDATE audit SET body = '[]' WHERE number = 4", 4, "entry 4 was edited"),
        ("UPDATE audit SET body = 'nonsense' WHERE number = 4", 4, "entry 4 was edited"),
        (f"UPDATE audit SET body = '{'[' * 5000}' WHERE number = 4", 4, "entry 4 was edited"),  # noqa: S608 - a literal
        ("UPDATE audit SET body = x'00ff' WHERE number = 4", 4, "entry 4 was edited"),
        ("UPDATE audit SET at = 'yesterday' WHERE number = 4", 4, "entry 4 was edited"),
        ("UPDATE audit SET at = '2026-03-01T13:00:00+01:00' WHERE number = 4", 4, "entry 4 was edited"),
        ("UPDATE audit SET digest = 'x' WHERE number = 6", 6, "entry 6 was edited"),
        ("UPDATE audit SET number = 9 WHERE number = 6", 6, "entries 6 to 8 are missing"),
        ("DELETE FROM audit WHERE number = 1", 1, "entry 1 is missing"),
        ("DELETE FROM audit WHERE number IN (3, 4)", 3, "entries 3 to 4 are missing"),
        ("DELETE FROM audit WHERE number > 4", 5, "entries 5 to 6 are cut off: 6 was anchored"),
        ("DELETE FROM audit", 1, "entries 1 to 6 are cut off"),
    ],
)
def test_a_tampered_file_is_told_exactly(path: Path, statement: str, number: int, words: str) -> None:
    """Down to a space in the JSON, a doubled key, or the same instant written otherwise."""
    with SqliteStore(path, read_only=True) as store:
        head = Head(*store.audit_head())
    tamper(path, statement)
    first = verify_file(path, head).faults[0]
    assert first.number == number
    assert words in first.text


def test_the_table_itself_refuses_changes(path: Path) -> None:
    """A slip of the hand in a SQLite shell goes nowhere."""
    with SqliteStore(path) as store:
        for statement in ("UPDATE audit SET kind = 'x'", "DELETE FROM audit"):
            with pytest.raises(Exception, match="only added to"):
                store._database.execute(statement)
    assert verify_file(path).entries == 6


def test_only_what_continues_the_trail_is_taken(path: Path) -> None:
    """A wrong number, a wrong digest and a gap are refused, and nothing of them is kept."""
    with SqliteStore(path) as store:
        number, digest = store.audit_head()
        wrong = [link((number + 1, digest), EVENTS, NOW), link((number, "00"), EVENTS, NOW), link((0, ""), EVENTS, NOW)]
        good = link((number, digest), EVENTS, NOW)
        for entries in (*wrong, [good[0], good[2]]):
            with pytest.raises(StateError, match="does not continue"):
                store.append_audit(entries)
        assert store.audit_head() == (number, digest)
        store.append_audit(good)
        assert [entry.number for entry in store.audit(since=5)] == list(range(5, 13))


def test_entries_come_back_as_they_were_told(tmp_path: Path) -> None:
    """More than are read at once, with every kind of value."""
    path = tmp_path / "state.db"
    with SqliteStore(path) as store:
        store.append_audit(make_entries(2500))
    with SqliteStore(path, read_only=True) as store:
        assert list(store.audit()) == make_entries(2500)
    assert verify_file(path).faults == ()


def test_an_empty_state_has_an_empty_trail(tmp_path: Path) -> None:
    """Also one that was never made."""
    with SqliteStore(tmp_path / "none.db", read_only=True) as store:
        assert (list(store.audit()), store.audit_head()) == ([], (0, ""))


def test_what_is_written_together_is_kept_together_or_not_at_all(path: Path) -> None:
    """A failure inside leaves neither the journal nor the trail with a part, and the trail goes on afterwards."""
    changes: list[Change] = []
    with SqliteStore(path) as store:
        trail = Trail(store)

        def write(run: str) -> None:
            with trail.together():
                trail.append(EVENTS, NOW)
                store.begin(Run("run", "digest", "ana", "laptop", NOW))
                store.intend(run, changes, NOW)

        with pytest.raises(StateError, match="no run"):
            write("another")
        assert (store.runs(), store.audit_head()[0]) == ([], 6)
        write("run")
        assert ([run.id for run in store.runs()], store.audit_head()[0]) == (["run"], 12)
    assert verify_file(path).faults == ()
