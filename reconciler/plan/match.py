"""Which live account is whose: by pinned id, then declared username, then externalId, then the app's own match rule.

A pinned id is followed under any name. Everything that does not agree (a known name under another id, keys that point
to two accounts, one account that two identities point to) blocks the identity: nothing of it is planned, and no account
that is in doubt is given to anybody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.items import fold
from reconciler.plan.inputs import AppInputs, IdentityKeys
from reconciler.plan.live import Live
from reconciler.provider.contract import Capabilities
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount
from reconciler.state.contract import AppliedAccount


@dataclass(slots=True)
class Matching:
    """Whose account is whose.

    Attributes:
        accounts: identity → its live account.
        identities: remote id → identity.
        blocked: identity → why nothing of it is planned.
        contested: remote ids of accounts that may be somebody's: nothing is planned for them either.
        renamed: identity → (the username that was known, the one that the pinned account has now).
        by_rule: whether the app's match rule could be used at all.
    """

    accounts: dict[str, LiveAccount] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    contested: set[str] = field(default_factory=set)
    renamed: dict[str, tuple[str, str]] = field(default_factory=dict)
    by_rule: bool = True


def match_accounts(inputs: AppInputs, live: Live) -> Matching:
    """Match the accounts of an app to all identities of the company, and to those that only the state still knows."""
    way = live.way(ACCOUNTS)
    matcher = _Matcher(inputs, live.accounts, way.capabilities if way else Capabilities(), whole=live.whole(ACCOUNTS))
    for keys in _everybody(inputs):
        matcher.match(keys)
    return matcher.finish()


def _everybody(inputs: AppInputs) -> Iterator[IdentityKeys]:
    known = {keys.id for keys in inputs.identities}
    yield from inputs.identities
    for name in sorted({*inputs.applied.accounts, *inputs.declared.accounts} - known):
        yield IdentityKeys(name)


class _Matcher:
    def __init__(
        self, inputs: AppInputs, accounts: Mapping[str, LiveAccount], capabilities: Capabilities, *, whole: bool
    ) -> None:
        self.inputs = inputs
        self.accounts = accounts
        self.stable = capabilities.stable_ids
        self.passing = capabilities.passing_ids
        self.whole = whole
        self.rule = inputs.declared.app.accounts.match
        self.found = Matching(by_rule=self.rule not in capabilities.holder_editable)
        listed = accounts.values()
        self.usernames = _index(listed, lambda account: account.username)
        self.external = _index(listed, lambda account: account.external_id)
        self.by_rule = _index(listed, self._rule_value) if self.found.by_rule else {}
        self.claims: dict[str, list[tuple[str, bool]]] = {}
        self.known = {*(keys.id for keys in inputs.identities), *inputs.declared.accounts}

    def match(self, keys: IdentityKeys) -> None:
        """Find the account of one identity, or say why it cannot be told."""
        applied = self.inputs.applied.accounts.get(keys.id)
        pinned = self._pinned(applied)
        if self.inputs.lost:
            self._find_again(keys, pinned)
        elif pinned is not None:
            self._follow(keys, applied, pinned)
        elif self.whole:
            self._find(keys, applied)

    def finish(self) -> Matching:
        """Settle accounts that more than one identity points to: a single pin wins, everybody else is blocked.

        The pin of an identity that the YAML no longer has does not win over one that it has: whoever got another id
        must not lose the account, and a person must say so. Without a pin, it does not count beside one that it has.
        """
        found = self.found
        for remote_id, claims in self.claims.items():
            alive = [name for name, pinned in claims if pinned or name in self.known]
            names = alive or [name for name, _ in claims]
            pins = [name for name, pinned in claims if pinned]
            winners = names if len(names) == 1 else pins if len(pins) == 1 and pins[0] in self.known else []
            for name in names:
                if name in winners:
                    if name not in found.blocked:
                        found.accounts[name] = self.accounts[remote_id]
                        found.identities[remote_id] = name
                else:
                    others = ", ".join(other for other in names if other != name)
                    self._block(name, f"{self._show(remote_id)} is also the account of {others}", (remote_id,))
        found.contested.difference_update(found.identities)
        return found

    def _pinned(self, applied: AppliedAccount | None) -> LiveAccount | None:
        if applied is None:
            return None
        if self.stable:
            return self.accounts.get(applied.remote_id) if applied.remote_id else None
        listed = self.usernames.get(fold(applied.username), []) if applied.username else []
        return self.accounts[listed[0]] if len(listed) == 1 else None

    def _follow(self, keys: IdentityKeys, applied: AppliedAccount | None, pinned: LiveAccount) -> None:
        """Keep to the pinned account, unless a key that names this identity points to another one."""
        named = self._named(keys) if self.whole else {}
        for key, ids in named.items():
            if others := [remote_id for remote_id in ids if remote_id != pinned.remote_id]:
                why = f"pinned to {self._show(pinned.remote_id)}, but its {key} is at {self._show(others[0])}"
                self._block(keys.id, why, (pinned.remote_id, *others))
                return
        before = applied.username if applied else ""
        if before and pinned.username and fold(before) != fold(pinned.username):
            self.found.renamed[keys.id] = (before, pinned.username)
        self._claim(keys.id, pinned.remote_id, pinned=True)

    def _find_again(self, keys: IdentityKeys, pinned: LiveAccount | None) -> None:
        """Look for an account beside a state that is not believed: a pin counts only where it contradicts no key."""
        if self.whole and (self._named(keys) or self._by_rule(keys) or pinned is None):
            self._find(keys, None)
        elif pinned is not None and (self.whole or _is_called(keys, pinned)):
            self._claim(keys.id, pinned.remote_id, pinned=False)

    def _find(self, keys: IdentityKeys, applied: AppliedAccount | None) -> None:
        """Look for the account of an identity that has no live pin; all its keys must agree on one account."""
        found = self._named(keys, applied)
        if rule := self._by_rule(keys):
            found[self.rule] = rule
        ids = list(dict.fromkeys(remote_id for listed in found.values() for remote_id in listed))
        if not ids:
            return
        if keys.username and found.get("username") and len(common := set.intersection(*map(set, found.values()))) == 1:
            ids = list(common)  # two accounts show the address, and the YAML says which of them it is
        if self.stable and applied is not None and self._stays(applied.remote_id):
            key = next(iter(found))
            why = f"was pinned to id {applied.remote_id}, which is gone; its {key} is now at {self._show(ids[0])}"
            self._block(keys.id, why, ids)
        elif why := self._disagreement(keys, found, ids):
            self._block(keys.id, why, ids)
        else:
            self._claim(keys.id, ids[0], pinned=False)

    def _stays(self, remote_id: str) -> bool:
        """Say whether a remote id means one account for good, so that its absence means something."""
        return bool(remote_id) and not (self.passing and remote_id.startswith(self.passing))

    def _disagreement(self, keys: IdentityKeys, found: Mapping[str, list[str]], ids: list[str]) -> str:
        if len(ids) > 1:
            said = "; ".join(f"{key}: {', '.join(map(self._show, listed))}" for key, listed in found.items())
            return f"its keys point to {len(ids)} accounts ({said})"
        account = self.accounts[ids[0]]
        if keys.username and account.username and fold(keys.username) != fold(account.username):
            key = next(iter(found))
            return f"declared as {keys.username}, but its {key} is at {self._show(ids[0])}"
        return ""

    def _named(self, keys: IdentityKeys, applied: AppliedAccount | None = None) -> dict[str, list[str]]:
        """Return the accounts that carry the identity's declared (or recorded) username or its id, by key."""
        found: dict[str, list[str]] = {}
        username = keys.username or (applied.username if applied else "")
        if username and (listed := self.usernames.get(fold(username))):
            found["username"] = listed
        if listed := self.external.get(fold(keys.id)):
            found["externalId"] = listed
        return found

    def _by_rule(self, keys: IdentityKeys) -> list[str]:
        values: Iterable[object] = (keys.email, keys.id) if self.rule == "username" else (keys.email,)
        if self.rule not in {"email", "username"}:
            declared = keys.id in self.inputs.declared.accounts
            values = (self.inputs.account(keys.id).attributes.get(self.rule),) if declared and self.by_rule else ()
        listed = (self.by_rule.get(fold(str(value)), []) for value in values if value not in {None, ""})
        return list(dict.fromkeys(remote_id for ids in listed for remote_id in ids))

    def _rule_value(self, account: LiveAccount) -> str:
        """Return what the app's match rule compares; a username that is an address counts where no email is shown."""
        match self.rule:
            case "email":
                return account.email or (account.username if "@" in account.username else "")
            case "username":
                return account.username
            case name:
                value = account.attributes.get(name)
                return "" if value is None else str(value)

    def _claim(self, identity: str, remote_id: str, *, pinned: bool) -> None:
        self.claims.setdefault(remote_id, []).append((identity, pinned))

    def _block(self, identity: str, why: str, remote_ids: Iterable[str]) -> None:
        self.found.blocked[identity] = why
        self.found.contested.update(remote_ids)

    def _show(self, remote_id: str) -> str:
        account = self.accounts[remote_id]
        return f"{account.username or account.email or 'an account'} (id {remote_id})"


def _is_called(keys: IdentityKeys, account: LiveAccount) -> bool:
    """Say whether an account bears any of an identity's names."""
    pairs = ((keys.email, account.email), (keys.username, account.username), (keys.id, account.external_id))
    return any(one and fold(one) == fold(other) for one, other in pairs)


def _index(accounts: Iterable[LiveAccount], value: Callable[[LiveAccount], str]) -> dict[str, list[str]]:
    """Return value (ignoring case) → remote ids; more than one is for whoever asks to judge."""
    found: dict[str, list[str]] = {}
    for account in accounts:
        if text := value(account):
            found.setdefault(fold(text), []).append(account.remote_id)
    for remote_ids in found.values():
        remote_ids.sort()
    return found
