"""What is live in an app and not declared yet becomes grants as a person would write them. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.items import kind_of
from reconciler.load.wording import KEY
from reconciler.model.access import Wanted
from reconciler.plan.routes import is_entitlement
from reconciler.plan.sides import Sides
from reconciler.provider.snapshot import AccountStatus, LiveAccount
from reconciler.resolve.declared import Presence

_HERE = (AccountStatus.ACTIVE, AccountStatus.INVITED)
_POWERFUL = frozenset({"admin", "admins", "administrator", "administrators", "owner", "owners", "root", "superuser"})


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """One grant to write: who gets what. No `wanted` is an account, nothing more.

    Attributes:
        people, service_accounts: ids, sorted.
        entitlements: keys of the same app that hold the wanted ones themselves.
    """

    wanted: tuple[Wanted, ...]
    people: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stranger:
    """A live account that is nobody's.

    Attributes:
        holds: the keys of what it has, sorted.
        privileged: whether something of that is, or seems to be.
    """

    account: LiveAccount
    holds: tuple[str, ...] = ()
    privileged: bool = False


@dataclass(slots=True)
class Found:
    """What an app has and the YAML does not say.

    Attributes:
        blocks: what to write, in the order of the file.
        strangers: accounts that match nobody, privileged ones first.
        blocked: identity → why its account cannot be told.
        suspended: identities whose account is suspended: never declared, since that would reactivate it.
        withheld: (holder, key) of privileged access that is not written unless it is named.
        powerful: keys that seem privileged and are not declared so.
        levels: (holder, key, declared, live) where only the level differs: told, not written.
        held: (holder, key, level) of everything that present people hold, for suggestions.
        unwritable: keys that no YAML can name: they are held by somebody, and stay unmanaged.
        unread: collections that were not read wholly, with the reason; nothing may be written then.
    """

    blocks: tuple[Block, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    blocked: Mapping[str, str] = field(default_factory=dict)
    suspended: tuple[str, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    powerful: tuple[str, ...] = ()
    levels: tuple[tuple[str, str, str, str], ...] = ()
    held: tuple[tuple[str, str, str | None], ...] = ()
    unwritable: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def find_access(
    sides: Sides,
    *,
    here: Collection[str],
    services: Collection[str],
    accepted: Callable[[str, str], bool] | None = None,
    risky: Collection[tuple[str, str]] = (),
) -> Found:
    """Compare what is live with what is declared, and group what is missing.

    Args:
        sides: the app.
        here: identities that are here at the moment; whoever has left or is still to come gets nothing written.
        services: those of them that are service accounts.
        accepted: says of a holder and a key (empty for the account) whether it was named. None accepts everything that
            is not declared as privileged.
        risky: (holder, key) of what is told as withheld where it is not accepted, beside what is declared privileged.
    """
    return _Finder(sides, here, services, accepted, risky).find()


class _Finder:
    def __init__(
        self,
        sides: Sides,
        here: Collection[str],
        services: Collection[str],
        accepted: Callable[[str, str], bool] | None,
        risky: Collection[tuple[str, str]],
    ) -> None:
        self.sides = sides
        self.risky = risky
        self.here = here
        self.services = services
        self.accepted = accepted
        names = sides.names
        self.live = [(names.item(grant), names.levels[level]) for grant, level in sides.granted.items()]
        self.unwritable = {item.entitlement for item, _ in self.live if not KEY.fullmatch(item.entitlement)}
        self.privileged = {key for key, rules in sides.declared.entitlements.items() if rules.privileged}

    def find(self) -> Found:
        sides = self.sides
        unread = [f"{name}: {one.why}" for name, one in sorted(sides.live.collections.items()) if not one.complete]
        unread += [f"{key} could not be read" for one in sides.live.collections.values() for key in sorted(one.unread)]
        if unread or not sides.accounts_read:
            return Found(unread=tuple(unread or ["the accounts are not read by any way"]))
        grants, withheld = self._missing()
        accounts = self._bare_accounts(grants)
        held = [(item.holder, item.entitlement, level) for item, level in self.live if self._is_usable(item.holder)]
        held = [one for one in held if one[1] not in self.unwritable]
        return Found(
            blocks=self._group(grants, accounts),
            strangers=self._strangers(),
            blocked=dict(sorted(sides.matching.blocked.items())),
            suspended=tuple(sorted(name for name, one in sides.matching.accounts.items() if one.status not in _HERE)),
            withheld=tuple(sorted(withheld)),
            powerful=tuple(sorted({key for _, key, _ in held if looks_powerful(key)} - self.privileged)),
            levels=tuple(sorted(self._levels())),
            unwritable=tuple(sorted(self.unwritable)),
            held=tuple(sorted(held, key=lambda one: one[:2])),
        )

    def _is_usable(self, holder: str) -> bool:
        """Say whether something may be written for a holder."""
        if is_entitlement(holder):
            return True
        account = self.sides.matching.accounts.get(holder)
        return holder in self.here and account is not None and account.status in _HERE

    def _missing(self) -> tuple[list[tuple[str, Wanted]], list[tuple[str, str]]]:
        """Return the live grants that are not declared, and those that must be named first."""
        sides, names = self.sides, self.sides.names
        found, withheld = [], []
        for item, level in self.live:
            grant = names.grant(item.holder, item.entitlement)
            if grant in sides.wanted or grant in sides.declared.absent or not self._is_usable(item.holder):
                continue
            if {item.entitlement, item.holder} & self.unwritable:
                continue
            if self._is_accepted(item.holder, item.entitlement):
                found.append((item.holder, Wanted(item.entitlement, level)))
            elif item.entitlement in self.privileged or (item.holder, item.entitlement) in self.risky:
                withheld.append((item.holder, item.entitlement))
        return found, withheld

    def _is_accepted(self, holder: str, key: str) -> bool:
        if self.accepted is not None:
            return self.accepted(holder, key)
        return key not in self.privileged

    def _bare_accounts(self, grants: Iterable[tuple[str, Wanted]]) -> list[str]:
        """Return who has an account that nothing declares, and that no grant will declare."""
        given = {holder for holder, _ in grants}
        declared = self.sides.declared
        return [
            name
            for name in self.sides.matching.accounts
            if name not in given
            and declared.accounts.get(name) is not Presence.PRESENT
            and name not in declared.absent_accounts
            and self._is_usable(name)
            and (self.accepted is None or self.accepted(name, ""))
        ]

    def _group(self, grants: Iterable[tuple[str, Wanted]], accounts: Iterable[str]) -> tuple[Block, ...]:
        """Put what the same holders have into one block, the widest first, single people last."""
        holders: dict[Wanted, list[str]] = {}
        for holder, wanted in grants:
            holders.setdefault(wanted, []).append(holder)
        together: dict[tuple[str, ...], list[Wanted]] = {}
        for wanted, listed in holders.items():
            together.setdefault(tuple(sorted(listed)), []).append(wanted)
        blocks = [self._block(listed, sorted(wanted, key=_order)) for listed, wanted in together.items()]
        blocks.sort(key=lambda one: (-_size(one), [_order(wanted) for wanted in one.wanted], one.people))
        bare = tuple(sorted(accounts))
        return (*blocks, *([self._block(bare, [])] if bare else []))

    def _block(self, holders: Iterable[str], wanted: Iterable[Wanted]) -> Block:
        listed = list(holders)
        return Block(
            tuple(wanted),
            people=tuple(one for one in listed if not is_entitlement(one) and one not in self.services),
            service_accounts=tuple(one for one in listed if one in self.services),
            entitlements=tuple(one for one in listed if is_entitlement(one)),
        )

    def _strangers(self) -> tuple[Stranger, ...]:
        sides = self.sides
        holds: dict[str, set[str]] = {}
        for item, _ in self.live:
            if item.holder.startswith("@"):
                holds.setdefault(item.holder[1:], set()).add(item.entitlement)
        mine = sides.matching.identities.keys() | sides.matching.contested | sides.live.own_accounts
        found = [self._stranger(one, holds) for name, one in sides.live.accounts.items() if name not in mine]
        return tuple(sorted(found, key=lambda one: (not one.privileged, _shown(one.account), one.account.remote_id)))

    def _stranger(self, account: LiveAccount, holds: Mapping[str, set[str]]) -> Stranger:
        keys = tuple(sorted(holds.get(account.remote_id, ())))
        return Stranger(account, keys, any(key in self.privileged or looks_powerful(key) for key in keys))

    def _levels(self) -> Iterable[tuple[str, str, str, str]]:
        names, wanted = self.sides.names, self.sides.wanted
        for grant, level in self.sides.granted.items():
            declared = wanted.get(grant, level)
            if declared != level and declared:
                item = names.item(grant)
                yield item.holder, item.entitlement, names.levels[declared] or "", names.levels[level] or ""


def looks_powerful(key: str) -> bool:
    """Say whether an entitlement's name sounds like administration; nothing but a hint follows from it."""
    words = key.partition(":")[2].casefold().replace("_", "-").replace(" ", "-").split("-")
    return not _POWERFUL.isdisjoint(words)


def _order(wanted: Wanted) -> tuple[str, str, str]:
    return kind_of(wanted.entitlement), wanted.entitlement, wanted.level or ""


def _size(block: Block) -> int:
    return len(block.people) + len(block.service_accounts) + len(block.entitlements)


def _shown(account: LiveAccount) -> str:
    return (account.username or account.email or account.remote_id).casefold()
