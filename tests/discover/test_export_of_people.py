"""People come from an export into YAML, once, and are kept up to date by the next one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.discover.ids import make_id, slug
from reconciler.discover.sheet import MOST_BYTES, read_sheet
from reconciler.errors import ConfigurationError, InputError
from reconciler.load.company import load_company
from reconciler.model.identities import Person
from reconciler.run.importing import Layout, PeopleImport, import_export

HEAD = "Employee ID,Full Name,Work Email,Department,Manager,Hire Date,Termination Date\n"
ANA = "1,Ana Ruiz,ana@acme.example,Engineering,Omar Haddad,2026-02-01,\n"
OMAR = "2,Omar Haddad,omar@acme.example,Engineering,,,\n"


def run(root: Path, text: str | bytes, *, skip: bool = False, dry_run: bool = False, **said: str) -> PeopleImport:
    """Import an export into a repository; `said` are columns, and the order of dates."""
    (root / "reconciler.yaml").touch()
    (root / "hr.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    layout = Layout({key: value for key, value in said.items() if key != "dates"}, said.get("dates", ""))
    return import_export(root, root / "hr.csv", layout, skip=skip, dry_run=dry_run)


def people(root: Path) -> dict[str, Person]:
    """Return the people that the YAML has."""
    return dict(load_company(root, moment=datetime(2026, 1, 1, tzinfo=UTC)).company.people)


def test_an_export_becomes_people(tmp_path: Path) -> None:
    """With ids that are no addresses, and managers as ids."""
    assert run(tmp_path, HEAD + ANA + OMAR).files == ("people.yaml",)
    ana = people(tmp_path)["ana"]
    assert (ana.name, ana.manager, ana.department, str(ana.start)) == ("Ana Ruiz", "omar", "Engineering", "2026-02-01")
    assert ana.attributes == {"employee_id": "1"}


def test_a_second_import_writes_nothing(tmp_path: Path) -> None:
    """The bytes are the same."""
    run(tmp_path, HEAD + ANA + OMAR)
    before = (tmp_path / "people.yaml").read_bytes()
    assert run(tmp_path, HEAD + OMAR + ANA).files == ()
    assert (tmp_path / "people.yaml").read_bytes() == before


def test_what_changed_is_changed_in_place_and_comments_stay(tmp_path: Path) -> None:
    """A new address, department and last day of the person with the same number; the id stays."""
    run(tmp_path, HEAD + ANA + OMAR)
    file = tmp_path / "people.yaml"
    file.write_text("# by hand\n" + file.read_text().replace("Engineering\n    start", "Engineering  # yes\n    start"))
    changed = "1,Ana Ruiz,ana.ruiz@acme.example,IT,Omar Haddad,2026-02-01,2026-08-31\n"
    done = run(tmp_path, HEAD + changed + OMAR)
    assert sorted(done.merged.changed["ana"]) == ["department", "email", "last_day"]
    text = file.read_text()
    assert text.startswith("# by hand\n")
    assert "department: IT  # yes" in text
    assert str(people(tmp_path)["ana"].last_day) == "2026-08-31"


def test_whoever_is_missing_is_told_and_kept(tmp_path: Path) -> None:
    """An export that lacks somebody deletes nobody."""
    run(tmp_path, HEAD + ANA + OMAR)
    assert run(tmp_path, HEAD + OMAR).merged.missing == ("ana",)
    assert "ana" in people(tmp_path)


def test_another_persons_address_is_refused(tmp_path: Path) -> None:
    """An address that was given to somebody else since must not inherit the first one's access."""
    run(tmp_path, HEAD + ANA + OMAR)
    with pytest.raises(InputError, match="another person's address"):
        run(tmp_path, HEAD + OMAR + "77,Ana Other,ana@acme.example,IT,,,\n")


def test_bad_rows_are_told_all_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    """A ragged row, a bad address, a bad date and an invisible character each have their line."""
    rows = "3,Bo\n4,Cy,no-address,,,,\n5,Di,di@acme.example,,,2026-02-31,\n6,E\u202ev,ev@acme.example,,,,\n"
    with pytest.raises(InputError) as refused:
        run(tmp_path, HEAD + ANA.replace("Omar Haddad", "") + rows)
    assert [problem.place.line for problem in refused.value.problems] == [3, 4, 5, 6]
    assert not (tmp_path / "people.yaml").exists()
    done = run(tmp_path, HEAD + ANA + rows, skip=True)
    assert (list(done.merged.added), len(done.skipped)) == (["ana"], 4)


def test_a_date_that_could_be_two_is_asked_for(tmp_path: Path) -> None:
    """Unless another row of the column shows the order."""
    row = "1,Ana Ruiz,ana@acme.example,,,{},\n"
    with pytest.raises(InputError, match="--dates dmy"):
        run(tmp_path, HEAD + row.format("03/04/2026"))
    run(tmp_path, HEAD + row.format("03/04/2026"), dates="mdy")
    assert str(people(tmp_path)["ana"].start) == "2026-03-04"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    """What spreadsheets write in different countries."""
    text = (
        delimiter.join(["Vorname", "Nachname", "E-Mail"])
        + "\r\n"
        + delimiter.join(["Jörg", "Weiß", "j.w@acme.example"])
    )
    run(tmp_path, text.encode(encoding))
    assert people(tmp_path)["j.w"].name == "Jörg Weiß"


def test_a_told_column_goes_before_a_guess(tmp_path: Path) -> None:
    """And one that is not there is an error."""
    run(tmp_path, "Name,Mail,Private\nAna,a@home.example,ana@acme.example\n", email="Private")
    assert people(tmp_path)["ana"].email == "ana@acme.example"
    with pytest.raises(ConfigurationError, match="'Nothing' is not in the file"):
        run(tmp_path, "Name,Mail\nAna,a@home.example\n", email="Nothing")


HOSTILE = [
    "NO",
    "0123",
    "=HYPERLINK(1)",
    "{{ 7*7 }}",
    "- a: b",
    "null",
    "a: b # c",
    "&x *y",
    "!!python/object",
    "'\"",
    "~",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_the_text_that_it_is(tmp_path: Path, name: str) -> None:
    """Whatever it would mean in YAML, in a template or in a spreadsheet."""
    quoted = name.replace('"', '""')
    run(tmp_path, f'Name,Email\n"{quoted}",x@acme.example\n')
    assert people(tmp_path)["x"].name == name


@given(st.text(max_size=80), st.text(max_size=80))
def test_an_id_is_never_an_address_and_always_new(email: str, name: str) -> None:
    """For any text; and where it is taken, another one."""
    first = make_id(email, name, set())
    assert first
    assert not set(first) & set(" :@/\n\t")
    assert make_id(email, name, {first}) != first


def test_ids_know_other_alphabets() -> None:
    """Accents go, letters stay."""
    assert [slug(text) for text in ("José Núñez", "Łukasz", "Ольга", "李 明")] == [
        "jose-nunez",
        "lukasz",
        "ольга",
        "李-明",
    ]


def test_a_file_of_a_gigabyte_is_not_read_to_its_end(tmp_path: Path) -> None:
    """It is refused by the first byte that is too much."""
    (tmp_path / "reconciler.yaml").touch()
    with (tmp_path / "hr.csv").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigurationError, match="larger than 64 MiB"):
        import_export(tmp_path, tmp_path / "hr.csv", Layout({}), skip=False, dry_run=False)


def test_hundreds_of_changes_are_written_at_once(tmp_path: Path) -> None:
    """Each in its own line; nothing else moves."""
    rows = [f"{number},P{number},p{number}@acme.example,{{}},,,\n" for number in range(200)]
    run(tmp_path, HEAD + "".join(rows).replace("{}", "Engineering"))
    before = (tmp_path / "people.yaml").read_text()
    done = run(tmp_path, HEAD + "".join(rows).replace("{}", "IT"))
    assert len(done.merged.changed) == 200
    assert (tmp_path / "people.yaml").read_text() == before.replace("Engineering", "IT")


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    """One that is larger than any list of people, or a cell without end."""
    with pytest.raises(ConfigurationError, match="larger than 64 MiB"):
        read_sheet("hr.csv", bytes(MOST_BYTES + 1))
    with pytest.raises(ConfigurationError, match="300,000 rows"):
        read_sheet("hr.csv", b"a\n" * 400_000)
    with pytest.raises(ConfigurationError, match="field limit"):
        read_sheet("hr.csv", b"Name,Email\n" + b"x" * 200_000)


def test_names_that_begin_with_the_last_one_are_turned_around(tmp_path: Path) -> None:
    """Where most names of the column are; of managers too, and it is told. A row of totals is no person."""
    flipped = (HEAD + ANA + OMAR).replace("Ana Ruiz", '"Ruiz, Ana"').replace("Omar Haddad", '"Haddad, Omar"')
    done = run(tmp_path, flipped + "Total,2,,,,,\n", skip=True)
    assert {name: (one.name, one.manager) for name, one in people(tmp_path).items()} == {
        "ana": ("Ana Ruiz", "omar"),
        "omar": ("Omar Haddad", ""),
    }
    assert done.notes == ("hr.csv: names are written 'Last, First', and taken as 'First Last'",)


def test_a_comma_in_few_names_turns_nothing_around(tmp_path: Path) -> None:
    """`Omar Haddad, PhD` is one of many."""
    run(tmp_path, HEAD + ANA + OMAR.replace("Omar Haddad", '"Omar Haddad, PhD"') + "3,Lee Wong,lee@acme.example,,,,\n")
    assert sorted(one.name for one in people(tmp_path).values()) == ["Ana Ruiz", "Lee Wong", "Omar Haddad, PhD"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_may_stand_under_a_title(tmp_path: Path, delimiter: str) -> None:
    """It is found, whatever divides the cells, and told."""
    table = (HEAD + ANA + OMAR).replace(",", delimiter)
    done = run(tmp_path, "Everybody\nas of today\n\n" + table)
    assert sorted(people(tmp_path)) == ["ana", "omar"]
    assert done.notes == ("hr.csv:4: this row names the columns",)


def test_a_manager_whom_two_may_be_is_told_by_their_ids(tmp_path: Path) -> None:
    """Two people of one name are known, so nobody may read that the manager is unknown."""
    text = (
        "Name,Email,Manager\nAnna Ott,a1@acme.example,\nAnna Ott,a2@acme.example,\nTom Poe,tom@acme.example,Anna Ott\n"
    )
    (note,) = run(tmp_path, text).notes
    assert "tom's manager 'Anna Ott' may be a1 or a2: write the address or the employee's number instead" in note


def test_a_status_in_another_language_is_no_longer_taken_for_here_in_silence(tmp_path: Path) -> None:
    """Who left by a word that is known is not taken; a word that is not known is told with how many have it."""
    text = "Name;E-Mail;Status\nAna Ruiz;ana@acme.example;aktiv\nSam Old;sam@acme.example;Ausgeschieden\n"
    done = run(tmp_path, text + "Kim Poe;kim@acme.example;Ruhend\nLee Wong;lee@acme.example;ruhend 2\n")
    assert sorted(people(tmp_path)) == ["ana", "kim", "lee"]
    assert "hr.csv:3: has left, and no last day is known; not taken" in done.notes
    assert any("taken as here, whatever the status says: 'Ruhend' (1), 'ruhend 2' (1)" in note for note in done.notes)


def test_rows_that_cannot_be_used_say_how_the_others_are_taken(tmp_path: Path) -> None:
    """Whoever reads the refusal needs not find the option in the help."""
    with pytest.raises(InputError) as caught:
        run(tmp_path, HEAD + ANA + "3,Eva Poe,nonsense,IT,,,\n")
    assert caught.value.problems[-1].hint.endswith("--skip takes the other rows, and tells what it left out")
    assert run(tmp_path, HEAD + ANA + "3,Eva Poe,nonsense,IT,,,\n", skip=True).skipped == (
        "hr.csv:3: email: 'nonsense' is no email address",
    )
