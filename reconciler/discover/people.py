"""Rows of an export, or the accounts of an app, become people who are still without an id."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date

from reconciler.discover.columns import find_columns
from reconciler.discover.days import find_order, read_day
from reconciler.discover.sheet import LOOKED_AT, Row, Sheet
from reconciler.discover.statuses import has_left, tell_unknown
from reconciler.errors import ConfigurationError
from reconciler.items import Value
from reconciler.problems import Place, Problem, Severity
from reconciler.provider.snapshot import AccountStatus, LiveAccount

EMPLOYEE_ID = "employee_id"
LONGEST = 500
"""No name, title or department is longer than this."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CONTRACTOR = re.compile(r"contract|freelanc|extern|consult|temp|dienstleister|prestataire", re.IGNORECASE)
_DAYS = ("start", "last_day")
_FLIPPED = re.compile(r"([^,]*[^,\s])\s*,\s*([^,]*[^,\s])")
_MOST = 0.5
_TOTALS = frozenset({"total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "totale"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person as an export or an app shows them.

    Attributes:
        place: the row, or the app.
        values: field → what it says, as far as it says anything; `name`, `email`, `start`, `attributes.location`, …
        manager: how it calls the manager: an address, a name, an employee's number or an id.
        usernames: app → the username there, where nothing else finds the account again.
    """

    place: Place
    values: Mapping[str, str | date]
    manager: str = ""
    usernames: Mapping[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str:
        """Return the address, or nothing."""
        return str(self.values.get("email", ""))

    @property
    def name(self) -> str:
        """Return the name, put together where it is in two parts."""
        parts = (str(self.values.get(part, "")) for part in ("given_name", "family_name"))
        return str(self.values.get("name", "")) or " ".join(filter(None, parts))

    @property
    def number(self) -> str:
        """Return the employee's number, or nothing."""
        return str(self.values.get(EMPLOYEE_ID, ""))


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: people, rows that cannot be used (problems), and what deserves a look (notes)."""

    people: tuple[Candidate, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def read_people(sheet: Sheet, told: Mapping[str, str], order: str = "") -> Read:
    """Return the people of a table; every row that cannot be used is told, and none is silently dropped.

    Args:
        sheet: the table.
        told: field → header.
        order: `dmy` or `mdy` for dates with slashes; empty finds it where the column shows it.

    Raises:
        ConfigurationError: the columns cannot be found.
    """
    sheet, columns = _find_header(sheet, told)
    flipped = _is_flipped(_column(sheet, columns["name"])) if "name" in columns else False
    orders = {name: order or find_order(_column(sheet, columns[name])) for name in _DAYS if name in columns}
    people, problems, notes = [], [], list(sheet.notes)
    if flipped:
        notes.append(f"{sheet.name}: names are written 'Last, First', and taken as 'First Last'")
    for row in sheet.rows:
        place = Place(sheet.name, row.line, 1)
        faults = list(_check_row(sheet, row, columns.get("email")))
        values, more = ({}, []) if faults else _read_row(row, columns, orders)
        faults += more
        problems += [Problem(place, Severity.ERROR, fault) for fault in faults]
        if not faults and _is_gone(row, columns, values):
            notes.append(f"{sheet.name}:{row.line}: has left, and no last day is known; not taken")
        elif not faults:
            manager = str(values.pop("manager", ""))
            if flipped:
                manager = _flip(manager)
                values |= {"name": _flip(str(values["name"]))} if "name" in values else {}
            people.append(Candidate(place, values, manager))
    kept, repeated = _part_repeated(people)
    if "status" in columns:
        notes += tell_unknown(sheet.name, _column(sheet, columns["status"]))
    return Read(tuple(kept), tuple(sorted([*problems, *repeated])), tuple(notes))


def _find_header(sheet: Sheet, told: Mapping[str, str]) -> tuple[Sheet, dict[str, int]]:
    """Return the table under its header, which need not be its first row, and its columns.

    Raises:
        ConfigurationError: no row near the beginning is a header.
    """
    try:
        return sheet, find_columns(sheet.headers, told)
    except ConfigurationError:
        for number, row in enumerate(sheet.rows[:LOOKED_AT]):
            with suppress(ConfigurationError):
                columns = find_columns(row.cells, told)
                notes = (*sheet.notes, f"{sheet.name}:{row.line}: this row names the columns")
                return replace(sheet, headers=row.cells, rows=sheet.rows[number + 1 :], notes=notes), columns
        raise


def _is_flipped(names: Iterable[str]) -> bool:
    """Say whether a column of names is written as `Ruiz, Ana`: most of them are."""
    told = [name for name in names if name]
    return bool(told) and sum(bool(_FLIPPED.fullmatch(name)) for name in told) > len(told) * _MOST


def _flip(name: str) -> str:
    return f"{found[2]} {found[1]}" if (found := _FLIPPED.fullmatch(name)) else name


def _column(sheet: Sheet, number: int) -> Iterator[str]:
    return (row.cells[number] for row in sheet.rows if number < len(row.cells))


def _check_row(sheet: Sheet, row: Row, email: int | None) -> Iterator[str]:
    if len(row.cells) != len(sheet.headers):
        yield f"{len(row.cells)} cells where the first row has {len(sheet.headers)}"
    if _is_total(row, email):
        yield "this looks like a row of totals, not like a person"
    for header, cell in zip(sheet.headers, row.cells, strict=False):
        if len(cell) > LONGEST * 100:
            yield f"{header[:40]!r}: {len(cell)} characters"


def _is_total(row: Row, email: int | None) -> bool:
    """Say whether a row begins with `Total` and has no address."""
    first = next(filter(None, row.cells), "").casefold().rstrip(": ")
    address = row.cells[email] if email is not None and email < len(row.cells) else ""
    return first in _TOTALS and "@" not in address


def _read_row(
    row: Row, columns: Mapping[str, int], orders: Mapping[str, str]
) -> tuple[dict[str, str | date], list[str]]:
    """Return the values of a row, and what is wrong with them."""
    values: dict[str, str | date] = {}
    faults = []
    for name, number in columns.items():
        text = row.cells[number]
        if not text:
            continue
        try:
            values[name] = read_day(text, orders[name]) if name in _DAYS else _read_text(name, text)
        except ValueError as error:
            faults.append(f"{name}: {text[:80]!r} {error}")
    kind = str(values.pop("type", ""))
    if _CONTRACTOR.search(kind):
        values["type"] = "contractor"
        if "last_day" not in values and not faults:
            faults.append("a contractor has no last day; every contractor has one")
    if not faults and not Candidate(Place("", 0, 0), values).name:
        faults.append("no name")
    if (start := values.get("start")) and (last := values.get("last_day")) and str(last) < str(start):
        faults.append("the last day is before the start")
    return values, faults


def _read_text(name: str, text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"is too long ({len(text)} characters)")
    if _UNPRINTABLE.search(text):
        raise ValueError("holds characters that cannot be seen")
    if name == "email" and not _EMAIL.fullmatch(text):
        raise ValueError("is no email address")
    return text


def _is_gone(row: Row, columns: Mapping[str, int], values: dict[str, str | date]) -> bool:
    values.pop("status", "")
    text = row.cells[columns["status"]] if "status" in columns else ""
    return has_left(text) and "last_day" not in values


def _part_repeated(people: Iterable[Candidate]) -> tuple[list[Candidate], list[Problem]]:
    """Part those whom one address or number names alone from those whom it names twice."""
    first: dict[tuple[str, str], Candidate] = {}
    kept, problems = [], []
    for one in people:
        keys = [(what, text.casefold()) for what, text in (("email", one.email), ("number", one.number)) if text]
        other = next((first[key] for key in keys if key in first), None)
        if other is None:
            kept.append(one)
            first.update(dict.fromkeys(keys, one))
        elif dict(other.values) != dict(one.values) or other.manager != one.manager:
            message = f"the same address or number as in line {other.place.line}, and something else"
            problems.append(Problem(one.place, Severity.ERROR, message, "keep the row that is right"))
    return kept, problems


def read_accounts(app: str, accounts: Iterable[LiveAccount]) -> Read:
    """Return the active accounts of an app as people; one without an address is found again by its username.

    Args:
        app: its name.
        accounts: those that belong to nobody yet, and those that do.
    """
    people, notes, seen = [], [], set()
    listed = list(accounts)
    addresses = {one.remote_id: one.email for one in listed}
    for account in sorted(listed, key=lambda one: (one.email.casefold(), one.username.casefold(), one.remote_id)):
        shown = account.username or account.email or account.remote_id
        place = Place(app, 0, 0)
        if account.status is not AccountStatus.ACTIVE and account.status is not AccountStatus.INVITED:
            notes.append(f"{app}: {shown!r} is {account.status}; not taken")
            continue
        values = _values_of(account)
        bad = [name for name, text in values.items() if not _is_usable(name, text)]
        key = account.email.casefold() or account.username.casefold()
        if bad or not key or key in seen:
            why = f"its {bad[0]} cannot be used" if bad else "its address is there twice" if key else "it has no name"
            notes.append(f"{app}: {shown!r}: {why}; not taken")
            continue
        seen.add(key)
        usernames = {} if account.email or not account.username else {app: account.username}
        manager = _text(account.attributes, "manager")
        people.append(Candidate(place, values, addresses.get(manager, manager), usernames))
    return Read(tuple(people), (), tuple(notes))


def _is_usable(name: str, text: str | date) -> bool:
    try:
        _read_text(name, str(text))
    except ValueError:
        return False
    return True


def _values_of(account: LiveAccount) -> dict[str, str | date]:
    get = account.attributes
    given, family = _text(get, "name.givenName", "givenName"), _text(get, "name.familyName", "familyName")
    name = _text(get, "displayName", "name", "name.formatted") or f"{given} {family}".strip()
    if not name:
        name = (account.email or account.username).partition("@")[0].replace(".", " ").strip().title()
    values = {
        "name": name,
        "email": account.email,
        "title": _text(get, "title"),
        "department": _text(get, "department"),
        EMPLOYEE_ID: _text(get, "employeeNumber"),
    }
    return {key: text for key, text in values.items() if text}


def _text(attributes: Mapping[str, Value], *names: str) -> str:
    found = (attributes[name] for name in names if name in attributes)
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")
