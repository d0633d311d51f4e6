"""Recipients, lists of entitlements, roles and grants are read."""

from array import array
from typing import Any

from reconciler.load.faults import Mark
from reconciler.load.fields import Field, Fields
from reconciler.load.kinds import Flag, Instant, LongText, Reading, Schema, Text, Texts, check_name, name_node
from reconciler.load.records import GrantRecord, RecipientsRecord, RoleRecord, WantedRecord
from reconciler.load.scalars import is_null
from reconciler.load.suggest import suggest
from reconciler.load.tree import Entry, Map, Node, Seq
from reconciler.load.wording import KEY, UNUSUAL

EVERYONE = "everyone"
LEVEL_KEYS = ("level", "role", "permission", "access")
_FORMS = "write kind:name, {kind:name: level}, or {kind: name, level: …}"

_RECIPIENTS = Fields(
    "to",
    Field("people", Texts(), "Ids of people."),
    Field("service_accounts", Texts(), "Ids of service accounts."),
    Field("groups", Texts(), "Names of groups."),
    Field("entitlements", Texts(), "Other entitlements of the same app that hold these, as app/kind:name."),
    Field(EVERYONE, Flag(), "Whether all people who are here get it."),
    Field("except", Texts(), "Ids that do not get it this way."),
    hints={
        "person": 'write "people"',
        "group": 'write "groups"',
        "users": 'write "people"',
        "exclude": 'write "except"',
        "service_account": 'write "service_accounts"',
        "roles": "a role says itself who gets it, in its own `to`",
    },
)


class Recipients:
    """Who gets something: `everyone`, or lists of people, groups, service accounts and entitlements."""

    empty: RecipientsRecord | None = None

    @property
    def schema(self) -> Schema:
        """Both ways to write it."""
        return {"anyOf": [{"enum": [EVERYONE]}, _RECIPIENTS.schema]}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> RecipientsRecord | None:
        """Return the recipients; None where nothing usable is written."""
        if isinstance(node, str) and node == EVERYONE:
            return RecipientsRecord(mark.line + 1, mark.column + 1, everyone=True)
        if not isinstance(node, Map):
            if not isinstance(node, str) or not is_null(node):
                hint = "write {people: [ana]}, {groups: [engineering]} or everyone"
                reading.faults.error(mark, f"{what} says who, by kind: it is not {name_node(node)}", hint)
            return None
        before = len(reading.faults.found)
        values = _RECIPIENTS.read(reading, node, mark, "")
        if not any(values[:5]) and before == len(reading.faults.found):
            hint = "name people, groups, service_accounts or entitlements, or write everyone"
            reading.faults.warn(mark, f"{what} names nobody", hint)
        return RecipientsRecord(node.mark.line + 1, node.mark.column + 1, *values)


class Grants:
    """App → the entitlements wanted there; an empty list wants an account, nothing more."""

    empty: dict[str, WantedRecord] | None = None

    @property
    def schema(self) -> Schema:
        """Each way to write an entitlement."""
        one: Schema = {
            "anyOf": [
                {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.-]*:.+"},
                {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "number", "null"]},
                    "minProperties": 1,
                    "maxProperties": 2,
                },
            ]
        }
        wanted = {"anyOf": [{"type": "null"}, {"type": "array", "items": one}, one["anyOf"][0]]}
        return {"type": "object", "additionalProperties": wanted}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> dict[str, WantedRecord] | None:
        """Return the wanted entitlements by app."""
        if not isinstance(node, Map):
            hint = "write {github: [team:platform]}; an empty list means an account"
            reading.faults.error(mark, f"{what} is a mapping of apps to entitlements, not {name_node(node)}", hint)
            return None
        marks = node.value_marks()
        return {
            str(app): read_wanted(reading, value, at, str(app))
            for app, value, at in zip(node.items[::2], node.items[1::2], marks, strict=False)
        }


def read_wanted(reading: Reading, node: Node, mark: Mark, app: str) -> WantedRecord:
    """Return the entitlements that a list wants in an app."""
    if node.__class__ is not Seq:
        node = _as_list(reading, node, mark, app)
    indexes = array("i", map(reading.wording.__getitem__, node.items))
    lines = array("I", [at.line + 1 for at in node.marks])
    if indexes and min(indexes) < 0:
        indexes, lines = _read_unusual(reading, node, indexes, lines)
    if len(set(indexes)) != len(indexes):
        _warn_of_repetition(reading, node, indexes)
    return WantedRecord(node.mark.line + 1, node.mark.column + 1, indexes.tobytes(), lines.tobytes())


def _as_list(reading: Reading, node: Node, mark: Mark, app: str) -> Seq:
    """Return what is no list as one: nothing as an empty one, one text as a list of one."""
    made = Seq(mark)
    if isinstance(node, Map):
        reading.faults.error(
            mark, f"the entitlements in {app} are a list, not a mapping", "write [kind:name, {kind:name: level}]"
        )
    elif isinstance(node, str) and not is_null(node):
        made.items.append(node)
        made.marks.append(mark)
    return made


def _read_unusual(
    reading: Reading, node: Seq, indexes: "array[int]", lines: "array[int]"
) -> tuple["array[int]", "array[int]"]:
    """Return the columns again, with what is no plain `kind:name` read one by one and mistakes left out."""
    usable, kept = array("i"), array("I")
    for index, line, element, mark in zip(indexes, lines, node.items, node.marks, strict=True):
        number = read_entitlement(reading, element, mark) if index == UNUSUAL else index
        if number != UNUSUAL:
            usable.append(number)
            kept.append(line)
    return usable, kept


def read_entitlement(reading: Reading, node: Node, mark: Mark) -> int:
    """Return the number of one entitlement in any form, `UNUSUAL` (with a fault) where it is none."""
    if isinstance(node, Map) and node.items:
        return _read_map(reading, node, mark)
    shown = reading.faults.show(node) if isinstance(node, str) else name_node(node)
    hint = _FORMS
    if isinstance(node, str) and node and ":" not in node:
        hint = f"say its kind too, like team:{node}" if node.isprintable() and len(node) < 100 else _FORMS  # noqa: PLR2004 - a short hint
    reading.faults.error(mark, f"{shown} is no entitlement", hint)
    return UNUSUAL


def _read_map(reading: Reading, node: Map, mark: Mark) -> int:
    """Read `{repo:web: write}`, `{project: WEB, role: developer}` or `{role: admin}`."""
    (kind, kind_mark, name, name_mark), *rest = node.pairs()
    text = Text()
    if ":" in kind:
        if rest:
            reading.faults.error(
                rest[0][1],
                f"{kind} is followed by another key",
                "write one entitlement an element: - {kind:name: level}",
            )
            return UNUSUAL
        return _number(reading, kind, text.read(reading, name, name_mark, f"the level of {kind}"), kind_mark)
    level = ""
    for key, key_mark, value, value_mark in rest:
        if key not in LEVEL_KEYS or key != rest[0][0]:
            hint = suggest(key, LEVEL_KEYS) or f"after {kind} comes at most one of: {', '.join(LEVEL_KEYS)}"
            reading.faults.error(key_mark, f"an entitlement has no key {reading.faults.show_key(key)}", hint)
            return UNUSUAL
        level = text.read(reading, value, value_mark, key)
    before = len(reading.faults.found)
    key = f"{kind}:{text.read(reading, name, name_mark, kind)}"
    return _number(reading, key, level, mark) if before == len(reading.faults.found) else UNUSUAL


def _number(reading: Reading, key: str, level: str, mark: Mark) -> int:
    if KEY.fullmatch(key):
        return reading.wording.add(key, level or None)
    reading.faults.error(mark, f"{reading.faults.show(key)} is no entitlement", _FORMS)
    return UNUSUAL


def _warn_of_repetition(reading: Reading, node: Seq, indexes: "array[int]") -> None:
    if len(indexes) != len(node.marks):  # some were left out with an error already
        return
    seen: set[int] = set()
    for index, mark in zip(indexes, node.marks, strict=True):
        if index in seen:
            reading.faults.warn(
                mark, f"{reading.wording.table[index][0]} stands in this list twice", "remove one of them"
            )
        seen.add(index)


ROLE = Fields(
    "role",
    Field("to", Recipients(), "Who gets it: {groups: [engineering]}, {people: [ana]} or everyone.", required=True),
    Field("grants", Grants(), "App to a list of entitlements: {github: [team:platform]}.", required=False),
    Field("description", LongText(), "What it is for."),
    hints={"people": 'write it inside "to"', "groups": 'write it inside "to"', "entitlements": 'write "grants"'},
)

GRANT = Fields(
    "grant",
    Field("to", Recipients(), "Who gets it: {people: [ana]}, {groups: [engineering]} or everyone.", required=True),
    Field("grants", Grants(), "App to a list of entitlements: {figma: [role:admin]}."),
    Field("until", Instant(), "When it ends: 2026-03-31 (that day still holds) or 2026-03-31 18:00 Europe/Berlin."),
    Field("start", Instant(), "When it begins: 2026-03-01 or 2026-03-01 09:00 Europe/Berlin."),
    Field("reason", LongText(), "Why, with a reference."),
    hints={"expires": 'write "until"', "people": 'write it inside "to"', "groups": 'write it inside "to"'},
)

_NOBODY = RecipientsRecord(0, 0)


def read_role(reading: Reading, entry: Entry) -> RoleRecord:
    """Return one entry of `roles`."""
    check_name(reading, entry.key, entry.mark, "the role")
    to, grants, description = ROLE.read(reading, entry.node, entry.mark, entry.key)
    _expect_grants(reading, entry, grants, f"role {entry.key}")
    return RoleRecord(entry.mark.line + 1, entry.mark.column + 1, entry.key, to or _NOBODY, grants or {}, description)


def read_grant(reading: Reading, entry: Entry) -> GrantRecord:
    """Return one element of `grants`."""
    values: list[Any] = GRANT.read(reading, entry.node, entry.mark, "")
    to, grants, until, start, reason = values
    _expect_grants(reading, entry, grants, "grant")
    return GrantRecord(entry.mark.line + 1, entry.mark.column + 1, to or _NOBODY, grants or {}, until, start, reason)


def _expect_grants(reading: Reading, entry: Entry, grants: object, what: str) -> None:
    """Note that `grants` is missing or empty, unless something else is known to be wrong with it."""
    if isinstance(entry.node, Map) and not grants and "grants" not in entry.node.items[::2]:
        reading.faults.error(entry.mark, f"{what} has no grants", "write grants: {app: [kind:name]}")
