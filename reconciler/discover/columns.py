"""Which column holds what: guessed from headers in several languages, or told."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from reconciler.errors import ConfigurationError

FIELDS = (
    "name",
    "given_name",
    "family_name",
    "email",
    "type",
    "title",
    "department",
    "manager",
    "start",
    "last_day",
    "status",
    "employee_id",
)
"""What a column can be, besides `attributes.NAME`. `employee_id` becomes an attribute, and finds people again."""

_HEADERS = {
    "name": "name, full name, display name, displayname, employee name, employee, vollständiger name",
    "given_name": "first name, firstname, given name, givenname, preferred first name, vorname, prénom, nombre",
    "family_name": "last name, lastname, family name, surname, sn, nachname, nom de famille, apellido, apellidos",
    "email": "email, e-mail, mail, work email, email address, work e-mail, company email, business email, "
    "userprincipalname, e-mail-adresse, courriel, correo electrónico",
    "type": "type, employment type, worker type, employee type, contract type, beschäftigungsart",
    "title": "title, job title, position, job, role, jobtitle, stelle, position title, puesto",
    "department": "department, dept, abteilung, département, departamento, org unit, organizational unit",
    "manager": "manager, manager email, manager name, manager id, reports to, supervisor, line manager, "
    "supervisor email, vorgesetzter",
    "start": "start, start date, hire date, date of hire, hiredate, joined, joining date, eintrittsdatum",
    "last_day": "last day, end date, termination date, last working day, last day of work, leave date, "
    "contract end date, austrittsdatum, end",
    "status": "status, employment status, state",
    "employee_id": "employee id, employee number, employee no, employeenumber, personnel number, worker id, staff id, "
    "personalnummer, emp id",
    "attributes.location": "location, office, work location, site, standort",
}
_ATTRIBUTE = re.compile(r"attributes\.[A-Za-z_][A-Za-z0-9_]{0,62}")


def find_columns(headers: Sequence[str], told: Mapping[str, str]) -> dict[str, int]:
    """Return field → number of its column.

    Args:
        headers: as they are in the file.
        told: field → header, which goes before every guess; an empty header means that there is none.

    Raises:
        ConfigurationError: a field or a header does not exist, or there is no name and no email.
    """
    plain = [_plain(header) for header in headers]
    found = {field: _find_told(headers, plain, field, header) for field, header in told.items() if header}
    for field, known in _HEADERS.items():
        names = [_plain(name) for name in known.split(", ")]
        free = [name for name in names if name in plain and plain.index(name) not in found.values()]
        if field not in told and free:
            found[field] = plain.index(free[0])
    if not {"name", "email", "family_name"} & found.keys():
        listed = ", ".join(map(repr, headers[:20]))
        raise ConfigurationError(
            f"no column holds a name or an email ({listed})", hint="say which: --map name='Full name' --map email=Mail"
        )
    return found


def _find_told(headers: Sequence[str], plain: Sequence[str], field: str, header: str) -> int:
    if field not in FIELDS and not _ATTRIBUTE.fullmatch(field):
        raise ConfigurationError(f"unknown field {field!r}", hint=f"one of {', '.join(FIELDS)}, or attributes.NAME")
    matches = [number for number, one in enumerate(headers) if one == header]
    matches = matches or [number for number, one in enumerate(plain) if one == _plain(header)]
    if len(matches) != 1:
        what = "twice" if matches else "not"
        listed = ", ".join(map(repr, headers[:20]))
        raise ConfigurationError(f"the column {header!r} is {what} in the file", hint=f"it has {listed}")
    return matches[0]


def _plain(header: str) -> str:
    text = unicodedata.normalize("NFKC", header).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", text).split())
