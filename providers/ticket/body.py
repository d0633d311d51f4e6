"""What a ticket says to the person who does it: a sandboxed template over values that were escaped before."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from reconciler.errors import ExpressionError
from reconciler.items import name_of
from reconciler.provider.change import Cause, Change, Operation, Why
from reconciler.provider.contract import Surroundings

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_BODY = 64 * 1024
MAX_LOOPS = 2
_FILTERS = frozenset({"default", "join", "length", "lower", "upper", "title", "capitalize", "first", "last"})
_MARKUP = re.compile(r"([\\`*_\[\]<>&|~#$!])")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_BLOCK = re.compile(r"^(?:([-+=])|(\d+)([.)]))")


def escape(value: object) -> str:
    """Return a value as Markdown text that means nothing but itself, on one line, and mentions nobody."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())
    text = _MENTION.sub("@<!-- -->", _MARKUP.sub(r"\\\1", text))
    return _BLOCK.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", text)


def write_title(changes: Sequence[Change], surroundings: Surroundings) -> str:
    """Return what a ticket is called, as one line of plain text."""
    title = f"{changes[0].app}: " + _fill(_title(changes), changes[0], surroundings, str)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())


def _title(changes: Sequence[Change]) -> str:
    """Return the sentence of a title, to be filled in for the first change."""
    if len(changes) == 1:
        return _TITLES[changes[0].operation]
    left = all(change.cause in URGENT for change in changes)
    return f"{len(changes)} changes for {{who}}" + (", who has left" if left else "")


def asks_for_several(template: str) -> bool:
    """Say whether a template tells of all of a ticket's `changes`: the usual one does, others may be older than that.

    Raises:
        ExpressionError: it cannot be compiled.
    """
    from jinja2 import TemplateError, nodes  # noqa: PLC0415 - see write_body

    try:
        return not template or any(one.name == "changes" for one in _environment().parse(template).find_all(nodes.Name))
    except (TemplateError, RecursionError) as error:
        raise ExpressionError(f"the ticket's template cannot be filled in: {error}") from None


def write_body(
    changes: Sequence[Change], surroundings: Surroundings, due: datetime, template: str = "", *, closing: str = ""
) -> str:
    """Return the Markdown that asks for a change, or for several of one holder.

    Args:
        changes: what is to be done, in its order; a template sees the first one's names, and all in `changes`.
        surroundings: whose names and owner it mentions.
        due: until when.
        template: the text of a Jinja2 template; empty for the usual one. It sees escaped texts only.
        closing: how the ticket is closed where it lives, as Markdown.

    Raises:
        ExpressionError: the template cannot be compiled or filled in, or its result is too long.
    """
    from jinja2 import TemplateError  # noqa: PLC0415 - 60 ms that only the opening of a ticket pays

    try:
        text = str(_compile(template or _usual()).render(_values(changes, surroundings, due) | {"closing": closing}))
    except (TemplateError, TypeError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"the ticket's template cannot be filled in: {error}") from None
    if len(text) > MAX_BODY:
        raise ExpressionError(f"the ticket's template makes more than {MAX_BODY} characters")
    return text.strip() + "\n"


@cache
def _usual() -> str:
    return resources.files(__package__).joinpath("ticket.md.j2").read_text(encoding="utf-8")


@cache
def _compile(source: str) -> Any:
    from jinja2 import nodes  # noqa: PLC0415 - see write_body

    environment = _environment()
    _refuse_more(environment.parse(source), nodes, loops=0)
    return environment.from_string(source)


def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import StrictUndefined  # noqa: PLC0415 - see write_body
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - see write_body

    # The result is Markdown, not HTML; every value is escaped before it comes here.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.globals.clear()
    return environment


def _refuse_more(node: Any, nodes: Any, loops: int) -> None:
    """Refuse what a letter does not need: arithmetic, calls, assignments, loops in loops in loops. So it always ends.

    Raises:
        ValueError: the template holds such a thing; names the line.
    """
    plain = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr)
    logic = (nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or, nodes.Test, nodes.Concat, nodes.Getattr)
    loops += isinstance(node, nodes.For)
    allowed = isinstance(node, (*plain, *logic)) or (isinstance(node, nodes.For) and loops <= MAX_LOOPS)
    if not allowed and not (isinstance(node, nodes.Filter) and node.name in _FILTERS):
        raise ValueError(f"line {node.lineno}: {type(node).__name__.lower()} is not for ticket templates")
    for child in node.iter_child_nodes():
        _refuse_more(child, nodes, loops)


def _values(changes: Sequence[Change], surroundings: Surroundings, due: datetime) -> dict[str, object]:
    first = changes[0]
    told = [_told(change, surroundings) for change in changes]
    return told[0] | {
        "title": f"{escape(first.app)}: " + escape_step(_title(changes), first, surroundings),
        "app": escape(first.app),
        "who": escape(_person(first.holder, first, surroundings)),
        "holder": escape(first.holder),
        "username": escape(first.username),
        "account": escape(first.account_id),
        "owner": escape(_person(surroundings.owner, None, surroundings)),
        "due": f"{due:%Y-%m-%d}",
        "privileged": any(change.privileged for change in changes),
        "steps": [*_without_repeats(changes, surroundings)],
        "changes": told,
    }


def _told(change: Change, surroundings: Surroundings) -> dict[str, object]:
    """Return what a template may say of one change."""
    return {
        "operation": escape(change.operation),
        "entitlement": escape(change.entitlement),
        "level": escape(change.after.get("level") or ""),
        "privileged": change.privileged,
        "cause": escape(change.cause),
        "reasons": [escape(_reason(why)) for why in change.why],
        "steps": [escape_step(step, change, surroundings) for step in _STEPS[change.operation](change)],
    }


def _without_repeats(changes: Sequence[Change], surroundings: Surroundings) -> Iterator[str]:
    """Yield the steps of all changes; nobody is told twice to sign in, nor to find the account that is open already."""
    said: set[str] = set()
    for change in changes:
        for step in _STEPS[change.operation](change):
            if step in said:
                continue
            if step in {_ADMIN, _FIND}:
                said.add(step)
            yield escape_step(step if len(changes) == 1 else step.replace(_ALONE, "."), change, surroundings)
        if change.operation is Operation.CREATE_ACCOUNT:
            said.add(_FIND)


def _reason(why: Why) -> str:
    return f"{why.text} ({why.place.short})" if why.place.short else why.text


def _person(identity: str, change: Change | None, surroundings: Surroundings) -> str:
    """Return `Ana Ruiz (ana, ana@acme.example)`, with what is known of it."""
    name, email = surroundings.people.get(identity, ("", ""))
    if change is not None:
        name = name or str(change.after.get("person.name") or "")
        email = email or str(change.after.get("email") or "")
    details = ", ".join(filter(None, (identity, email)))
    return f"{name} ({details})" if name else details or "nobody"


def escape_step(step: str, change: Change, surroundings: Surroundings) -> str:
    """Fill in one of our own sentences: what is in braces is escaped, the sentence is not."""
    return _fill(step, change, surroundings, escape)


def _fill(step: str, change: Change, surroundings: Surroundings, show: Callable[[object], str]) -> str:
    values = {
        "app": change.app,
        "who": _person(change.holder, change, surroundings),
        "account": change.username or change.account_id or change.holder,
        "entitlement": change.entitlement,
        "name": name_of(change.entitlement),
        "kind": change.kind,
        "level": change.after.get("level") or "",
        "old_level": change.before.get("level") or "",
        "old": change.former or change.entitlement_id,
        "to": change.after.get("to") or "the owner",
    }
    return step.format_map({name: show(value) for name, value in values.items()})


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _shown(value: object) -> str:
    return _braces(escape(", ".join(map(str, value)) if isinstance(value, tuple) else value))


def _set_values(change: Change) -> list[str]:
    """Return a step for each value that the account is to have."""
    labels = {"person.name": "name", "external_id": "external id"}
    hidden = {"level", *(name for name in change.after if name.startswith("person.") and name != "person.name")}
    after = {name: value for name, value in change.after.items() if name not in hidden and value not in (None, "")}
    return [f"Set **{_braces(escape(labels.get(name, name)))}** to {_shown(value)}." for name, value in after.items()]


_ADMIN = "Sign in to {app} as an administrator."
_FIND = "Find the account {account}."
_ALONE = ", and nothing else."


def _grant(change: Change) -> list[str]:
    level = " at level {level}" if change.after.get("level") else ""
    return [_ADMIN, _FIND, "Give it the {kind} **{name}**" + level + ", and nothing else."]


_TITLES: Mapping[Operation, str] = {
    Operation.CREATE_ACCOUNT: "create an account for {who}",
    Operation.UPDATE_ACCOUNT: "change the account of {who}",
    Operation.REACTIVATE_ACCOUNT: "reactivate the account of {who}",
    Operation.SUSPEND_ACCOUNT: "suspend the account of {who}",
    Operation.DELETE_ACCOUNT: "delete the account of {who}",
    Operation.END_SESSIONS: "end all sessions of {who}",
    Operation.TRANSFER_FILES: "hand over the files of {who}",
    Operation.REMOVE_LICENSES: "take back the licences of {who}",
    Operation.CREATE_ENTITLEMENT: "create {entitlement}",
    Operation.RENAME_ENTITLEMENT: "rename {old} to {entitlement}",
    Operation.UPDATE_ENTITLEMENT: "change {entitlement}",
    Operation.GRANT: "give {entitlement} to {who}",
    Operation.SET_LEVEL: "change the level of {entitlement} for {who}",
    Operation.REVOKE: "take {entitlement} from {who}",
}
_STEPS: Mapping[Operation, Callable[[Change], list[str]]] = {
    Operation.CREATE_ACCOUNT: lambda change: [_ADMIN, "Create an account {account}.", *_set_values(change)],
    Operation.UPDATE_ACCOUNT: lambda change: [_ADMIN, _FIND, *_set_values(change)],
    Operation.REACTIVATE_ACCOUNT: lambda _: [_ADMIN, _FIND, "Reactivate it."],
    Operation.SUSPEND_ACCOUNT: lambda _: [
        _ADMIN,
        _FIND,
        "Suspend it; do not delete it.",
        "End its sessions.",
    ],
    Operation.DELETE_ACCOUNT: lambda _: [_ADMIN, _FIND, "Make sure that nobody needs its data any more.", "Delete it."],
    Operation.END_SESSIONS: lambda _: [_ADMIN, _FIND, "End all of its sessions, and revoke its tokens."],
    Operation.TRANSFER_FILES: lambda _: [_ADMIN, _FIND, "Hand over its files to {to}."],
    Operation.REMOVE_LICENSES: lambda _: [_ADMIN, _FIND, "Take back its licences."],
    Operation.CREATE_ENTITLEMENT: lambda change: [_ADMIN, "Create the {kind} **{name}**.", *_set_values(change)],
    Operation.RENAME_ENTITLEMENT: lambda _: [_ADMIN, "Rename {old} to **{name}**; do not make it anew."],
    Operation.UPDATE_ENTITLEMENT: lambda change: [_ADMIN, "Find the {kind} **{name}**.", *_set_values(change)],
    Operation.GRANT: _grant,
    Operation.SET_LEVEL: lambda _: [_ADMIN, _FIND, "Change its level of the {kind} **{name}** to {level}."],
    Operation.REVOKE: lambda _: [_ADMIN, _FIND, "Take the {kind} **{name}** from it, and nothing else."],
}
URGENT = frozenset({Cause.LEAVER})
