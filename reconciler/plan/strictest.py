"""An app as the stricter of two revisions has it: who weakens a guard is judged by the old one. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from reconciler.model.apps import App, EntitlementRules, Manage

_ORDER = (Manage.OBSERVE, Manage.DECLARED, Manage.EVERYTHING)


def strictest(base: App, head: App) -> App:
    """Return the head's app with whatever of the base's guards it has loosened.

    It goes no further than either side (`manage`), takes for privileged what either side does, and deletes after the
    longer grace.
    """
    kinds = {
        kind: _less(base.manages(kind), head.manages(kind)) for kind in sorted({*base.manage_kinds, *head.manage_kinds})
    }
    return replace(
        head,
        manage=_less(base.manage, head.manage),
        manage_kinds=kinds,
        entitlements={**head.entitlements, **_privileged(base, head)},
        delete_after=_longer(base.delete_after, head.delete_after),
    )


def loosened(base: App, head: App) -> Iterator[str]:
    """Yield what of a head's app is looser than the base's: it holds after the merge, and not for it."""
    for kind in ("", *sorted({*base.manage_kinds, *head.manage_kinds})):
        one, other = (app.manages(kind) if kind else app.manage for app in (base, head))
        if _less(one, other) is not other:
            yield f"manage{f' ({kind})' if kind else ''}: {other}"
    for key in sorted(_privileged(base, head)):
        yield f"{key} is not privileged any more"
    if _longer(base.delete_after, head.delete_after) != head.delete_after:
        yield "accounts are deleted sooner"


def _less(one: Manage, other: Manage) -> Manage:
    return min(one, other, key=_ORDER.index)


def _longer(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return None if one is None or other is None else max(one, other)


def _privileged(base: App, head: App) -> dict[str, EntitlementRules]:
    """Return the entitlements that the head no longer calls privileged, as privileged ones."""
    found: dict[str, EntitlementRules] = {}
    for key, rules in base.entitlements.items():
        now = head.entitlements.get(key)
        if rules.privileged and not (now and now.privileged):
            found[key] = replace(now, privileged=True) if now else rules
    return found
