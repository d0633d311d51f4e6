"""People who were found are put beside those whom the YAML has: new, changed, missing. Nobody is ever deleted."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from reconciler.discover.ids import make_id
from reconciler.discover.people import EMPLOYEE_ID, Candidate
from reconciler.model.company import Company
from reconciler.model.identities import Person
from reconciler.problems import Problem, Severity

_PLAIN = ("name", "given_name", "family_name", "email", "type", "title", "department", "start", "last_day")


@dataclass(slots=True)
class Merged:
    """What is to be written, and what is only told.

    Attributes:
        added: id → field → value, in the order of fields; `attributes.location` and `usernames.chat` are in mappings.
        changed: id → field → value, of people who are in the YAML.
        missing: ids of people who are in the YAML, are still here, and were not found.
        problems: candidates who may be two people, or none.
        notes: what deserves a look.
    """

    added: dict[str, dict[str, str | date]] = field(default_factory=dict)
    changed: dict[str, dict[str, str | date]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def merge_people(company: Company, found: Iterable[Candidate], today: date, *, update: bool = True) -> Merged:
    """Match candidates with people by employee's number, then by address, then by a name that only one has.

    Args:
        company: as it is.
        found: whom an export or an app shows, each once.
        today: who has left before is not missed.
        update: whether values of people who are there already are changed (an export knows better than the YAML; an app
            does not).
    """
    return _Merger(company, list(found), update=update).merge(today)


class _Merger:
    def __init__(self, company: Company, found: list[Candidate], *, update: bool) -> None:
        self.company = company
        self.found = found
        self.update = update
        self.result = Merged()
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.several: dict[str, list[str]] = {}
        people = company.people.values()
        self.numbers = {str(one.attributes[EMPLOYEE_ID]): one for one in people if EMPLOYEE_ID in one.attributes}
        self.emails = {one.email.casefold(): one for one in people if one.email}
        self.usernames = {(app, name): one for one in people for app, name in one.usernames.items()}
        self.names = _unique({one.id: one.name for one in people})
        self.by_name = _unique({str(number): one.name for number, one in enumerate(found)})
        self.ids: dict[int, str] = {}
        self.matched: set[str] = set()

    def merge(self, today: date) -> Merged:
        """Return what is to be written."""
        taken = {*self.company.people, *self.company.service_accounts}
        for number, one in enumerate(self.found):
            person, fault = self._match(one)
            if fault:
                self.problems.append(Problem(one.place, Severity.ERROR, fault, "correct the export, or the YAML"))
            elif person is None:
                self.ids[number] = made = make_id(one.email, one.name, taken)
                taken.add(made)
            elif person.id in self.matched:
                message = f"{person.id} was found already"
                self.problems.append(Problem(one.place, Severity.ERROR, message, "keep one of them"))
            else:
                self.ids[number] = person.id
                self.matched.add(person.id)
        managers = self._managers()
        for number, name in self.ids.items():
            self._write(self.found[number], name, managers)
        self.result.missing = tuple(
            sorted(
                one.id
                for one in self.company.people.values()
                if one.id not in self.matched and not (one.last_day and one.last_day < today) and one.left is None
            )
        )
        self.result.problems, self.result.notes = tuple(sorted(self.problems)), tuple(self.notes)
        return self.result

    def _match(self, one: Candidate) -> tuple[Person | None, str]:
        """Return the person whom a candidate is, or why that cannot be told."""
        by_number = self.numbers.get(one.number) if one.number else None
        by_email = self.emails.get(one.email.casefold()) if one.email else None
        if by_number and by_email and by_number is not by_email:
            return None, f"has the number of {by_number.id} and the address of {by_email.id}"
        known = by_email.attributes.get(EMPLOYEE_ID) if by_email else None
        if by_email and one.number and known not in (None, one.number):
            return None, f"has the address of {by_email.id}, whose {EMPLOYEE_ID} is {known}: another person's address?"
        if person := by_number or by_email:
            return person, ""
        for key in one.usernames.items():
            if key in self.usernames:
                return self.usernames[key], ""
        alone = not one.email and self.by_name.get(one.name.casefold())
        return (
            (self.company.people[self.names[one.name.casefold()]], "") if alone and self._has_name(one) else (None, "")
        )

    def _has_name(self, one: Candidate) -> bool:
        """Say whether exactly one person has a candidate's name, and nothing speaks against it."""
        name = self.names.get(one.name.casefold(), "")
        person = self.company.people.get(name)
        return bool(person and not (one.number and EMPLOYEE_ID in person.attributes))

    def _managers(self) -> Mapping[str, str]:
        """Return everything that a manager may be called → id; what is ambiguous is left out."""
        known: dict[str, set[str]] = {}
        for one in self.company.people.values():
            for text in (one.id, one.email, one.name, str(one.attributes.get(EMPLOYEE_ID, ""))):
                known.setdefault(text.casefold(), set()).add(one.id)
        for number, name in self.ids.items():
            candidate = self.found[number]
            for text in (name, candidate.email, candidate.name, candidate.number):
                known.setdefault(text.casefold(), set()).add(name)
        self.several = {text: sorted(ids) for text, ids in known.items() if text and len(ids) > 1}
        return {text: ids.pop() for text, ids in known.items() if text and len(ids) == 1}

    def _doubt(self, manager: str, own: str) -> str:
        """Return why nobody is known by what a manager is called."""
        if own:
            return "is the same person"
        if ids := self.several.get(_flip(manager, self.several)):
            return f"may be {', '.join(ids[:-1])} or {ids[-1]}: write the address or the employee's number instead"
        return "is nobody who is known"

    def _write(self, one: Candidate, name: str, managers: Mapping[str, str]) -> None:
        values: dict[str, str | date] = {"name": one.name}
        values |= {key: one.values[key] for key in _PLAIN if key in one.values and key != "name"}
        if one.manager:
            manager = managers.get(_flip(one.manager, managers))
            if manager and manager != name:
                values["manager"] = manager
            else:
                why = self._doubt(one.manager, name if manager else "")
                self.notes.append(f"{one.place}: {name}'s manager {one.manager[:80]!r} {why}; left out")
        for key, value in one.values.items():
            if key == EMPLOYEE_ID or key.startswith("attributes."):
                values[f"attributes.{key.removeprefix('attributes.')}"] = value
        values |= {f"usernames.{app}": username for app, username in one.usernames.items()}
        person = self.company.people.get(name)
        if person is None:
            self.result.added[name] = values
        elif self.update:
            self._update(person, one, values)

    def _update(self, person: Person, one: Candidate, values: Mapping[str, str | date]) -> None:
        changed = {key: value for key, value in values.items() if _known(person, key) != value}
        if "name" not in one.values and person.name.casefold() != one.name.casefold():
            changed.setdefault("name", one.name)
        if changed:
            self.result.changed[person.id] = changed
        if person.last_day and "last_day" not in one.values and "last_day" not in changed:
            self.notes.append(
                f"{person.place.short}: {person.id} has a last day, and the export has none; left as it is"
            )


def _known(person: Person, key: str) -> object:
    match key.partition("."):
        case ("attributes", _, name):
            value = person.attributes.get(name)
            return value if value is None else str(value)
        case ("usernames", _, app):
            return person.usernames.get(app)
        case _:
            return getattr(person, key)


def _flip(manager: str, known: Container[str]) -> str:
    """Return a manager's name as it is known: `Haddad, Omar` may be Omar Haddad."""
    text = manager.casefold()
    family, comma, given = text.partition(", ")
    return f"{given} {family}" if comma and text not in known else text


def _unique(names: Mapping[str, str]) -> dict[str, str]:
    """Return name (ignoring case) → key, of names that only one has."""
    found: dict[str, list[str]] = {}
    for key, name in names.items():
        found.setdefault(name.casefold(), []).append(key)
    return {name: keys[0] for name, keys in found.items() if name and len(keys) == 1}
