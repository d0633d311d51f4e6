"""YAML files are changed as a person would, or not at all."""

from textwrap import dedent

import pytest
import yaml

from reconciler.edit.file import YamlFile, write_file
from reconciler.errors import EditError

PEOPLE = dedent(
    """\
    # Who works here.
    people:
      # Engineering
      omar:
        name: Omar Haddad        # leads
        email: omar@acme.example
      kim: {name: Kim Tran, email: kim@acme.example}

      # Sales
      lena:
        name: 'Lena Fuchs'
        # title: to be decided

    # The end.
    """
)


def people(text: str = PEOPLE) -> YamlFile:
    """Return a file."""
    return YamlFile("people.yaml", text.encode())


def text_of(file: YamlFile) -> str:
    """Return what a file holds."""
    return file.content.decode()


def test_a_person_is_added_below_the_last_one() -> None:
    """Above the comment that ends the file, below the one inside the last person."""
    changed = people().add_entries(("people",), {"ana": {"name": "Ana Ruiz", "email": "ana@acme.example"}})
    added = "  ana:\n    name: Ana Ruiz\n    email: ana@acme.example\n"
    marker = "    # title: to be decided\n"
    before, after = PEOPLE.split(marker)
    assert (
        text_of(changed) == f"{before}{marker}\n{added}{after}" or text_of(changed) == f"{before}{marker}{added}{after}"
    )


def test_a_last_day_is_added_in_the_style_of_the_entry() -> None:
    """On a line of its own in a block, in the brackets of one that is in brackets."""
    changed = (
        people().set(("people", "omar", "last_day"), "2026-03-31").set(("people", "kim", "last_day"), "2026-03-31")
    )
    assert "    email: omar@acme.example\n    last_day: 2026-03-31\n" in text_of(changed)
    assert "kim: {name: Kim Tran, email: kim@acme.example, last_day: 2026-03-31}\n" in text_of(changed)


def test_a_value_keeps_its_quotes_and_the_comment_behind_it() -> None:
    """Only the value itself is replaced."""
    changed = people().set(("people", "omar", "name"), "Omar H.").set(("people", "lena", "name"), "Lena O'Hara")
    assert "    name: Omar H.        # leads\n" in text_of(changed)
    assert "    name: 'Lena O''Hara'\n" in text_of(changed)


def test_the_heading_of_several_entries_stays() -> None:
    """What stands above one entry only, or inside it, goes with it."""
    assert "  # Engineering\n  kim:" in text_of(people().remove("people", "omar"))
    without = text_of(people().remove("people", "lena"))
    assert "# Sales" not in without
    assert "# title" not in without
    assert without.endswith("kim@acme.example}\n\n# The end.\n")


def test_the_comment_that_a_file_begins_with_stays() -> None:
    """It is about the file, whatever section comes first."""
    file = YamlFile("a.yaml", b"# Ours.\ngroups: {a: {people: [x]}}\n\nroles: {}\n")
    assert file.remove("groups").content == b"# Ours.\nroles: {}\n"


def test_a_section_that_is_missing_is_made() -> None:
    """At the end, after an empty line; in a file of comments only, below them."""
    grant = {"to": {"people": ["ana"]}, "grants": {"figma": ["role:admin"]}}
    written = "grants:\n  - to: {people: [ana]}\n    grants: {figma: [role:admin]}\n"
    assert written in text_of(people().append(("grants",), [grant]))
    assert text_of(YamlFile("a.yaml", b"# none yet\n").append(("grants",), [grant])) == f"# none yet\n{written}"
    assert text_of(YamlFile("a.yaml", b"").append(("grants",), [grant])) == written
    for empty in (b"grants:   # none yet\n", b"grants: []   # none yet\n"):
        filled = text_of(YamlFile("a.yaml", empty).append(("grants",), [grant]))
        assert filled == written.replace("grants:\n", "grants:   # none yet\n", 1)


def test_what_is_left_empty_says_so() -> None:
    """The last grant leaves a list without elements, the last section an empty file."""
    file = YamlFile("grants.yaml", b"grants:\n  # for now\n  - to: everyone\n    grants: {wiki: []}\n")
    assert file.remove("grants", 0).content == b"grants: []\n"
    assert file.remove("grants").content == b""


def test_line_breaks_and_a_byte_order_mark_stay() -> None:
    """A file from Windows remains one."""
    file = YamlFile("a.yaml", b"\xef\xbb\xbfpeople:\r\n  ana:\r\n    name: Ana\r\n")
    changed = file.set(("people", "ana", "title"), "Lead")
    assert changed.content == b"\xef\xbb\xbfpeople:\r\n  ana:\r\n    name: Ana\r\n    title: Lead\r\n"


def test_a_file_without_a_final_line_break_stays_so() -> None:
    """Nobody asked for one."""
    assert YamlFile("a.yaml", b"a:\n  b: c").set(("a", "d"), "e").content == b"a:\n  b: c\n  d: e"
    assert YamlFile("a.yaml", b"a:\n  b: c\n  d: e").remove("a", "d").content == b"a:\n  b: c"


def test_long_lists_in_brackets_keep_one_line_an_element() -> None:
    """With or without a comma behind the last one, and with a comment behind it."""
    file = YamlFile("a.yaml", b"g:\n  p: [\n    ana,\n    omar   # leads\n  ]\n")
    added = file.append(("g", "p"), ["kim"])
    assert added.content == b"g:\n  p: [\n    ana,\n    omar,   # leads\n    kim\n  ]\n"
    assert added.remove("g", "p", 0).content == b"g:\n  p: [\n    omar,   # leads\n    kim\n  ]\n"


def test_one_text_becomes_a_list() -> None:
    """Where a list may be written as its only element."""
    file = YamlFile("a.yaml", b"grants:\n  wiki: team:eng  # all\n")
    assert (
        file.append(("grants", "wiki"), ["role:admin"]).content == b"grants:\n  wiki: [team:eng, role:admin]  # all\n"
    )


def test_texts_are_quoted_where_they_would_mean_something_else() -> None:
    """To a reader of YAML 1.1 or 1.2, in brackets or not; whatever somebody puts into a reason."""
    hostile = [
        "no",
        "12",
        "~",
        "",
        "- a",
        "a: b",
        "a #b",
        "{x}",
        "a\nb: c",
        "*x",
        "&x",
        "!x",
        "\u2028",
        "\x07",
        "…",
        "'\"\\",
    ]
    file = YamlFile("a.yaml", b"a:\n  b: [x]\n")
    changed = file.append(("a", "b"), hostile)
    for number, text in enumerate(hostile):
        changed = changed.set(("a", f"k{number}"), text)
    read = yaml.safe_load(changed.content)["a"]
    assert read.pop("b") == ["x", *hostile]
    assert list(read.values()) == hostile
    assert b"\x07" not in changed.content


def test_a_place_is_found_by_line_and_column() -> None:
    """As problems and plans name it."""
    file = people()
    assert file.locate(4, 3) == ("people", "omar")
    assert file.locate(10, 3) == ("people", "lena")
    with pytest.raises(EditError, match=r"people\.yaml:1:1: no entry begins here"):
        file.locate(1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: &all\n  ana: {name: A}\nother: *all\n", "refers to this from elsewhere"),
        ("people: *all\n", "stands here for something"),
        ("people: {}\npeople: {}\n", "is written twice"),
        ("people: Ana\n", "this holds a value"),
        ("people: [ana]\n", "this is a list"),
        ("people: {a: b\n", "not valid YAML"),
        ("people:\n  kim: {}\n", "kim is there already"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, words: str) -> None:
    """With the place, and nothing written."""
    with pytest.raises(EditError, match=words):
        people(text).add_entries(("people",), {"kim": {"name": "Kim"}})


def test_encrypted_files_are_refused() -> None:
    """What SOPS encrypted carries a proof over all of it."""
    file = YamlFile("people.yaml", b"people:\n  ana:\n    name: ENC[x]\nsops:\n  mac: ENC[y]\n  version: 3.9.0\n")
    with pytest.raises(EditError, match="encrypted with SOPS"):
        file.set(("people", "ana", "name"), "Ana")


def test_a_new_file_reads_as_a_person_would_have_written_it() -> None:
    """A comment, sections with an empty line between, short things in brackets, long ones below each other."""
    long = [f"channel:number-{number}" for number in range(8)]
    written = write_file(
        {
            "people": {"ana": {"name": "Ana Ruiz", "usernames": {"github": "anaruiz"}}},
            "grants": [{"to": "everyone", "grants": {"chat": long}}],
        },
        comment="From the HR export.\n\nReviewed by hand.",
    ).decode()
    assert written.startswith(
        "# From the HR export.\n#\n# Reviewed by hand.\npeople:\n  ana:\n    name: Ana Ruiz\n"
        "    usernames: {github: anaruiz}\n\ngrants:\n  - to: everyone\n    grants:\n      chat:\n"
        "        - channel:number-0\n"
    )


def test_a_thousand_entries_are_added_at_once() -> None:
    """One change, however many entries."""
    entries = {f"p{number}": {"name": f"Person {number}"} for number in range(1000)}
    changed = people().add_entries(("people",), entries)
    assert changed.length("people") == 1003
