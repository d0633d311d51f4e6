"""People are added to the file that has most of them, and changed where they are written."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import partial
from itertools import groupby

from reconciler.edit.file import YamlFile, write_file
from reconciler.edit.files import Files
from reconciler.edit.several import set_values
from reconciler.edit.source import Where
from reconciler.edit.writing import Value
from reconciler.model.company import Company

PEOPLE_FILE = "people.yaml"

Fields = Mapping[str, str | date]


def add_people(company: Company, files: Files, added: Mapping[str, Fields]) -> None:
    """Write new people.

    Args:
        company: as it is.
        files: its files.
        added: id → field → value; `attributes.location` goes into a mapping.

    Raises:
        EditError: the file cannot be changed.
    """
    if not added:
        return
    entries: dict[str, Value] = {name: nest(fields) for name, fields in added.items()}
    counts = Counter(person.place.file for person in company.people.values())
    path = counts.most_common(1)[0][0] if counts else PEOPLE_FILE
    if path in files:
        files.change(path, lambda file: file.add_entries(("people",), entries))
    else:
        files.change(path, lambda file: YamlFile(file.name, write_file({"people": entries}, name=path)))


def nest(fields: Fields) -> dict[str, Value]:
    """Return fields with the mappings in them as such."""
    entry: dict[str, Value] = {}
    for outer, inner in groupby(fields.items(), key=lambda one: one[0].partition(".")[0] if "." in one[0] else ""):
        if outer:
            entry[outer] = {key.partition(".")[2]: value for key, value in inner}
        else:
            entry.update(inner)
    return entry


def change_people(company: Company, files: Files, changed: Mapping[str, Fields]) -> None:
    """Change values where they are written; what was not written yet is added to its person.

    Raises:
        EditError: a file cannot be changed so.
    """
    by_file: dict[str, dict[Where, Value]] = {}
    for name, fields in changed.items():
        place = company.people[name].place
        values = by_file.setdefault(place.file, {})
        where: Where = ("people", name)  # an id is defined once; to look it up by its line takes far longer
        for key, value in fields.items():
            steps = key.split(".", 1) if key.startswith(("attributes.", "usernames.")) else [key]
            values[*where, *steps] = value
    for path, values in by_file.items():
        files.change(path, partial(set_values, values=values))
