"""Apps are read: routes, account rules, entitlements, what happens to leavers."""

import re
from typing import Any

from reconciler.load.access import Recipients
from reconciler.load.faults import Mark
from reconciler.load.fields import Field, Fields
from reconciler.load.identities import read_names
from reconciler.load.kinds import (
    AnyValues,
    Choice,
    Duration,
    Flag,
    LongText,
    Reading,
    Reference,
    Schema,
    Text,
    Texts,
    check_name,
    name_node,
)
from reconciler.load.records import AccountRulesRecord, AppRecord, EntitlementRecord, LeaverStepRecord
from reconciler.load.route import Route
from reconciler.load.scalars import is_null
from reconciler.load.suggest import suggest
from reconciler.load.tree import Entry, Map, Node, Seq
from reconciler.load.wording import KEY

MANAGE = ("observe", "declared", "everything")
LEAVER_STEPS = ("end_sessions", "suspend", "transfer_files", "remove_licenses")

_PRICE = re.compile(r"\d{1,9}(?:[.,]\d{1,4})? [A-Z]{3}(?:/(?:day|week|month|quarter|year))?", re.ASCII)


class Managing:
    """How far to go: one word, or a word by kind of entitlement (`accounts` for accounts, `default` for the rest)."""

    empty: tuple[str, dict[str, str]] | None = None
    _word = Choice(MANAGE)

    @property
    def schema(self) -> Schema:
        """Both ways to write it."""
        return {"anyOf": [self._word.schema, {"type": "object", "additionalProperties": self._word.schema}]}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> tuple[str, dict[str, str]]:
        """Return the word in general, and the words by kind."""
        if not isinstance(node, Map):
            return self._word.read(reading, node, mark, what), {}
        kinds = {key: self._word.read(reading, value, at, f"{what}.{key}") for key, _, value, at in node.pairs()}
        return kinds.pop("default", ""), {kind: word for kind, word in kinds.items() if word}


class Price(Text):
    """A price: `12.50 EUR/month`."""

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> str:
        """Return the price as written."""
        text = super().read(reading, node, mark, what)
        if text and not _PRICE.fullmatch(text):
            reading.faults.error(mark, f"{what} is written like 12.50 EUR/month, not {reading.faults.show(text)}")
        return text


class Steps:
    """What happens to a leaver's account: step names, each perhaps with options (`transfer_files: {to: manager}`)."""

    empty: list[LeaverStepRecord] | None = None

    @property
    def schema(self) -> Schema:
        """A list of names, or of mappings with one key."""
        options = {name: {"type": ["object", "null"]} for name in LEAVER_STEPS}
        one = {"type": "object", "properties": options, "additionalProperties": False, "maxProperties": 1}
        return {"type": "array", "items": {"anyOf": [{"enum": list(LEAVER_STEPS)}, one]}}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> list[LeaverStepRecord] | None:
        """Return the steps in order."""
        if not isinstance(node, Seq):
            reading.faults.error(
                mark, f"{what} is a list of steps, not {name_node(node)}", "write [end_sessions, suspend]"
            )
            return None
        steps = [self._read_step(reading, one, at) for one, at in zip(node.items, node.marks, strict=True)]
        return [step for step in steps if step is not None]

    @staticmethod
    def _read_step(reading: Reading, node: Node, mark: Mark) -> LeaverStepRecord | None:
        name, options = node, {}
        if isinstance(node, Map) and len(node.items) == 2:  # noqa: PLR2004 - one key, one value
            ((name, mark, value, value_mark),) = node.pairs()
            options = AnyValues().read(reading, value, value_mark, name)
        if not isinstance(name, str):
            reading.faults.error(
                mark, "a step is a name, or a mapping with one key", "write transfer_files: {to: manager}"
            )
            return None
        if name not in LEAVER_STEPS:
            hint = suggest(name, LEAVER_STEPS) or f"there are: {', '.join(LEAVER_STEPS)}"
            reading.faults.error(mark, f"{reading.faults.show(name)} is no step for leavers", hint)
            return None
        return LeaverStepRecord(mark.line + 1, mark.column + 1, str(name), options)


_ACCOUNTS = Fields(
    "accounts",
    Field("attributes", AnyValues(), 'The app\'s attribute to a value or a template: {title: "{{ person.title }}"}.'),
    Field("match", Choice(("email", "username"), "email"), "What an account is found by when nothing better is known."),
    Field("to", Recipients(), "Who has an account even without a grant."),
)


class Accounts:
    """How accounts look in an app, and who has one."""

    empty: AccountRulesRecord | None = None
    schema = _ACCOUNTS.schema

    def read(self, reading: Reading, node: Node, mark: Mark, _what: str) -> AccountRulesRecord:
        """Return the rules; templates are compiled once, to know what they read."""
        attributes, match, to = _ACCOUNTS.read(reading, node, mark, "")
        names: set[str] = set()
        if attributes and isinstance(node, Map):
            written = next(value for key, _, value, _ in node.pairs() if key == "attributes")
            for _, _, value, at in written.pairs() if isinstance(written, Map) else ():
                if isinstance(value, str) and "{" in value:
                    names.update(read_names(reading, value, at, template=True))
        return AccountRulesRecord(mark.line + 1, mark.column + 1, attributes, match, to, sorted(names))


_ENTITLEMENT = Fields(
    "entitlement",
    Field("formerly", Texts(), "Keys that it had before: it is renamed in place."),
    Field("privileged", Flag(), "Whether it is shown first, adopted only by a reviewed pin, and guarded."),
    Field("approvers", Texts(), "owner, or names of groups."),
    Field("price", Price(), "What it costs: 12.50 EUR/month."),
    Field("levels", Texts(), "Its levels from the weakest to the strongest, where the provider does not know."),
    Field("attributes", AnyValues(), "The app's attributes of it that are kept equal."),
)


class Entitlements:
    """Entitlements to create and rename, and what is special about them."""

    empty: list[EntitlementRecord] = []  # noqa: RUF012 - never changed

    @property
    def schema(self) -> Schema:
        """Key (`kind:name`) to rules."""
        rules = {**_ENTITLEMENT.schema, "type": ["object", "null"]}
        return {"type": ["object", "null"], "propertyNames": {"pattern": "^[^:]+:.+"}, "additionalProperties": rules}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> list[EntitlementRecord]:
        """Return the rules in the order of the file."""
        if not isinstance(node, Map):
            if not isinstance(node, str) or not is_null(node):
                reading.faults.error(mark, f"{what} is a mapping, not {name_node(node)}", "write {channel:eng: {}}")
            return []
        return [self._read_one(reading, key, at, value) for key, at, value, _ in node.pairs()]

    @staticmethod
    def _read_one(reading: Reading, key: str, mark: Mark, node: Node) -> EntitlementRecord:
        values = _ENTITLEMENT.read(reading, node, mark, key)
        for name in (key, *values[0]):
            if not KEY.fullmatch(name):
                hint = f"say its kind too, like channel:{name}" if ":" not in name else "write kind:name"
                reading.faults.error(mark, f"{reading.faults.show_key(name)} is no entitlement", hint)
        return EntitlementRecord(mark.line + 1, mark.column + 1, key, *values)


APP = Fields(
    "app",
    Field("owner", Reference(), "The id of the person whom tickets, reviews and approvals go to.", required=True),
    Field("deputy", Reference(), "The id of the person who stands in."),
    Field("route", Route(), "The ways to reach it; each operation takes the first that can do it."),
    Field("manage", Managing(), "observe, declared (the default) or everything; may differ by kind."),
    Field("drift", Choice(("report", "correct"), "report"), "What a scheduled run does with drift."),
    Field("accounts", Accounts(), "How accounts look, and who has one."),
    Field("entitlements", Entitlements(), "Those to create and rename, and what is special about them."),
    Field("leaver", Steps(), "A leaver's steps; files are transferred before licences go, in whatever order."),
    Field("delete_after", Duration(), "How long after suspension an account is deleted: 30d; none means never."),
    Field(
        "plans",
        Choice(("live", "snapshot"), "live"),
        "What plans are made of: the app itself, or the last answer kept by an apply, where no token only reads.",
    ),
    Field("description", LongText(), "What it is for."),
    hints={
        "provider": 'write it inside "route"',
        "scim": 'write it inside "route"',
        "grants": "grants and roles say who gets what",
    },
)


def read_app(reading: Reading, entry: Entry) -> AppRecord:
    """Return one entry of `apps`."""
    key, mark = entry.key, entry.mark
    check_name(reading, key, mark, "the app")
    values: list[Any] = APP.read(reading, entry.node, mark, key)
    owner, deputy, route, manage, drift, accounts, entitlements, leaver, delete_after, plans, description = values
    general, kinds = manage or ("", {})
    return AppRecord(
        mark.line + 1,
        mark.column + 1,
        key,
        owner,
        deputy,
        route or [],
        general or "declared",
        kinds,
        drift,
        accounts,
        entitlements,
        leaver,
        delete_after,
        plans,
        description,
    )
