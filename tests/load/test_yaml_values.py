"""YAML 1.2, and text where text is wanted."""

from __future__ import annotations

import math

import pytest
from conftest import Repository
from hypothesis import given
from hypothesis import strategies as st
from yaml.loader import Loader

from reconciler.load import tree as tree_module
from reconciler.load.faults import Faults
from reconciler.load.scalars import Quoted, resolve_scalar
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import Map, Node, Seq, read_documents

RESOLVED = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "true": True,
    "False": False,
    "12": 12,
    "-7": -7,
    "+3": 3,
    "0123": 123,
    "0o17": 15,
    "0x1F": 31,
    "1.5": 1.5,
    ".5": 0.5,
    "1e3": 1000.0,
    "-.inf": -math.inf,
    ".INF": math.inf,
    "NO": "NO",
    "yes": "yes",
    "on": "on",
    "y": "y",
    "12:30": "12:30",
    "1_000": "1_000",
    "0b1": "0b1",
    "2026-02-01": "2026-02-01",
    "1.2.3": "1.2.3",
    "=": "=",
    "nUll": "nUll",
    ".": ".",
    "-": "-",
    "+": "+",
}


@pytest.mark.parametrize(("text", "value"), RESOLVED.items())
def test_untyped_scalars_follow_the_core_schema(text: str, value: object) -> None:
    """What YAML 1.1 took for truths, octal and sexagesimal numbers is text; types match, not only values."""
    found = resolve_scalar(text)
    assert found == value
    assert type(found) is type(value)


@given(st.text())
def test_what_is_quoted_is_text(text: str) -> None:
    """Quotes end all guessing."""
    assert resolve_scalar(Quoted(text)) == text


@given(st.text(alphabet="0123456789+-.eExXoOainfNul~tT_: ", max_size=8))
def test_resolving_never_fails_on_short_texts(text: str) -> None:
    """Whatever looks like half a number is text."""
    value = resolve_scalar(text)
    assert value is None or isinstance(value, str | int | float)


def test_a_number_of_a_thousand_digits_is_refused(acme: Repository) -> None:
    """Making a number of it would take time that grows with the square of its length."""
    acme.write("more.yaml", f"people: {{kim: {{name: Kim, attributes: {{big: {'9' * 1000}}}}}}}")
    assert "a number of more than 400 digits; quotes make it text" in acme.problem()


def test_text_stays_as_it_was_written(repository: Repository) -> None:
    """`NO` is a department, `0123` and `1.10` are titles, `true` is a name, ids may look like numbers."""
    repository.write(
        "people.yaml",
        "people:\n  0123: {name: true, title: 1.10, department: NO, family_name: Null}\n  1e3: {name: 0x1F}\n",
    )
    people = repository.company().people
    first = people["0123"]
    assert (first.name, first.title, first.department, first.family_name) == ("true", "1.10", "NO", "Null")
    assert people["1e3"].name == "0x1F"
    assert all(type(text) is str for text in (first.id, first.name, first.title, first.department))


def test_entitlements_keep_their_text(acme: Repository) -> None:
    """A level that looks like a number or a truth is a text."""
    acme.write("roles.yaml", "roles: {r: {to: everyone, grants: {github: [{repo:web: 0123}, {team: NO, level: yes}]}}}")
    wanted = acme.company().roles["r"].grants["github"].wanted
    assert [tuple(one) for one in wanted] == [("repo:web", "0123"), ("team:NO", "yes")]


def test_rules_over_fields_compare_text_and_rules_over_attributes_compare_values(repository: Repository) -> None:
    """`department: 010` is the text; `level: 010` is the number ten, as it is among a person's attributes."""
    repository.write("people.yaml", "people: {kim: {name: Kim, department: 010, attributes: {level: 010}}}")
    repository.write("groups.yaml", "groups: {one: {where: {department: 010, level: [010, 11]}}}")
    company = repository.company()
    assert company.groups["one"].where == {"department": "010", "level": (10, 11)}
    assert company.people["kim"].attributes == {"level": 10}


def test_nothing_written_is_nothing(repository: Repository) -> None:
    """An empty value, `~` and a null reference mean that it is not given."""
    repository.write("people.yaml", "people: {kim: {name: Kim, title: , department: ~, manager: null, start: null}}")
    kim = repository.company().people["kim"]
    assert (kim.title, kim.department, kim.manager, kim.start) == ("", "", "", None)


def plain(node: Node) -> object:
    """Return a node as plain data."""
    if isinstance(node, Map):
        return {key: plain(value) for key, _, value, _ in node.pairs()}
    if isinstance(node, Seq):
        return [plain(one) for one in node.items]
    return resolve_scalar(node)


VALID = {
    "anchor and alias": ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
    "list without indentation": ("a:\n- 1\n- 2\n", {"a": [1, 2]}),
    "list in a list": ("a:\n- - 1\n  - 2\n", {"a": [[1, 2]]}),
    "literal block": ("a: |\n  one\n   two\nb: x\n", {"a": "one\n two\n", "b": "x"}),
    "folded block, stripped": ("a: >-\n  one\n  two\n\n  three\n", {"a": "one two\nthree"}),
    "literal block, kept": ("a: |+\n  one\n\nb: x\n", {"a": "one\n\n", "b": "x"}),
    "text over lines": ("a: one\n  two\n", {"a": "one two"}),
    "escapes": ('a: "\\u00e4\\n\\x41"\n', {"a": "ä\nA"}),
    "single quotes": ("a: 'it''s'\n", {"a": "it's"}),
    "quoted number": ("a: '12'\nb: \"true\"\n", {"a": "12", "b": "true"}),
    "flow over lines": ("a: [1,\n  2,\n]\n", {"a": [1, 2]}),
    "flow mapping": ("a: {b: 1, c: {d: [x, y]}}\n", {"a": {"b": 1, "c": {"d": ["x", "y"]}}}),
    "colon in flow": (
        "a: [team:x, {repo:web: write}, http://x.example]\n",
        {
            "a": ["team:x", {"repo:web": "write"}, "http://x.example"],
        },
    ),
    "mapping inside a flow list": ("a: [b, c: 1]\n", {"a": ["b", {"c": 1}]}),
    "json": ('{"a": {"b":1, "c":[true,null]}}', {"a": {"b": 1, "c": [True, None]}}),
    "comment and hash": ("a: b#c # d\n", {"a": "b#c"}),
    "colon in text": ("a: b:c\n", {"a": "b:c"}),
    "windows line ends": ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    "byte order mark": ("\ufeffa: 1\n", {"a": 1}),
    "version": ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
    "explicit key": ("? a\n: 1\n", {"a": 1}),
    "no value": ("a:\nb: ~\n", {"a": None, "b": None}),
}


@pytest.mark.parametrize(("text", "value"), VALID.values(), ids=VALID.keys())
def test_valid_yaml_is_read(text: str, value: object) -> None:
    """The supported subset means what YAML 1.2 says."""
    faults = Faults()
    (document,), _ = read_documents(text.encode(), faults)
    assert not faults.found
    assert plain(document) == value


def test_without_the_c_parser_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, loading is slow and means the same."""
    monkeypatch.setattr(tree_module, "_Parser", Loader)
    for text, value in VALID.values():
        (document,), _ = read_documents(text.encode(), Faults())
        assert plain(document) == value
    for text, _, _, _ in INVALID.values():
        with pytest.raises(UnreadableError):
            read_documents(text.encode(), Faults())


INVALID = {
    "tab": ("a:\n\tb: 1\n", "cannot start any token", 2, 1),
    "second colon": ("a: b: c\n", "mapping values are not allowed", 1, 5),
    "wrong indentation": ("a:\n  b: 1\n c: 2\n", "did not find expected", 3, 2),
    "open bracket": ("a: [1, 2\nb: 3\n", "did not find expected ',' or ']'", 1, 4),
    "open quote": ('a: "b\n', "found unexpected end of stream", 1, 4),
    "key without colon": ("a: 1\nb\n", "could not find expected ':'", 2, 1),
    "tag": (
        "a: !!python/object:os.system x\n",
        "tags (tag:yaml.org,2002:python/object:os.system) are not allowed",
        1,
        4,
    ),
    "own tag": ("a: !secret x\n", "tags (!secret) are not allowed", 1, 4),
    "tag of a mapping": ("a: !x {b: 1}\n", "tags (!x) are not allowed", 1, 4),
    "unknown alias": ("a: *b\n", "*b refers to nothing above it", 1, 4),
    "mapping as key": ("? {a: 1}\n: 2\n", "a key is a mapping or a list", 1, 3),
    "list as key": ("[a, b]: 2\n", "a key is a mapping or a list", 1, 1),
    "alias to itself": ("a: &x [*x]\n", "*x refers to something that contains it", 1, 8),
    "yaml 1.1": ("%YAML 1.1\n---\na: NO\n", "asks for YAML 1.1", 1, 1),
    "escape": ('a: "C:\\users"\n', "did not find expected hexdecimal number", 1, 9),
    "two documents in a line": ("a: 1\n--- b\n... c\n", "did not find expected", 3, 5),
}


@pytest.mark.parametrize(("text", "words", "line", "column"), INVALID.values(), ids=INVALID.keys())
def test_invalid_yaml_is_told_with_its_place(text: str, words: str, line: int, column: int) -> None:
    """What YAML or the supported subset does not allow ends the file, with line and column."""
    with pytest.raises(UnreadableError) as caught:
        read_documents(text.encode(), Faults())
    assert words in caught.value.message
    assert (caught.value.mark.line + 1, caught.value.mark.column + 1) == (line, column)
    assert caught.value.hint


def test_columns_count_characters(repository: Repository) -> None:
    """Whatever is before it on its line, a value's column is where an editor shows it."""
    repository.write("people.yaml", "people: {kim: {name: 'Ünïcödé 名字 😀', emial: x}}")
    assert repository.problem().startswith("people.yaml:1:38: error: person kim has no key")


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
)
_trees = st.recursive(
    _scalars,
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.text("abc:-# ", min_size=1, max_size=5), inside, max_size=4)
    ),
    max_leaves=20,
)


@given(_trees)
def test_whatever_json_can_say_is_read_as_it_is(tree: object) -> None:
    """JSON is YAML 1.2: any tree survives the way through a file."""
    import json  # noqa: PLC0415

    text = json.dumps({"root": tree}, ensure_ascii=False)
    (document,), _ = read_documents(text.encode(), Faults())
    assert plain(document) == {"root": tree}
