"""Somebody leaves now: first in every app, then in git."""

import getpass
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from reconciler.edit.files import Files
from reconciler.errors import ConfigurationError
from reconciler.forge.branch import write_branch_name
from reconciler.load.suggest import suggest
from reconciler.model.company import Settings
from reconciler.model.identities import FORGE
from reconciler.render.escape import visible
from reconciler.render.request import request_body, title_of
from reconciler.run.drafting import Draft
from reconciler.run.proposing import Proposal
from reconciler.run.session import Session
from reconciler.state.offboarded import release_offboarded
from reconciler.state.open import open_state

Edit = Callable[[Session, Files], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody who leaves at a moment.

    Attributes:
        identity: the person's id.
        at: the moment, to the second; `written` is how the YAML says it.
        reason: why, for the record.
        known: whether the YAML says already that this person is gone.
    """

    identity: str
    at: datetime
    written: str
    reason: str
    known: bool

    @property
    def words(self) -> str:
        """Return it in one line."""
        return f"Offboard {self.identity}"

    def session(self, session: Session) -> Session:
        """Return a session in which this person is gone, whatever the files say."""
        if self.known:
            return session
        people = dict(session.company.people)
        people[self.identity] = replace(people[self.identity], left=self.at)
        return Session(replace(session.company, people=people), session.warnings, session.moment)

    def edit(self, session: Session, files: Files) -> Iterable[str]:
        """Write the moment into the files, where they do not have it; return the apps in which access changes.

        Raises:
            ConfigurationError: the files do not know this person.
            EditError: the file cannot be changed.
        """
        person = session.company.people.get(self.identity)
        if person is None:
            raise ConfigurationError(f"the files here know no person {self.identity!r}")
        if self.identity not in session.resolved.leavers:
            where = (*files.locate(person.place), "left")
            files.change(person.place.file, lambda file: file.set(where, self.written))
        return session.company.apps

    def propose(self, draft: Draft) -> Proposal:
        """Return the pull request that makes git agree; the manager is asked to review."""
        company = draft.after.company
        manager = company.people.get(company.people[self.identity].manager)
        login = manager.usernames.get(FORGE, "") if manager else ""
        note = "It is done in the apps already. Until this is merged, every plan warns."
        digest = hashlib.sha256(self.identity.encode()).hexdigest()
        return Proposal(
            branch=write_branch_name("offboard", self.identity, digest),
            title=title_of(self.words),
            body=request_body(self.words, self.reason, draft.effects, notes=[note]),
            message=f"{title_of(self.words)}\n\n{visible(self.reason)}\n",
            changes=draft.changes,
            reviewers=(login,) if login else (),
        )


def take_back(settings: Settings, identity: str) -> None:
    """Let git alone say whether somebody is here, though they were offboarded.

    Raises:
        LockError: an apply is at work.
    """
    with open_state(settings) as state:
        state.lock(getpass.getuser(), "offboard --undo", datetime.now(UTC))
        try:
            release_offboarded(state, [identity])
        finally:
            state.unlock()


def leave(session: Session, identity: str, reason: str) -> Leaving:
    """Return the leaving of a person at the session's moment.

    Raises:
        ConfigurationError: there is no such person.
    """
    company = session.company
    if identity in company.service_accounts:
        raise ConfigurationError(
            f"{identity} is a service account", hint="it does not leave: take it out of the YAML, and apply"
        )
    if identity not in company.people:
        raise ConfigurationError(f"unknown person {identity!r}", hint=suggest(identity, company.people))
    zone = ZoneInfo(company.settings.timezone)
    at = session.moment.replace(microsecond=0)
    written = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {company.settings.timezone}"
    return Leaving(identity, at, written, reason, identity in session.resolved.leavers)
