"""People are added to the file that has most of them, and changed where they are written."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import partial
from itertools import groupby

from reconciler.edit.file import YamlFile, write_file
from reconciler.edit.files import Files
from reconciler.edit.writing import Value
from reconciler.errors import EditError
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
    for name, fields in changed.items():
        place = company.people[name].place
        where = files.locate(place)
        for key, value in fields.items():
            path = (*where, *key.split(".", 1)) if key.startswith(("attributes.", "usernames.")) else (*where, key)
            try:
                files.change(place.file, partial(_set, path=path, value=value))
            except EditError as error:
                raise EditError(f"{name}: {error.message}", hint=error.hint) from None


def _set(file: YamlFile, *, path: tuple[str | int, ...], value: Value) -> YamlFile:
    return file.set(path, value)
