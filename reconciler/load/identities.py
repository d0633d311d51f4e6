"""People, service accounts and groups are read."""

from typing import Any

from reconciler.errors import ExpressionError
from reconciler.load.faults import Mark
from reconciler.load.fields import Field, Fields
from reconciler.load.kinds import (
    AnyValues,
    Choice,
    Day,
    Email,
    Moment,
    Reading,
    Reference,
    Schema,
    Text,
    TextMap,
    Texts,
    check_name,
    name_node,
    read_value,
)
from reconciler.load.records import GroupRecord, PersonRecord, ServiceAccountRecord, Values
from reconciler.load.scalars import is_null
from reconciler.load.tree import Entry, Map, Node

CONTRACTOR = "contractor"
TEXT_FIELDS = frozenset(
    {"id", "name", "email", "type", "given_name", "family_name", "title", "department", "manager", "start", "last_day"}
)
"""What every person has: compared as text, as it is written."""

_TAKEN = TEXT_FIELDS | {"usernames", "attributes", "person", "owner"}

PERSON = Fields(
    "person",
    Field("name", Text(), "The full name."),
    Field("email", Email(), "The work address; unique."),
    Field("type", Choice(("employee", CONTRACTOR), "employee"), "employee (the default) or contractor."),
    Field("given_name", Text(), "The given name, where an app asks for it."),
    Field("family_name", Text(), "The family name, where an app asks for it."),
    Field("title", Text(), "The job title."),
    Field("department", Text(), "The department, for rules."),
    Field("manager", Reference(), "The id of another person."),
    Field("start", Day(), "The first day, in the organization's time zone; none means always."),
    Field("last_day", Day(), "The last day, inclusive, in the organization's time zone; a contractor must have one."),
    Field(
        "usernames",
        TextMap(),
        "App to the username there, where it is not the app's default; github also for who reviews.",
    ),
    Field("attributes", AnyValues(), "Whatever else rules and templates need: {location: Berlin}."),
    Field("left", Moment(), "The moment from which somebody is gone, whatever the last day is; offboard writes it."),
    hints={
        "end": 'write "last_day"',
        "end_date": 'write "last_day"',
        "start_date": 'write "start"',
        "mail": 'write "email"',
        "username": "write usernames: {app: name}",
        "groups": "a group says itself who is in it: write it under groups",
        "role": "a role says itself who gets it: write it under roles",
        "display_name": 'write "name"',
    },
)

SERVICE_ACCOUNT = Fields(
    "service account",
    Field("owner", Reference(), "The id of the person who answers for it.", required=True),
    Field("email", Email(), "Its address, where it has one."),
    Field("name", Text(), "What apps show."),
    Field("review_by", Day(), "When somebody looks again whether it is needed; past it, every run warns."),
    Field("usernames", TextMap(), "App to the username there."),
    Field("attributes", AnyValues(), "Whatever templates need."),
)


class Rule:
    """A rule over attributes: a mapping of equalities (a list means one of these), or an expression as text."""

    empty: Any = None
    schema: Schema = {  # noqa: RUF012 - never changed
        "anyOf": [{"type": "string", "minLength": 1}, {**AnyValues.schema, "type": "object", "minProperties": 1}]
    }

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> tuple[Values | None, str, list[str]]:
        """Return the equalities or the expression, and the attributes that they read."""
        if isinstance(node, Map) and node.items:
            where = {key: self._read_wanted(reading, key, value, at) for key, _, value, at in node.pairs()}
            return where, "", list(where)
        if isinstance(node, str) and not is_null(node):
            return None, str(node), read_names(reading, node, mark, template=False)
        empty = isinstance(node, Map | str)
        message = (
            f"{what} is empty: it would match everybody"
            if empty
            else f"{what} is a mapping or an expression, not {name_node(node)}"
        )
        reading.faults.error(
            mark, message, "write {department: Engineering}; for all people, write to: everyone instead of a group"
        )
        return None, "", []

    @staticmethod
    def _read_wanted(reading: Reading, key: str, node: Node, mark: Mark) -> Any:
        """Return what an attribute must be: as text for the fields that are text, else by YAML 1.2."""
        if key not in TEXT_FIELDS:
            return read_value(reading, node, mark, f"where.{key}")
        texts = Texts().read(reading, node, mark, f"where.{key}")
        return texts if not isinstance(node, str) else (texts[0] if texts else None)


GROUP = Fields(
    "group",
    Field("people", Texts(), "Ids of people who are members."),
    Field("service_accounts", Texts(), "Ids of service accounts that are members."),
    Field("groups", Texts(), "Groups whose members are members."),
    Field("where", Rule(), "A rule: {department: Engineering}, or an expression like: department == 'Engineering'."),
    Field("except", Texts(), "Ids that are never members by way of this group."),
    hints={
        "members": 'write "people"',
        "exclude": 'write "except"',
        "rule": 'write "where"',
        "users": 'write "people"',
    },
)


def read_names(reading: Reading, source: str, mark: Mark, *, template: bool) -> list[str]:
    """Return the attributes that an expression or a template reads; a fault where it cannot be compiled."""
    from reconciler.resolve.expression import compile_expression, compile_template  # noqa: PLC0415 - imports jinja2

    try:
        return sorted((compile_template if template else compile_expression)(str(source)).names)
    except ExpressionError as error:
        reading.faults.error(mark, error.message, error.hint)
        return []


def read_person(reading: Reading, entry: Entry) -> PersonRecord:
    """Return one entry of `people`."""
    _, _, key, _, mark, node, _ = entry
    if "@" in key:
        hint = "addresses change, ids never do: write a short name and email: …"
        reading.faults.error(mark, f"the id {reading.faults.show_key(key)} is an email address", hint)
    else:
        check_name(
            reading, key, mark, "the id", "use letters, digits, dots and dashes: it is what everything else refers to"
        )
    values = PERSON.read(reading, node, mark, key)
    name, _, kind, given, family, _, _, _, start, last_day, _, attributes, _ = values
    if not name:
        values[0] = f"{given} {family}".strip()
        if not values[0]:
            _miss_name(reading, node, key, mark)
    if kind == CONTRACTOR and last_day is None:
        _miss_last_day(reading, node, key, mark)
    if start and last_day and last_day < start:
        _complain_of_order(reading, _value(node, "last_day")[1], key)
    if attributes:
        _check_attributes(reading, _value(node, "attributes")[0])
    return PersonRecord(mark.line + 1, mark.column + 1, key, *values)


def read_service_account(reading: Reading, entry: Entry) -> ServiceAccountRecord:
    """Return one entry of `service_accounts`."""
    key, mark = entry.key, entry.mark
    check_name(reading, key, mark, "the id")
    values = SERVICE_ACCOUNT.read(reading, entry.node, mark, key)
    return ServiceAccountRecord(mark.line + 1, mark.column + 1, key, *values)


def read_group(reading: Reading, entry: Entry) -> GroupRecord:
    """Return one entry of `groups`."""
    key, mark = entry.key, entry.mark
    check_name(reading, key, mark, "the group")
    people, services, groups, rule, excluded = GROUP.read(reading, entry.node, mark, key)
    where, expression, names = rule or (None, "", [])
    return GroupRecord(
        mark.line + 1, mark.column + 1, key, people, services, groups, where, expression, excluded, names
    )


def _miss_name(reading: Reading, node: Node, key: str, mark: Mark) -> None:
    """Note a name that is missing, unless what is written there was complained about already."""
    pairs = node.pairs() if isinstance(node, Map) else iter(())
    written = next((value for name, _, value, _ in pairs if name == "name"), "")
    if (isinstance(node, Map) or is_null(str(node))) and isinstance(written, str) and not written.strip("~"):
        reading.faults.error(mark, f"person {key} has no name", "write name: and the full name")


def _miss_last_day(reading: Reading, node: Node, key: str, mark: Mark) -> None:
    if isinstance(node, Map) and not any(
        name == "last_day" and not is_null(str(value)) for name, _, value, _ in node.pairs()
    ):
        reading.faults.error(
            mark, f"contractor {key} has no last day", "write last_day: 2026-12-31; it can be moved later"
        )


def _complain_of_order(reading: Reading, mark: Mark, key: str) -> None:
    reading.faults.error(mark, f"the last day of {key} is before the start", "correct one of the two")


def _check_attributes(reading: Reading, node: Node) -> None:
    """Refuse attributes that are called like a field: rules would read the field."""
    for name, mark, _, _ in node.pairs() if isinstance(node, Map) else ():
        if name in _TAKEN:
            hint = f"write {name} beside attributes, not inside" if name in TEXT_FIELDS else "call it otherwise"
            reading.faults.error(mark, f"an attribute cannot be called {name}", hint)


def _value(node: Node, key: str) -> tuple[Node, Mark]:
    """Return the value of a key that is there, and its position."""
    pairs = node.pairs() if isinstance(node, Map) else iter(())
    return next((value, mark) for name, _, value, mark in pairs if name == key)
