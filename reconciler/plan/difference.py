"""What moved between a plan that was reviewed and the one that would be done now."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.plan.digest import digest_plan, fingerprint_adoption, fingerprint_change
from reconciler.plan.plan import AppPlan, Plan
from reconciler.provider.change import Change

SHOWN = 10
"""How many changes of one sort are named; the others are counted."""


def explain_difference(reviewed: Plan, fresh: Plan) -> tuple[str, ...]:
    """Return what is different, a line each, the causes first: empty if both would do the same."""
    return tuple(_lines(reviewed, fresh))


def _lines(reviewed: Plan, fresh: Plan) -> Iterator[str]:
    if reviewed.tool != fresh.tool:
        yield f"the tool's version: {reviewed.tool}, now {fresh.tool}"
    yield from _tree_lines(reviewed, fresh)
    if reviewed.scope != fresh.scope:
        yield "what the plan is limited to (--app, --identity, --due, --reactivate, --trust-read, --adopt-baseline)"
    if reviewed.future != fresh.future:
        yield f"the reviewed plan was {'' if reviewed.future else 'not '}made for another moment (--at)"
    before, now = {app.app: app for app in reviewed.apps}, {app.app: app for app in fresh.apps}
    for name in sorted(before.keys() | now.keys()):
        if fresh.comparison is None or _acts(before.get(name)) or _acts(now.get(name)):
            yield from _app_lines(name, before.get(name), now.get(name))
    then, now_ = (plan.moment.isoformat(" ", "minutes") for plan in (reviewed, fresh))
    if then != now_ and digest_plan(reviewed) != digest_plan(fresh):
        # Last, since it is a cause only where a start, a last day or an `until` lies between: hours count as days do.
        yield f"the moment: {then}, now {now_}"


def _acts(app: AppPlan | None) -> bool:
    """Say whether a plan does anything in an app, so that how it is reached counts."""
    return app is not None and bool(app.changes or app.cancellations or [*fingerprint_adoption(app.adoption)])


def _tree_lines(reviewed: Plan, fresh: Plan) -> Iterator[str]:
    one, other = reviewed.comparison, fresh.comparison
    if one is None or other is None:
        if one is not other:
            yield f"the reviewed plan was {'not ' if one is None else ''}compared with a base (--base)"
        elif reviewed.tree_digest != fresh.tree_digest:
            yield f"the YAML: tree {reviewed.tree_digest[:12]}, now {fresh.tree_digest[:12]}"
        return
    if one.edits != other.edits:
        yield f"the lines of YAML that are changed: {one.edits[:12]}, now {other.edits[:12]}"
    for name in sorted({name for name, _ in {*one.rerouted} ^ {*other.rerouted}}):
        yield f"{name}: whether its route is one that the base knows"


def _app_lines(name: str, reviewed: AppPlan | None, fresh: AppPlan | None) -> Iterator[str]:
    if reviewed is None or fresh is None:
        yield f"{name}: {'not in the reviewed plan' if reviewed is None else 'no longer in the plan'}"
        return
    if reviewed.config_digest != fresh.config_digest:
        yield f"{name}: how it is reached and managed"
    if reviewed.ways != fresh.ways:
        yield f"{name}: its providers: {', '.join(reviewed.ways)}, now {', '.join(fresh.ways)}"
    if bool(reviewed.error) != bool(fresh.error):
        yield f"{name}: {fresh.error or 'it can be read again'}"
    yield from _change_lines(name, reviewed, fresh)
    yield from _applied_lines(name, reviewed, fresh)
    if {c.key for c in reviewed.cancellations} != {c.key for c in fresh.cancellations}:
        yield f"{name}: the tickets to cancel"


def _applied_lines(name: str, reviewed: AppPlan, fresh: AppPlan) -> Iterator[str]:
    """Name what is recorded otherwise than it was, beside the changes: items to take on or to forget."""
    before, now = ({str(one): one for one in fingerprint_adoption(plan.adoption)} for plan in (reviewed, fresh))
    for word, keys in (("also", now.keys() - before.keys()), ("no longer", before.keys() - now.keys())):
        shown = sorted(_adopted_words(*(before | now)[key]) for key in keys)
        if shown:
            more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
            yield f"{name}: what is applied: {word} to {', '.join(shown[:SHOWN])}{more}"


def _adopted_words(kind: str, *rest: Any) -> str:
    if kind == "gone":
        return f"forget {' '.join(filter(None, rest[1]))}"
    names = rest[:2] if kind == "grant" else rest[:1]
    return f"take on {kind} {' '.join(names)}"


def _change_lines(name: str, reviewed: AppPlan, fresh: AppPlan) -> Iterator[str]:
    before, now = {c.id: c for c in reviewed.changes}, {c.id: c for c in fresh.changes}
    both = before.keys() & now.keys()
    changed = [key for key in both if fingerprint_change(before[key]) != fingerprint_change(now[key])]
    yield from _list(name, "also", {key: str(now[key].cause) for key in now.keys() - both})
    yield from _list(name, "no longer", dict.fromkeys(before.keys() - both, "nothing to do any more"))
    yield from _list(name, "otherwise", {key: _what_changed(before[key], now[key]) for key in changed})


def _list(name: str, word: str, texts: Mapping[str, str]) -> Iterator[str]:
    keys = sorted(texts)
    for key in keys[:SHOWN]:
        yield f"{name}: {word}: {key} ({texts[key]})"
    if len(keys) > SHOWN:
        yield f"{name}: {word}: {len(keys) - SHOWN} more"


def _what_changed(reviewed: Change, fresh: Change) -> str:
    parts: dict[str, tuple[Any, Any]] = {
        "way": (reviewed.way, fresh.way),
        "account": (reviewed.account_id, fresh.account_id),
        "entitlement": (reviewed.entitlement_id, fresh.entitlement_id),
        "holder": (reviewed.holder_entitlement_id, fresh.holder_entitlement_id),
        "from": (dict(reviewed.before), dict(fresh.before)),
        "to": (dict(reviewed.after), dict(fresh.after)),
        "blocked": (reviewed.blocked or "no", fresh.blocked or "no"),
        "privileged": (reviewed.privileged, fresh.privileged),
    }
    return "; ".join(f"{part}: {_show(old)}, now {_show(new)}" for part, (old, new) in parts.items() if old != new)


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={one!r}" for key, one in sorted(value.items())) or "nothing"
    return str(value) or "none"
