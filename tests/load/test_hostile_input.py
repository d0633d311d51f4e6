"""Input that was made to hang or to crash gets an error or is handled, soon."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Repository
from hypothesis import given
from hypothesis import strategies as st

from reconciler.load import files as files_module
from reconciler.load.faults import Faults
from reconciler.load.parse import parse_file
from reconciler.load.syntax import UnreadableError
from reconciler.load.tree import read_documents

SECONDS = 30.0
"""Far more than any of this takes, far less than a hang."""


@contextmanager
def soon() -> Iterator[None]:
    """Fail if the block takes long."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def laughs(levels: int) -> str:
    """Return a list of ten lists of ten lists …, by aliases."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_a_billion_laughs_are_refused(acme: Repository) -> None:
    """Aliases may not expand to more than a bounded number of values."""
    inside = "\n".join(f"    {line}" for line in laughs(9).splitlines())
    acme.write("more.yaml", f"people:\n  kim:\n   name: Kim\n   attributes:\n{inside}\n")
    with soon():
        (told,) = [one for one in acme.problems() if "aliases" in one]
    assert "the aliases of this file expand to more than 100,000 values, or 64 levels" in told


def test_a_long_chain_of_aliases_is_refused() -> None:
    """Each level is cheap, but thousands of them would be a stack overflow further on."""
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5_000))
    with soon(), pytest.raises(UnreadableError, match="or 64 levels"):
        read_documents(chain.encode(), Faults())


def test_a_few_aliases_are_fine(acme: Repository) -> None:
    """They are part of YAML, also where a whole section or an entry is one."""
    acme.write("more.yaml", "groups:\n  a: &g {people: &p [ana]}\n  b: *g\n  c: {people: *p, groups: [a]}\nroles:\n")
    groups = acme.company().groups
    assert groups["a"].people == groups["b"].people == groups["c"].people == ("ana",)


def test_an_alias_of_a_whole_section_is_told(acme: Repository) -> None:
    """Sections are read entry by entry: nothing of one is left to be repeated, and nothing is dropped silently."""
    acme.write("more.yaml", "groups: &a {g: {people: [ana]}}\nroles: *a\n")
    assert acme.problem() == "more.yaml:2:8: error: *a refers to a whole section\n    write the entries out"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(acme: Repository, opening: str) -> None:
    """A hundred thousand brackets are told at the depth that is too much."""
    acme.write("more.yaml", f"people:\n  kim: {opening * 100_000}")
    with soon():
        assert acme.problems()


def test_deep_indentation_is_refused(acme: Repository) -> None:
    """So is nesting by indentation."""
    acme.write("more.yaml", "people:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 500)))
    with soon():
        (told,) = acme.problems()
    assert told.startswith("more.yaml:65:65: error: nested more than 64 deep")


@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"', "|\n      {}"])
def test_a_scalar_of_a_megabyte_is_told(acme: Repository, style: str) -> None:
    """Plain, quoted or as a block; the message stays short."""
    acme.write("more.yaml", "people:\n  kim:\n    name: Kim\n    title: " + style.format("x" * 1_000_000))
    with soon():
        (told,) = acme.problems()
    assert told.startswith("more.yaml:4:12: error: title has 1,000,0")
    assert len(told) < 200


def test_a_key_of_a_megabyte_is_told(acme: Repository) -> None:
    """Also where it is somebody's id."""
    acme.write("more.yaml", f"people:\n  ? {'k' * 1_000_000}\n  : {{name: Kim}}\n")
    with soon():
        (told,) = acme.problems()
    assert "is too long" in told
    assert len(told) < 300


def test_a_line_of_two_megabytes_is_read(acme: Repository) -> None:
    """A flow list without line breaks is slow in some parsers."""
    acme.write("more.yaml", "groups: {g: {people: [" + "ana, " * 400_000 + "omar]}}")
    with soon():
        assert acme.company().groups["g"].people == ("ana", "omar")


BYTES = {
    "utf-16": ("people: {}\n".encode("utf-16"), "this file is UTF-16 or UTF-32, not UTF-8"),
    "utf-32": (b"\x00\x00\xfe\xff", "this file is UTF-16 or UTF-32, not UTF-8"),
    "latin-1": ("people:\n  kim: {name: Müller}\n".encode("latin-1"), "more.yaml:2:16: error: this file is not UTF-8"),
    "surrogate": (b"people: {kim: {name: \xed\xa0\x80}}", "this file is not UTF-8 (byte 0xed)"),
    "nul": (b"people: {kim: {name: a\x00b}}", "more.yaml:1:23: error: a control character (U+0000)"),
    "escape": (b"people: {kim: {name: \x1b[31m}}", "a control character (U+001B)"),
    "escaped escape": (b'people: {kim: {name: "\\x1b[31m"}}', "a control character (\\x1b) in a value"),
    "delete": (b"people: {kim: {name: \x7f}}", "a control character (U+007F)"),
    "line separator": ("people: {kim: {name: a\u2028b}}".encode(), "an invisible line separator stands here"),
    "line break in a name": (b'people: {kim: {name: "a\\nb"}}', "name holds a line break or a control character"),
    "tab in a name": (b'people: {kim: {name: "a\\tb"}}', "name holds a line break or a control character"),
}


@pytest.mark.parametrize(("content", "words"), BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_text_are_told(acme: Repository, content: bytes, words: str) -> None:
    """Other encodings, control characters written raw or as escapes."""
    told = acme.write("more.yaml", content).problem()
    assert words in told
    assert told.replace("\n", "").isprintable()


def test_a_byte_order_mark_is_ignored(repository: Repository) -> None:
    """Some editors write it."""
    repository.write("people.yaml", b"\xef\xbb\xbfpeople: {kim: {name: Kim}}\n")
    assert repository.company().people["kim"].place.column == 10


def test_a_link_out_of_the_repository_is_told(acme: Repository) -> None:
    """It would make a plan depend on, or show, what is not under review."""
    outside = acme.root.parent / "outside.yaml"
    outside.write_text("people: {eve: {name: Eve}}")
    (acme.root / "more.yaml").symlink_to(outside)
    assert acme.problem() == (
        "more.yaml:1: error: this link leads out of the repository\n    copy the file here, or add the link to `ignore`"
    )


def test_a_link_to_nowhere_and_to_itself_is_told(acme: Repository) -> None:
    """Neither is silently skipped: somebody meant something by it."""
    (acme.root / "a.yaml").symlink_to("gone.yaml")
    (acme.root / "b.yaml").symlink_to("b.yaml")
    assert [line.partition("\n")[0] for line in acme.problems()] == [
        "a.yaml:1: error: this link leads to no file",
        "b.yaml:1: error: this link leads to no file",
    ]


def test_linked_folders_are_not_followed(acme: Repository) -> None:
    """A circle of folders cannot hang, and what lies outside cannot be read; a warning says so."""
    (acme.root / "again").symlink_to(acme.root)
    (acme.root / "etc").symlink_to("/etc")
    assert [line.partition("\n")[0] for line in acme.warnings()] == [
        "again: warning: a link to a folder is not followed",
        "etc: warning: a link to a folder is not followed",
    ]


def test_a_link_inside_the_repository_is_read_once(acme: Repository) -> None:
    """A second name for a file that is read anyway defines nobody twice; one for a hidden file is read."""
    (acme.root / "same.yaml").symlink_to("people.yaml")
    acme.write(".shared/kim.yaml", "people: {kim: {name: Kim}}")
    (acme.root / "kim.yaml").symlink_to(".shared/kim.yaml")
    assert set(acme.company().people) == {"ana", "omar", "kim"}


def test_a_pipe_is_told_and_never_waited_for(acme: Repository) -> None:
    """Opening one for reading would wait for a writer for ever."""
    os.mkfifo(acme.root / "more.yaml")
    with soon():
        assert "this is no regular file" in acme.problem()


def test_a_file_that_may_not_be_read_is_told(acme: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason of the system; root may read everything, so that for root the system is made to refuse."""
    acme.write("more.yaml", "people: {}")
    (acme.root / "more.yaml").chmod(0)
    if os.access(acme.root / "more.yaml", os.R_OK):
        really = os.open

        def refuse(path: str, *rest: int, **options: int) -> int:
            if str(path).endswith("more.yaml"):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return really(path, *rest, **options)

        monkeypatch.setattr(os, "open", refuse)
    assert "this file cannot be read: Permission denied" in acme.problem()


def test_names_that_cannot_be_shown_are_told(acme: Repository) -> None:
    """Control characters and broken encodings in the names of files reach no terminal."""
    acme.write("a\x1b[31m.yaml", "people: {}")
    with open(os.fsencode(acme.root) + b"/b\xff.yaml", "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(b"people: {}")
    first, second = acme.problems()
    assert first.startswith("a\\x1b[31m.yaml:1: error: the name of this file holds control characters")
    assert second.startswith("b\\udcff.yaml:1: error: the name of this file is not UTF-8")


def test_a_folder_of_ten_thousand_files_is_loaded(repository: Repository) -> None:
    """One person each."""
    for number in range(10_000):
        repository.write(f"people/p{number}.yaml", f"people: {{p{number}: {{name: P}}}}\n")
    with soon():
        assert len(repository.company().people) == 10_000


def test_ten_thousand_unknown_names_are_told_soon(repository: Repository) -> None:
    """Suggestions for each of them among as many would take minutes."""
    repository.write(
        "people.yaml", "people:\n" + "".join(f"  person{n}: {{name: P, manager: persom{n}}}\n" for n in range(10_000))
    )
    with soon():
        told = repository.problems()
    assert len(told) == 10_000
    assert any('did you mean "person' in line for line in told)


def test_more_than_can_be_meant_is_told(acme: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without number, and files without end: the bounds are far away, so they are moved here."""
    monkeypatch.setattr(files_module, "MAX_FILE", 1_000_000)
    acme.write("more.yaml", "# " + "x" * 1_000_000)
    assert acme.problem() == "more.yaml:1:1: error: this file cannot be read: this file is larger than 0 MB"
    monkeypatch.setattr(files_module, "MAX_FILES", 2)
    assert any("more than 2 YAML files" in told for told in acme.problems())


def test_folders_that_are_nested_without_end_are_told(acme: Repository) -> None:
    """A hundred levels of folders."""
    acme.write("/".join(["d"] * 100).removeprefix("/") + "/kim.yaml", "people: {}")
    assert "folders are nested more than 64 deep" in acme.problem()


KEYS = ("name", "email", "type", "to", "grants", "people", "groups", "where", "until", "owner", "route", "manage")

_texts = st.text(alphabet="abz01 \n:-?[]{},&*!|>'\"%@`#~<\t\\\r", max_size=60)


@given(_texts)
def test_any_text_is_read_or_told(text: str) -> None:
    """Nothing but faults comes out of whatever is written."""
    for fault in parse_file(text.encode()).faults:
        assert fault.line >= 1
        assert fault.message


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_told(content: bytes) -> None:
    """Nor out of what is no text at all."""
    for fault in parse_file(b"people: {a: {name: " + content).faults:
        assert fault.column >= 1


@given(
    st.sampled_from(["people", "groups", "apps", "roles", "grants", "policies", "service_accounts"]),
    st.recursive(
        st.sampled_from(["x", "1", "~", "true", "a/b:c", "{}", "[]", "*x", "2026-01-01", "everyone", "'{{ x }}'"]),
        lambda inside: (
            st.lists(inside, max_size=3).map(lambda items: f"[{', '.join(items)}]")
            | st.dictionaries(
                st.sampled_from(KEYS),
                inside,
                max_size=4,
            ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}")
        ),
        max_leaves=12,
    ),
)
def test_any_shape_under_any_section_is_read_or_told(section: str, body: str) -> None:
    """Lists where mappings are wanted, mappings where texts are, in every combination: no traceback."""
    record = parse_file(f"{section}: {{k: {body}}}\n---\n{section}: [{body}]\n---\n{section}: {body}\n".encode())
    assert all(fault.message for fault in record.faults)
