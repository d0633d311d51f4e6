"""Which values of a change are kept equal from then on, and so are remembered and looked for when reading back."""

from collections.abc import Mapping
from typing import Final

from reconciler.items import Value
from reconciler.provider.change import Change, Operation

_NOT_KEPT: Final[Mapping[Operation, frozenset[str]]] = {
    Operation.CREATE_ACCOUNT: frozenset({"username", "email", "external_id"}),
    Operation.UPDATE_ACCOUNT: frozenset({"username"}),
    Operation.CREATE_ENTITLEMENT: frozenset({"name"}),
    Operation.UPDATE_ENTITLEMENT: frozenset(),
}
"""Operations that set attributes → what in `Change.after` is none: what only identifies, or is kept elsewhere."""


def kept_attributes(change: Change) -> dict[str, Value]:
    """Return the attributes that a change sets and that are compared ever after; `person.` is only for the start."""
    skipped = _NOT_KEPT.get(change.operation)
    if skipped is None:
        return {}
    return {n: v for n, v in change.after.items() if n not in skipped and not n.startswith("person.")}
