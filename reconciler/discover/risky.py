"""Live access that nobody should take over into the YAML without having named it. Pure."""

from collections.abc import Iterator
from typing import Final

from reconciler.items import GrantItem, unpack
from reconciler.plan.routes import is_entitlement
from reconciler.plan.sides import Sides

_STEMS: Final = ("admin", "owner", "root", "super", "sudo", "privileg", "master", "security", "billing")
_PRIVILEGED: Final = "privileged"


def find_risky(sides: Sides) -> dict[tuple[str, str], str]:
    """Return (holder, key) → why, of all live access of identities that is privileged, seems so, or is protected.

    What leads to such access counts as it: a group that is a member of another has whatever that one has. More is
    taken for privileged than is: to leave something out costs one line that somebody writes.
    """
    reasons = _Reasons(sides)
    names = sides.names
    found = {}
    for grant, level in sides.granted.items():
        item = names.item(grant)
        why = reasons.of(item.holder, item.entitlement, names.levels[level] or "")
        if why:
            found[(item.holder, item.entitlement)] = why
    return found


def keep_lost(sides: Sides, item: GrantItem) -> str:
    """Return why access that somebody took away in the app stays in the YAML unless it is named; empty if it may go."""
    rules = sides.declared.entitlements.get(item.entitlement)
    if rules is not None and rules.privileged:
        return _PRIVILEGED
    word = f"{sides.inputs.app}/{item.entitlement}"
    protected = [policies.protected for policies in sides.inputs.policies]
    return "it is protected" if any(item.holder in one.people or word in one.entitlements for one in protected) else ""


def sounds_privileged(text: str) -> bool:
    """Say whether a name has anything of administration in it, however it is written; a guess on the safe side."""
    return any(stem in text.casefold() for stem in _STEMS)


class _Reasons:
    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.app = sides.inputs.app
        self.above: dict[str, list[tuple[str, str]]] = {}
        names = sides.names
        for grant, level in sides.granted.items():
            holder, entitlement = unpack(grant)
            if is_entitlement(names.holders[holder]):
                held = (names.entitlements[entitlement], names.levels[level] or "")
                self.above.setdefault(names.holders[holder], []).append(held)
        self.attributes = {
            sides.aligned.keys.get(one.key, one.key): " ".join(map(str, one.attributes.values()))
            for way in sides.live.ways
            if way.snapshot
            for one in way.snapshot.entitlements
        }
        self.protected = [policies.protected for policies in sides.inputs.policies]
        self.known: dict[str, str] = {}

    def of(self, holder: str, key: str, level: str) -> str:
        """Return why access is not to be taken over; empty where it may be."""
        if any(holder in one.people for one in self.protected):
            return "its holder is protected"
        account = self.sides.account_of(holder)
        if account is not None:
            if account.remote_id in self.sides.live.own_accounts:
                return "it is held by the account that this tool uses"
            name = f"{self.app}/{account.username}".casefold()
            if any(name == listed.casefold() for one in self.protected for listed in one.accounts):
                return "its account is protected"
        if level and sounds_privileged(level):
            return f"the level {level} sounds privileged"
        return self._of_key(key)

    def _of_key(self, key: str) -> str:
        """Return why an entitlement is not to be taken over, itself or what it is a member of."""
        if key not in self.known:
            self.known[key] = next(self._along(key), "")
        return self.known[key]

    def _along(self, key: str) -> Iterator[str]:
        seen, waiting = {key}, [key]
        while waiting:
            one = waiting.pop()
            if why := self._alone(one):
                yield why if one == key else f"it leads to {one}: {why}"
            for above, level in self.above.get(one, ()):
                if level and sounds_privileged(level):
                    yield f"it leads to {above} at {level}, which sounds privileged"
                if above not in seen:
                    seen.add(above)
                    waiting.append(above)

    def _alone(self, key: str) -> str:
        rules = self.sides.declared.entitlements.get(key)
        if rules is not None and rules.privileged:
            return _PRIVILEGED
        if any(f"{self.app}/{key}" in one.entitlements for one in self.protected):
            return "protected"
        # Who declared it and did not call it privileged has decided that.
        told = f"{key} {self.attributes.get(key, '')}"
        return "it sounds privileged" if rules is None and sounds_privileged(told) else ""


def declared_so(why: str) -> bool:
    """Say whether a reason is that the access itself is declared as privileged."""
    return why == _PRIVILEGED
