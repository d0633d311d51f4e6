"""Policies are read."""

import re

from reconciler.load.faults import Mark
from reconciler.load.fields import Field, Fields
from reconciler.load.kinds import Reading, Schema, Texts, name_node
from reconciler.load.records import PolicyRecord
from reconciler.load.scalars import is_null
from reconciler.load.suggest import suggest
from reconciler.load.tree import Entry, Map, Node
from reconciler.model.policies import SelfApproval

POLICIES = ("never_together", "protected", "limits", "self_approval")

_SELF_APPROVAL = "Whether an approval by somebody who gains by the pull request counts: never, if not set."
_LIMIT = re.compile(
    r"(?:(?P<count>\d{1,9})(?: or (?P<or>\d{1,3}(?:\.\d{1,4})?) ?%)?|(?P<share>\d{1,3}(?:\.\d{1,4})?) ?%)", re.ASCII
)
_PAIR = 2
_ALL = 100.0


class Limit:
    """A limit: `5`, `10%` or `5 or 10%` (the larger)."""

    empty: tuple[int, float] | None = None
    schema: Schema = {"type": ["string", "integer"], "pattern": "^\\d+( or \\d+(\\.\\d+)? ?%)?$|^\\d+(\\.\\d+)? ?%$"}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> tuple[int, float] | None:
        """Return the number and the share (0 to 1)."""
        found = _LIMIT.fullmatch(node) if isinstance(node, str) else None
        share = float((found["or"] or found["share"] or 0) if found else 0)
        if found and share <= _ALL:
            return int(found["count"] or 0), share / _ALL
        shown = reading.faults.show(node) if isinstance(node, str) else name_node(node)
        reading.faults.error(mark, f"{what} is a limit like 5, 10% or 5 or 10%, not {shown}")
        return None


class Count:
    """A number from 0."""

    empty: tuple[int, float] | None = None
    schema: Schema = {"type": "integer", "minimum": 0}  # noqa: RUF012 - never changed

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> tuple[int, float] | None:
        """Return the number (and no share)."""
        if isinstance(node, str) and re.fullmatch(r"[0-9]{1,9}", node):
            return int(node), 0.0
        shown = reading.faults.show(node) if isinstance(node, str) else name_node(node)
        reading.faults.error(mark, f"{what} is a number, not {shown}")
        return None


PROTECTED = Fields(
    "protected",
    Field("people", Texts(), "Ids of people and service accounts from whom no plan takes anything."),
    Field("accounts", Texts(), "Accounts as app/username."),
    Field("entitlements", Texts(), "Entitlements as app/kind:name."),
)

LIMITS = Fields(
    "limits",
    Field("leavers", Limit(), "How many people may leave in one plan: 3 or 1%."),
    Field("removals_per_app", Limit(), "How many other removals one plan may hold in one app: 5 or 10%."),
    Field("removals", Limit(), "How many other removals one plan may hold in all apps together: 25 or 10%."),
    Field("minimum_admins", Count(), "How many holders of each privileged entitlement must remain."),
)


def read_policy(reading: Reading, entry: Entry) -> PolicyRecord | None:
    """Return one entry of `policies`."""
    record = PolicyRecord(entry.mark.line + 1, entry.mark.column + 1, entry.key)
    match entry.key:
        case "never_together":
            record.never_together = _read_never_together(reading, entry.node, entry.node_mark)
        case "protected":
            record.people, record.accounts, record.entitlements = map(
                list, PROTECTED.read(reading, entry.node, entry.node_mark, "")
            )
        case "limits":
            values = LIMITS.read(reading, entry.node, entry.node_mark, "")
            record.limits = {
                field.name: value for field, value in zip(LIMITS.fields, values, strict=True) if value is not None
            }
        case "self_approval":
            record.self_approval = _read_self_approval(reading, entry)
        case _:
            hint = suggest(entry.key, POLICIES) or f"there are: {', '.join(POLICIES)}"
            reading.faults.error(entry.mark, f"policies has no key {reading.faults.show_key(entry.key)}", hint)
            return None
    return record


def _read_self_approval(reading: Reading, entry: Entry) -> str:
    known = [one.value for one in SelfApproval]
    if isinstance(entry.node, str) and entry.node in known:
        return entry.node
    shown = reading.faults.show(entry.node) if isinstance(entry.node, str) else name_node(entry.node)
    reading.faults.error(entry.node_mark, f"self_approval is one of {', '.join(known)}, not {shown}")
    return ""


def _read_never_together(reading: Reading, node: Node, mark: Mark) -> dict[str, tuple[int, int, list[str]]]:
    if not isinstance(node, Map):
        if not isinstance(node, str) or not is_null(node):
            hint = "write {a-name: [app/kind:name, app/kind:name]}"
            reading.faults.error(mark, f"never_together is a mapping of names to lists, not {name_node(node)}", hint)
        return {}
    found = {}
    for name, name_mark, value, value_mark in node.pairs():
        together = Texts().read(reading, value, value_mark, name)
        if len(together) < _PAIR:
            reading.faults.error(
                name_mark, f"never_together {name} names fewer than two entitlements", "name at least two"
            )
        found[name] = (name_mark.line + 1, name_mark.column + 1, together)
    return found


def policies_schema() -> Schema:
    """Return the JSON Schema of `policies`."""
    together = {"type": "array", "items": {"type": "string", "pattern": "^[^/]+/[^:]+:.+"}, "minItems": 2}
    about = "Name to entitlements (app/kind:name) that nobody may hold all of."
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "never_together": {"type": ["object", "null"], "additionalProperties": together, "description": about},
            "protected": PROTECTED.schema,
            "limits": LIMITS.schema,
            "self_approval": {"enum": [one.value for one in SelfApproval], "description": _SELF_APPROVAL},
        },
    }
