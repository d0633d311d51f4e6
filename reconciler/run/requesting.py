"""Requests for access become drafts: given, extended, taken away, or dropped because they have expired."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.edit.asking import Asked, ask
from reconciler.edit.files import Files
from reconciler.edit.requests import drop_expired, extend, grant, revoke
from reconciler.errors import ConfigurationError
from reconciler.forge.branch import write_branch_name
from reconciler.items import GrantItem
from reconciler.load.checks.access import OWNER
from reconciler.model.identities import FORGE
from reconciler.problems import Place
from reconciler.render.escape import visible
from reconciler.render.request import request_body, title_of
from reconciler.resolve.declared import Presence
from reconciler.resolve.presence import presence_of
from reconciler.run.drafting import Draft, declare, find_owner
from reconciler.run.proposing import Proposal
from reconciler.run.session import Session

ASKED_BY = "Requested-by"
"""The line of a commit's message that names who asked for it, where a program opens the pull request."""

MOST_REVIEWERS = 15
"""As many as a forge asks for one pull request."""


class Verb(StrEnum):
    """What is asked for."""

    GIVE = "give"
    EXTEND = "extend"
    REVOKE = "revoke"
    EXCEPT = "except"


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as it was typed, before anything is known of it.

    Attributes:
        verb: what is to happen.
        identity, what: whom, and `APP/KIND:NAME`.
        new: whether an entitlement that no YAML names yet is meant.
    """

    verb: Verb
    identity: str
    what: str
    level: str = ""
    until: str = ""
    reason: str = ""
    new: bool = False

    @property
    def words(self) -> str:
        """Return it in one line, for titles and commits."""
        what = f"{self.what} at {self.level}" if self.level else self.what
        until = f" until {self.until}" if self.until else ""
        match self.verb:
            case Verb.GIVE:
                return f"Give {self.identity} {what}{until}"
            case Verb.EXTEND:
                return f"Extend {what} of {self.identity}{until}"
            case _:
                return f"Revoke {what} from {self.identity}"

    @property
    def digest(self) -> str:
        """Return what tells two wishes apart (hex); not their reasons, which give nobody anything."""
        told = json.dumps([self.verb, self.identity, self.what, self.level, self.until])
        return hashlib.sha256(told.encode()).hexdigest()

    def edit(self, session: Session, files: Files) -> Iterable[str]:
        """Change the files as it says, and return the apps in which access may change.

        Raises:
            ConfigurationError: something in it is unknown, or it cannot be done so.
            EditError: a file cannot be changed.
        """
        company = session.company
        asked = ask(
            company,
            self.identity,
            self.what,
            level=self.level,
            until=self.until,
            reason=self.reason,
            new=self.new or self.verb is not Verb.GIVE,
        )
        reaching = _reaching(session, asked)
        match self.verb:
            case Verb.GIVE:
                _check_here(session, asked)
                _check_missing(session, asked)
                grant(company, files, asked)
            case Verb.EXTEND:
                _check_here(session, asked)
                extend(company, files, asked)
            case _:
                revoke(company, files, asked, reaching, exclude=self.verb is Verb.EXCEPT)
        return {asked.app, *(app for place in reaching for app in _apps_at(session, place))}

    def check(self, draft: Draft) -> None:
        """Check that what was asked for is what comes out.

        Raises:
            ConfigurationError: it is not: nothing changes, another block gives it still, or keeps it away.
        """
        if not draft.changes:
            raise ConfigurationError("there is nothing to change: the YAML says so already")
        app, _, entitlement = self.what.partition("/")
        found = presence_of(declare(draft.after, app), GrantItem(self.identity, entitlement)) is Presence.PRESENT
        lost = [one for one in draft.effects if (one.holder, one.entitlement) == (self.identity, entitlement)]
        if self.verb in (Verb.REVOKE, Verb.EXCEPT) and found and not any(not one.gained for one in lost):
            hint = f"reconciler explain {self.identity} {app} shows why"
            raise ConfigurationError(f"{self.identity} would still have {self.what}", hint=hint)
        if self.verb in (Verb.GIVE, Verb.EXTEND) and not found:
            hint = "does it end before now?"
            raise ConfigurationError(f"{self.identity} would still not have {self.what}", hint=hint)


def _reaching(session: Session, asked: Asked) -> set[Place]:
    """Return where the blocks are written that give what is asked for to the identity now."""
    number = session.resolved.roster.number_here(asked.identity)
    return {
        block.place
        for block in session.resolved.blocks.get(asked.app, ())
        if number in block.members
        and any(wanted.entitlement == asked.entitlement for wanted in block.grants[asked.app])
    }


def _apps_at(session: Session, place: Place) -> Iterable[str]:
    for app, blocks in session.resolved.blocks.items():
        if any(block.place == place for block in blocks):
            yield app


def _check_here(session: Session, asked: Asked) -> None:
    if asked.identity in session.resolved.leavers:
        last_day = session.resolved.leavers[asked.identity].last_day
        raise ConfigurationError(f"{asked.identity} has left: the last day was {last_day}", hint="move last_day first")


def _check_missing(session: Session, asked: Asked) -> None:
    """Refuse what the identity has already, for as long as it is asked for."""
    declared = declare(session, asked.app)
    names = declared.names
    number = declared.grants.get(names.grant(asked.identity, asked.entitlement))
    if number is None or asked.level not in (None, names.levels[number]):
        return
    lasting = [
        block
        for block in session.resolved.blocks.get(asked.app, ())
        if block.place in _reaching(session, asked) and not block.expired and block.until is None
    ]
    if lasting:
        block = lasting[0]
        raise ConfigurationError(
            f"{asked.identity} has {asked.words} already, by {block.source} ({block.place.short})",
            hint="there is nothing to ask for",
        )


@dataclass(frozen=True, slots=True)
class Expired:
    """The wish that grants whose time is over leave the YAML."""

    words: str = "Remove expired grants"
    digest: str = ""

    def edit(self, session: Session, files: Files) -> Iterable[str]:
        """Change the files, and return the apps of the grants that are gone."""
        gone = drop_expired(session.company, files, session.moment)
        return {app for block in gone for app in block.grants}

    def check(self, draft: Draft) -> None:
        """Check that nobody gains or loses anything by it.

        Raises:
            ConfigurationError: somebody would.
        """
        if draft.effects:
            one = draft.effects[0]
            raise ConfigurationError(
                f"removing what has expired would change {one.entitlement or 'the account'} of {one.holder}"
            )


def make_proposal(wish: Wish | Expired, draft: Draft, reason: str, by: str = "") -> tuple[Proposal, tuple[str, ...]]:
    """Return the pull request of a draft, and the ids of those who should review and have no username in the forge.

    Args:
        wish: what was asked.
        draft: what it does.
        reason: why.
        by: who asked, where that is not whoever opens it.
    """
    apps = sorted({effect.app for effect in draft.effects} or _apps_of(wish))
    entitlement = wish.what.partition("/")[2] if isinstance(wish, Wish) else ""
    logins, silent = find_reviewers(draft.after, apps, entitlement)
    title = title_of(wish.words)
    body = request_body(wish.words, reason, draft.effects, by=by, notes=_notes(wish, draft, silent))
    said = [title, visible(reason) if reason else "", f"{ASKED_BY}: {visible(by)}" if by else ""]
    message = "\n\n".join(filter(None, said)) + "\n"
    branch = write_branch_name("request", wish.words, wish.digest)
    return Proposal(branch, title, body, message, draft.changes, logins, refresh=isinstance(wish, Expired)), silent


def _apps_of(wish: Wish | Expired) -> set[str]:
    return {wish.what.partition("/")[0]} if isinstance(wish, Wish) else set()


def _notes(wish: Wish | Expired, draft: Draft, silent: Sequence[str]) -> Iterable[str]:
    if isinstance(wish, Wish):
        app, _, entitlement = wish.what.partition("/")
        rules = draft.after.company.apps[app].entitlements.get(entitlement)
        if rules and rules.privileged:
            yield "This is privileged access."
        if wish.verb is Verb.GIVE and not wish.until:
            yield "It has no end."
    else:
        yield "Their time is over. Merge this once a run has taken the access away: plan shows nothing for it then."
    if silent:
        yield f"To be asked for review, but without a username here: {', '.join(silent)}."


def find_reviewers(session: Session, apps: Sequence[str], entitlement: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who should review, as (usernames in the forge, ids of those who have none there).

    The approvers that an entitlement declares, else the owner of each app.

    Args:
        session: the company.
        apps: in which access changes.
        entitlement: its key, where it is one.
    """
    people: dict[str, None] = {}
    for app in apps:
        rules = session.company.apps[app].entitlements.get(entitlement)
        for approver in rules.approvers if rules and rules.approvers else (OWNER,):
            people |= dict.fromkeys(_approvers(session, app, approver))
    known = session.company.people
    named = {person: known[person].usernames.get(FORGE, "") for person in people if person in known}
    logins = tuple(dict.fromkeys(name for name in named.values() if name))[:MOST_REVIEWERS]
    return logins, tuple(person for person, name in named.items() if not name)


def _approvers(session: Session, app: str, approver: str) -> Iterable[str]:
    if approver == OWNER:
        owner = find_owner(session.company, app, session.resolved.is_here)
        return [owner] if owner else []
    return sorted(session.resolved.members(approver))
