"""What was read, as a snapshot: each collection with its proof, or why it is not whole. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from providers.gitlab.config import GitLabConfig
from providers.gitlab.harvest import Harvest, Person, Place
from providers.gitlab.mapping import (
    GROUP,
    INVITATION,
    LEVELS,
    PROJECT,
    ROLE,
    ROLES,
    level_of,
    remote_id,
    status_of,
    to_account,
    to_invited,
)
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

_PROOF: Final = "every page was read to the last"
_NAMED: Final = 5


def snapshot_of(harvest: Harvest, config: GitLabConfig) -> Snapshot:
    """Return the snapshot of what was read."""
    return _Assembly(harvest, config).assemble()


class _Assembly:
    def __init__(self, harvest: Harvest, config: GitLabConfig) -> None:
        self._harvest = harvest
        self._config = config
        self._builder = SnapshotBuilder()
        self._unread: dict[str, set[str]] = {GROUP: set(), PROJECT: set()}
        self._bots = {str(one["id"]) for one in harvest.users if one.get("bot")}
        self._bots |= {str(one.number) for one in harvest.people.values() if one.bot}

    def assemble(self) -> Snapshot:
        """Return the snapshot."""
        if self._config.group is None:
            self._add_users()
        else:
            self._add_people()
        for email in sorted({email for place in self._harvest.every_place() for email in place.invited}):
            self._builder.account(to_invited(email))
        for place in self._harvest.every_place():
            self._add_place(place)
        self._conclude()
        self._note()
        self._builder.snapshot.own_account = self._harvest.viewer
        return self._builder.snapshot

    def _add_users(self) -> None:
        """Add the users of an instance, and who is an administrator or an auditor."""
        for user in self._harvest.users:
            if str(user["id"]) not in self._bots:
                self._builder.account(to_account(user))
        for role, (shown, _) in ROLES.items():
            if not any(shown in user for user in self._harvest.users):
                continue
            number = self._builder.entitlement(LiveEntitlement(remote_id(ROLE, role), f"{ROLE}:{role}"))
            for user in self._harvest.users:
                account = self._builder.account_number(str(user["id"]))
                if user.get(shown) and account is not None:
                    self._builder.grant(account, number)

    def _add_people(self) -> None:
        """Add whoever is a direct member of anything in the top-level group."""
        for person in self._harvest.people.values():
            if not person.bot:
                self._builder.account(self._account(person))

    def _account(self, person: Person) -> LiveAccount:
        email = self._harvest.addresses.get(person.number) or person.email
        return LiveAccount(str(person.number), person.username, email, status=status_of(person.state))

    def _add_place(self, place: Place) -> None:
        """Add a group or project and its direct members, those who are only invited included."""
        entitlement = self._builder.entitlement(LiveEntitlement(remote_id(place.kind, place.number), place.key))
        if place.unread:
            self._unread[place.kind].add(place.key)
        hidden = self._base_of(place)
        held: Mapping[str, int] = {str(user): level for user, level in place.members.items()}
        held = {**held, **{f"{INVITATION}{email}": level for email, level in place.invited.items()}}
        for id_, level in held.items():
            account = self._builder.account_number(id_)
            if account is not None and level != hidden:
                self._builder.grant(account, entitlement, level_of(level))
            elif account is None and id_ not in self._bots:
                self._unread[place.kind].add(place.key)

    def _base_of(self, place: Place) -> int | None:
        """Return the role that is no more than an account: the one by which people join the top-level group."""
        root = place.kind == GROUP and place.number == self._harvest.root
        return LEVELS[self._config.joins_as] if root else None

    def _conclude(self) -> None:
        """Say of each collection whether it is whole."""
        problems, blind = self._harvest.problems, self._blind()
        users = problems.get("users", "")
        if self._config.group:
            users = users or problems.get(GROUP, "") or problems.get(PROJECT, "")
        waiting = next((place.unread for place in self._harvest.every_place() if "invitations:" in place.unread), "")
        self._tell(ACCOUNTS, users or blind or waiting)
        if self._config.group is None:
            self._tell(entitlements_of(ROLE), users or blind)
            self._tell(grants_of(ROLE), users or blind)
        for kind in (GROUP, PROJECT):
            why = problems.get(kind, "") or blind
            self._tell(entitlements_of(kind), why)
            self._tell(grants_of(kind), why, frozenset(self._unread[kind]))

    def _blind(self) -> str:
        """Say why GitLab may hide something without a word: it shows everything only to administrators and owners."""
        if self._config.group:
            seen = self._harvest.rank >= LEVELS["owner"] or GROUP in self._harvest.problems
            return (
                "" if seen else f"the token's user is no owner of {self._config.group}: not everything is shown to it"
            )
        if "users" in self._harvest.problems:
            return ""
        me: dict[str, Any] = next((one for one in self._harvest.users if str(one["id"]) == self._harvest.viewer), {})
        seen = any(me.get(shown) is True for shown, _ in ROLES.values())
        return "" if seen else "the token's user is neither administrator nor auditor: not everything is shown to it"

    def _tell(self, collection: str, why: str, unread: frozenset[str] = frozenset()) -> None:
        if why:
            self._builder.incomplete(collection, why)
        else:
            self._builder.complete(collection, _PROOF, unread=unread)

    def _note(self) -> None:
        """Tell what is left alone, and why something is not known."""
        notes = self._builder.snapshot.notes
        places = list(self._harvest.every_place())
        if self._bots:
            notes.append(f"{len(self._bots)} bots and service accounts are left alone")
        synced = [place.key for place in places if place.kind == GROUP and place.number in self._harvest.synced]
        if synced:
            notes.append(f"members come from LDAP or SAML and are not changed here: {_some(sorted(synced))}")
        ending = sum(len(place.ending) for place in places)
        if ending:
            notes.append(f"{ending} memberships end by themselves; a change of their level keeps the day")
        if why := self._harvest.problems.get("links"):
            notes.append(f"whose members come from LDAP or SAML is not known: {why}")
        notes += [f"{place.key}: {place.unread}" for place in places if place.unread][:_NAMED]


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
