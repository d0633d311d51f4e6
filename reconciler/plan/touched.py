"""What a pull request asks for: the items of one app about which base and head say different things. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Names
from reconciler.plan.inputs import AppInputs
from reconciler.resolve.declared import DeclaredApp, Presence

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Touched:
    """The items about which base and head differ.

    Attributes:
        items: item → whether the head asks for it to be there.
        values: identities with an account on both sides whose attributes differ.
    """

    items: Mapping[Item, bool] = field(default_factory=dict)
    values: frozenset[str] = frozenset()

    @property
    def accounts(self) -> frozenset[str]:
        """The identities whose account a pull request touches, or stands on."""
        held = {item.holder for item in self.items if not isinstance(item, EntitlementItem) and ":" not in item.holder}
        return self.values | held

    @property
    def holders(self) -> frozenset[str]:
        """Everybody, and every entitlement, for whom anything may differ."""
        return self.accounts | {item.holder for item in self.items if isinstance(item, GrantItem)}

    @property
    def entitlements(self) -> frozenset[str]:
        """The keys of the entitlements that a pull request touches, or stands on."""
        keys = {item.entitlement for item in self.items if not isinstance(item, AccountItem)}
        return frozenset(keys | {item.holder for item in self.items if isinstance(item, GrantItem)})


def touch(head: AppInputs, base: AppInputs | None, edited: Collection[str]) -> Touched:
    """Say what a pull request touches in one app.

    Args:
        head: the app as the head declares it.
        base: the same app as the base declares it; None where the base did not have it.
        edited: ids of the identities that are written differently; where the app's rules for accounts differ, all.
    """
    items: dict[Item, bool] = {}
    items.update(_accounts(head.declared, base.declared if base else None))
    items.update(_entitlements(head.declared, base.declared if base else None))
    items.update(_grants(head.declared, base.declared if base else None))
    return Touched(items, frozenset(_values(head, base, edited)) if base else frozenset())


def _accounts(head: DeclaredApp, base: DeclaredApp | None) -> Iterator[tuple[Item, bool]]:
    before = base.accounts if base else {}
    gone = base.absent_accounts if base else {}
    for name in {*_differing(head.accounts, before), *_differing(head.absent_accounts, gone)}:
        yield AccountItem(name), head.accounts.get(name) is Presence.PRESENT


def _differing(one: Mapping[_Key, _Value], other: Mapping[_Key, _Value]) -> Iterator[_Key]:
    """Yield the keys that only one side has, or with another value."""
    if one != other:
        yield from [key for key, value in one.items() if key not in other or other[key] != value]
        yield from [key for key in other if key not in one]


def _entitlements(head: DeclaredApp, base: DeclaredApp | None) -> Iterator[tuple[Item, bool]]:
    before = base.entitlements if base else {}
    for key in {*head.entitlements, *before}:
        now, then = head.entitlements.get(key), before.get(key)
        told = [(one.formerly, dict(one.attributes)) if one else None for one in (now, then)]
        if told[0] != told[1]:
            yield EntitlementItem(key), now is not None


def _grants(head: DeclaredApp, base: DeclaredApp | None) -> Iterator[tuple[Item, bool]]:
    names, now = head.names, head.grants
    grants, absent = (base.grants, base.absent) if base else ({}, {})
    if base and base.names is not names:
        level = base.names.levels
        grants = {_moved(grant, base.names, names): names.level(level[one]) for grant, one in grants.items()}
        absent = {_moved(grant, base.names, names): why for grant, why in absent.items()}
    for grant in {*_differing(now, grants), *_differing(head.absent, absent)}:
        yield names.item(grant), grant in now


def _moved(grant: int, numbered: Names, names: Names) -> int:
    item = numbered.item(grant)
    return names.grant(item.holder, item.entitlement)


def _values(head: AppInputs, base: AppInputs, edited: Collection[str]) -> Iterator[str]:
    same_rules = dict(head.declared.app.accounts.attributes) == dict(base.declared.app.accounts.attributes)
    for name in edited if same_rules else head.declared.accounts:
        both = (side.declared.accounts.get(name) is Presence.PRESENT for side in (head, base))
        if all(both) and head.account(name) != base.account(name):
            yield name
