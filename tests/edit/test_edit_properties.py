"""Whatever a document looks like: a change does what it says, and nothing else in the file moves."""

import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from random_yaml import TEXTS, documents

from reconciler.edit.file import YamlFile
from reconciler.errors import EditError

Document = tuple[str, dict[str, Any]]
_NEW = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(("k", "l", "a b")), inner, max_size=2),
    max_leaves=4,
)


def says(file: YamlFile) -> Any:
    """Read a file with another reader, every scalar as its text."""
    return yaml.load(file.content, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, and nothing else


def places(data: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for step, one in inside for place in ((*where, step), *places(one, (*where, step)))]


def at(data: Any, where: tuple[Any, ...]) -> Any:
    """Return what stands at a place."""
    for step in where:
        data = data[step]
    return data


def notes(text: str) -> list[str]:
    """Return the comments of a text, in order."""
    return re.findall(r"# note \d+", text)


def untouched(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that differ: those that are gone and those that came, once common ends are taken away."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


@given(documents(), _NEW, st.data())
def test_an_entry_is_added_and_no_other_line_changes(document: Document, value: Any, data: st.DataObject) -> None:
    """To any mapping: the others stay as they are, byte by byte, and so do all comments."""
    text, meant = document
    where = data.draw(st.sampled_from([(), *(p for p in places(meant) if isinstance(at(meant, p), dict))]))
    file = YamlFile("a.yaml", text.encode())
    changed = file.add_entries(where, {"new one": value})
    at(meant, where)["new one"] = value
    assert says(changed) == meant
    after = changed.content.decode()
    assert notes(after) == notes(text)
    old, _ = untouched(text, after)
    assert len(old) <= 2


@given(documents(), _NEW, st.data())
def test_an_element_is_appended_and_no_other_line_changes(document: Document, value: Any, data: st.DataObject) -> None:
    """To any list, of either style."""
    text, meant = document
    lists = [place for place in places(meant) if isinstance(at(meant, place), list)]
    where = data.draw(st.sampled_from(lists)) if lists else ("list",)
    changed = YamlFile("a.yaml", text.encode()).append(where, [value])
    if lists:
        at(meant, where).append(value)
    else:
        meant["list"] = [value]
    assert says(changed) == meant
    after = changed.content.decode()
    assert notes(after) == notes(text)
    old, _ = untouched(text, after)
    assert len(old) <= 2


@given(documents(), st.sampled_from(TEXTS), st.data())
def test_a_value_is_set_in_its_own_line(document: Document, value: str, data: st.DataObject) -> None:
    """Comments behind it and quotes around it stay."""
    text, meant = document
    scalars = [place for place in places(meant) if isinstance(at(meant, place), str)]
    if not scalars:
        return
    where = data.draw(st.sampled_from(scalars))
    changed = YamlFile("a.yaml", text.encode()).set(where, value)
    at(meant, where[:-1])[where[-1]] = value
    assert says(changed) == meant
    old, new = untouched(text, changed.content.decode())
    assert len(old) == len(new) <= 1


@given(documents(), st.data())
def test_what_is_removed_leaves_everything_else(document: Document, data: st.DataObject) -> None:
    """Entries, elements and whole sections; other entries keep their lines and the comments in them."""
    text, meant = document
    where = data.draw(st.sampled_from(places(meant)))
    file = YamlFile("a.yaml", text.encode())
    try:
        changed = file.remove(*where)
    except EditError as refused:
        assert "comment" in refused.message or "line of another" in refused.message  # noqa: PT017 - some may be refused
        return
    del at(meant, where[:-1])[where[-1]]
    assert (says(changed) or {}) == meant
    after = changed.content.decode()
    kept = iter(text.splitlines())
    old, new = untouched(text, after)
    assert len(new) <= 2
    assert len(old) >= len(new)
    came = {"", *(line.rstrip("\r\n") for line in new)}
    assert all(any(line == other for other in kept) for line in after.splitlines() if line not in came)


@given(documents(), st.data())
def test_adding_and_removing_gives_back_the_same_bytes(document: Document, data: st.DataObject) -> None:
    """Where there is something beside it; a line break at the end is the file's own habit."""
    text, meant = document
    filled = [(), *(p for p in places(meant) if isinstance(at(meant, p), dict) and at(meant, p))]
    where = data.draw(st.sampled_from(filled))
    file = YamlFile("a.yaml", text.encode())
    added = file.add_entries(where, {"new one": "value"})
    try:
        assert says(added.remove(*where, "new one")) == meant
    except EditError as refused:
        assert "comment" in refused.message  # noqa: PT017 - a comment in brackets may stand in the way
