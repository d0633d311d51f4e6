"""What rules and templates know about an identity, by name."""

from collections.abc import Callable, Mapping
from datetime import date

from reconciler.items import Value
from reconciler.model.identities import Person, ServiceAccount


def split_name(name: str, given: str = "", family: str = "") -> tuple[str, str]:
    """Return the given and the family name: as written, else worked out from the full name.

    The last word of a full name is taken for the family name and the rest for the given name, which is wrong for many
    people: that is why both can be written.
    """
    words = name.split()
    if given and family:
        return given, family
    if given:
        rest = words[len(given.split()) :] if _starts(words, given.split()) else words[-1:]
        return given, " ".join(rest)
    if family:
        rest = words[: -len(family.split())] if _starts(words[::-1], family.split()[::-1]) else words[:-1]
        return " ".join(rest), family
    return (" ".join(words[:-1]), words[-1]) if len(words) > 1 else (" ".join(words), "")


def _starts(words: list[str], with_: list[str]) -> bool:
    return words[: len(with_)] == with_


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


_FIELDS: Mapping[str, Callable[[Person], Value]] = {
    "id": lambda person: person.id,
    "name": lambda person: person.name,
    "given_name": lambda person: split_name(person.name, person.given_name, person.family_name)[0] or None,
    "family_name": lambda person: split_name(person.name, person.given_name, person.family_name)[1] or None,
    "email": lambda person: person.email or None,
    "title": lambda person: person.title or None,
    "department": lambda person: person.department or None,
    "manager": lambda person: person.manager or None,
    "type": lambda person: person.type,
    "start": lambda person: _day(person.start),
    "last_day": lambda person: _day(person.last_day),
}

PERSON_FIELDS = frozenset(_FIELDS)
"""The attributes that every person has (perhaps None), whatever else the organization writes down."""


def person_attribute(person: Person, name: str) -> Value:
    """Return one attribute of a person: a field (dates as ISO 8601 text), else of `attributes`; None where it lacks."""
    field = _FIELDS.get(name)
    return person.attributes.get(name) if field is None else field(person)


def person_attributes(person: Person) -> dict[str, Value]:
    """Return all attributes of a person, as `person_attribute` gives them one by one."""
    given, family = split_name(person.name, person.given_name, person.family_name)
    return {
        **person.attributes,
        "id": person.id,
        "name": person.name,
        "given_name": given or None,
        "family_name": family or None,
        "email": person.email or None,
        "title": person.title or None,
        "department": person.department or None,
        "manager": person.manager or None,
        "type": person.type,
        "start": _day(person.start),
        "last_day": _day(person.last_day),
    }


def service_attributes(service: ServiceAccount) -> dict[str, Value]:
    """Return the attributes of a service account: templates see it as `person`, with `owner` and the type `service`.

    It has the same fields as a person, so that one template serves both: its name (or its id) is never split, and what
    it cannot have is None.
    """
    fields: dict[str, Value] = dict.fromkeys(_FIELDS)
    fields.update(id=service.id, name=service.name or service.id, email=service.email or None, type="service")
    return {**service.attributes, **fields, "owner": service.owner}
