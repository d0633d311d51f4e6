"""What a merge was refused is held: taken out of a plan and shown, with all that stands on it. Pure.

Nothing of what only the declaration after a refused merge asks for is done. People who have left go, whoever says so:
by the declaration after it, by the one before it, or by both.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.plan.basis import JudgedApp
from reconciler.plan.order import in_order, requirements
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.problems import NOWHERE
from reconciler.provider.change import Cause, Change
from reconciler.state.contract import Adoption


@dataclass(frozen=True, slots=True)
class Brought:
    """What one merge brought to an app, by two plans of the same live side.

    Attributes:
        changes: ids of the changes that only the declaration after it asks for, or asks for otherwise.
        adopted: the items that only that one takes on, or forgets.
        cancelled: keys of the tickets that only that one cancels.
        spared: the changes that only the declaration before it asks for.
    """

    changes: frozenset[str] = frozenset()
    adopted: frozenset[Item] = frozenset()
    cancelled: frozenset[str] = frozenset()
    spared: tuple[Change, ...] = ()


@dataclass
class Held:
    """All that is held in one app.

    Attributes:
        changes: id → why. adopted: items. cancelled: keys of tickets.
        spared: id → change of somebody who has left, and whom a refused merge would have kept.
    """

    changes: dict[str, str] = field(default_factory=dict)
    adopted: set[Item] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    spared: dict[str, Change] = field(default_factory=dict)

    def refuse(self, brought: Brought, why: str, since: Collection[str] = ()) -> None:
        """Hold what a refused merge brought.

        Args:
            brought: by it.
            why: it is held.
            since: people who were written otherwise after it: whether they have left, a later declaration says.
        """
        self.changes |= dict.fromkeys(brought.changes, why)
        self.adopted |= brought.adopted
        self.cancelled |= brought.cancelled
        leave = [one for one in brought.spared if one.cause is Cause.LEAVER and not one.blocked]
        self.spared |= {change.id: change for change in leave if change.holder not in since}

    def settle(self, brought: Brought) -> None:
        """Hold nothing any more of what a later merge, that was reviewed, brought as well."""
        spared = {change.id for change in brought.spared}
        for name in brought.changes | spared:
            self.changes.pop(name, None)
            self.spared.pop(name, None)
        self.adopted -= brought.adopted
        self.cancelled -= brought.cancelled


def tell_apart(before: AppPlan | None, after: AppPlan) -> Brought:
    """Compare the plans that the declarations before and after a merge make of the same live side.

    Args:
        before: None where the app was not declared before.
        after: the other one.
    """
    asked = {change.id: change for change in before.changes} if before else {}
    wanted = {change.id for change in after.changes}
    return Brought(
        frozenset(change.id for change in after.changes if not _same(change, asked.get(change.id))),
        _adopted(after.adoption) - (_adopted(before.adoption) if before else frozenset()),
        frozenset(one.key for one in after.cancellations)
        - frozenset(one.key for one in (before.cancellations if before else ())),
        tuple(change for name, change in asked.items() if name not in wanted),
    )


def _same(change: Change, asked: Change | None) -> bool:
    return asked is not None and (change.before, change.after) == (asked.before, asked.after)


def _adopted(adoption: Adoption) -> frozenset[Item]:
    return frozenset(
        [
            *map(AccountItem, adoption.accounts),
            *map(EntitlementItem, adoption.entitlements),
            *(GrantItem(holder, key) for holder, key, _ in adoption.grants),
            *adoption.gone,
        ]
    )


def withhold(plan: JudgedApp, held: Held) -> JudgedApp:
    """Return the plan of an app without what is held, which becomes findings."""
    if not (held.changes or held.adopted or held.cancelled or held.spared):
        return plan
    kept, findings = _part(plan.changes, held.changes)
    about = {change.item for change in plan.changes}
    spared = [change for change in held.spared.values() if change.item not in about]
    return replace(
        plan,
        changes=in_order([*kept, *spared]) if spared else tuple(kept),
        findings=(*findings, *plan.findings),
        adoption=_without(plan.adoption, held.adopted),
        cancellations=tuple(one for one in plan.cancellations if one.key not in held.cancelled),
    )


def withhold_all(plan: JudgedApp, why: str) -> JudgedApp:
    """Return the plan of an app with nothing in it but who has left: nobody can tell what else was reviewed."""
    held = withhold(plan, Held({change.id: why for change in plan.changes}))
    return replace(held, adoption=Adoption(), cancellations=())


def _part(changes: Sequence[Change], held: Mapping[str, str]) -> tuple[list[Change], list[Finding]]:
    """Part changes, which are in order, into those that are made, and findings of those that are not."""
    needs = requirements(changes)
    out: dict[str, str] = {}
    kept: list[Change] = []
    for change in changes:
        why = held.get(change.id) or next((out[name] for name in needs.get(change.id, ()) if name in out), "")
        if why and change.cause is not Cause.LEAVER:
            out[change.id] = why
        else:
            kept.append(change)
    return kept, [_finding(change, out[change.id]) for change in changes if change.id in out]


def _finding(change: Change, why: str) -> Finding:
    place = next((one.place for one in change.why if one.place.line), NOWHERE)
    return Finding(Fact.HELD, change.item, f"would {change.operation}; {why}", place, change.why, change.privileged)


def _without(adoption: Adoption, held: Iterable[Item]) -> Adoption:
    out = frozenset(held)
    if not out:
        return adoption
    return replace(
        adoption,
        accounts={name: one for name, one in adoption.accounts.items() if AccountItem(name) not in out},
        entitlements={key: one for key, one in adoption.entitlements.items() if EntitlementItem(key) not in out},
        grants=tuple(one for one in adoption.grants if GrantItem(one[0], one[1]) not in out),
        gone=tuple(item for item in adoption.gone if item not in out),
    )
