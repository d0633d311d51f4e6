"""Microsoft's own types of Graph's objects: every property that is sent or asked for is looked up in them."""

import re
from functools import cache
from pathlib import Path

from servers import setup

FILE = Path("@microsoft/microsoft-graph-types/microsoft-graph.d.ts")


def missing() -> str:
    """Say why nothing can be looked up here; empty where it can."""
    return "" if (setup.MODULES / FILE).exists() else "Microsoft Graph's types (run python3 tests/servers/setup.py)"


@cache
def properties_of(kind: str) -> frozenset[str]:
    """Return the properties of a type (`User`), those that it inherits included."""
    text = (setup.MODULES / FILE).read_text(encoding="utf-8")
    match = re.search(rf"export interface {kind} (?:extends (\w+) )?\{{(.*?)\n\}}", text, re.DOTALL)
    assert match, f"Graph has no type {kind}"
    own = frozenset(re.findall(r'^    "?([\w@.]+)"?\??:', match[2], re.MULTILINE))
    return own | (properties_of(match[1]) if match[1] else frozenset())


def check_properties(kind: str, named: object) -> None:
    """Fail unless a type has every property that is named."""
    assert isinstance(named, dict | list | set | tuple)
    unknown = {str(name) for name in named if "@odata." not in str(name)} - properties_of(kind)
    assert not unknown, f"{kind} has no {sorted(unknown)}"
