"""Values of an account's attribute as entitlements (roles, licences, seats), changed by editing the account."""

import asyncio
from collections.abc import Mapping
from typing import Any

from providers.scim.config import ValueKind
from providers.scim.editing import Edit, Editor, Ending
from providers.scim.mapping import read
from providers.scim.paths import AttributePath, NameTable, elements, find
from providers.scim.reading import typed_values
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class ValueWriter:
    """Grants and revokes values.

    Args:
        editor: changes accounts.
        names: what users call attributes.
        kinds: kind → the attribute that its entitlements are values of.
    """

    def __init__(self, editor: Editor, names: NameTable, kinds: Mapping[str, ValueKind]) -> None:
        self._editor = editor
        self._names = names
        self._kinds = kinds
        self._turns: dict[str, asyncio.Lock] = {}

    async def perform(self, change: Change) -> Receipt:
        """Give an account a value, or take one away; other values of the attribute stay."""
        rule, value = self._kinds[change.kind], name_of(change.entitlement)
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        if not change.account_id:
            return Receipt(change, Outcome.FAILED, f"{what}: there is no account yet")
        path = self._names.path(rule.attribute)
        adds = change.operation is Operation.GRANT

        def amend(resource: Mapping[str, Any]) -> Mapping[AttributePath, Any]:
            return {path: changed(read(resource, path), rule, value, adds=adds)}

        async with self._turns.setdefault(change.account_id, asyncio.Lock()):
            edited = await self._editor.apply(Edit("Users", change.account_id, {}, what, amend=amend))
        match edited.ending:
            case Ending.DONE:
                return Receipt(change, Outcome.DONE, edited.words)
            case Ending.ABSENT:
                return Receipt(change, Outcome.FAILED if adds else Outcome.DONE, f"{what}: the account was not found")
            case Ending.UNKNOWN:
                return Receipt(change, Outcome.UNKNOWN, edited.words)
            case Ending.REFUSED:
                return Receipt(change, Outcome.FAILED, edited.words)


def changed(current: Any, rule: ValueKind, value: str, *, adds: bool) -> Any:
    """Return an attribute with one value more, or less: a list of elements, or the value of a single attribute.

    A single value that is not the one to be revoked stays: somebody else has decided on it meanwhile.
    """
    if rule.single and not isinstance(current, list) and not rule.type:
        return value if adds else None if str(current) == value else current
    ours = [element for element, found in typed_values(current, rule) if rule.single or found == value]
    revoked = [element for element, found in typed_values(current, rule) if found == value]
    if not adds:
        return [element for element in _plain(current) if element not in revoked] or None
    kept = [element for element in _plain(current) if element not in ours]
    fresh = {"value": value, **({"type": rule.type} if rule.type else {})}
    same = next((element for element in revoked), fresh)
    return [*kept, same]


def _plain(value: Any) -> list[dict[str, Any]]:
    return [element for element in elements(value) if find(element, "value") is not None]
