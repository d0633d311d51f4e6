"""Frozen dataclasses, made quickly.

The `__init__` of a frozen dataclass sets each field through `object.__setattr__`, which takes four times as long as an
assignment: half of a warm load. Here a twin without the freeze is filled, and then becomes one of the class.
"""

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

_Frozen = TypeVar("_Frozen")


def thaw(cls: type[_Frozen]) -> Callable[..., _Frozen]:
    """Return what makes instances of a frozen dataclass with slots.

    Args:
        cls: the class; it has no `__post_init__`.

    Returns:
        A function that takes all fields by position, in their order, defaults included.
    """
    twin = make_dataclass(f"Thawed{cls.__name__}", [(field.name, Any) for field in fields(cls)], slots=True)  # type: ignore[arg-type] # a dataclass, says the caller

    def make(*values: Any) -> _Frozen:
        made = twin(*values)
        made.__class__ = cls
        return made  # type: ignore[no-any-return] # it is one now

    return make
