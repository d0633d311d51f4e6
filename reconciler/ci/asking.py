"""The issue form for access: what was filled in becomes a request, as if its author had typed it.

Whatever stands in an issue is data: an id, an entitlement, a day and a reason, checked like those of the command line.
Issue forms are written as headings with what was filled in beneath
(https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms).
"""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.forge.branch import Clone
from reconciler.forge.github import open_forge
from reconciler.load.settings import load_settings
from reconciler.render.inert import code, sentence
from reconciler.run.drafting import draft
from reconciler.run.proposing import Proposed, propose
from reconciler.run.requesting import Verb, Wish, make_proposal

_HEADINGS: Final = ("Who", "What", "Until", "Why")
_NOTHING: Final = "_No response_"
_LARGEST: Final = 1024 * 1024
_LONGEST: Final = 500
_ANSWER: Final = "request"


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in.

    Attributes:
        issue: its number.
        author: the login of whoever opened it.
    """

    issue: int
    author: str
    identity: str
    entitlement: str
    until: str
    reason: str


def read_form(environ: Mapping[str, str]) -> Form:
    """Return what the issue that started a run holds.

    Raises:
        ConfigurationError: there is none, or it is not our form.
    """
    try:
        with Path(environ.get("GITHUB_EVENT_PATH", "")).open("rb") as file:
            issue = json.loads(file.read(_LARGEST))["issue"]
        number, author, body = int(issue["number"]), str(issue["user"]["login"]), str(issue["body"] or "")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise ConfigurationError("there is no issue in the runner's event", hint="run it on issues") from None
    parts = _parts(body)
    return Form(number, author, parts["Who"], parts["What"], parts["Until"], parts["Why"])


def _parts(body: str) -> dict[str, str]:
    """Return what stands beneath each heading; the last takes whatever follows, headings too."""
    found = dict.fromkeys(_HEADINGS, "")
    rest = body.replace("\r\n", "\n")
    for heading, following in zip(_HEADINGS, (*_HEADINGS[1:], None), strict=True):
        _, here, rest = rest.partition(f"### {heading}\n")
        if not here:
            raise ConfigurationError(f"the issue has no part {heading!r}", hint="use the form, and leave its headings")
        text, there, behind = rest.partition(f"\n### {following}\n") if following else (rest, "", "")
        found[heading] = _one_line(text)
        rest = f"### {following}\n{behind}" if there else rest
    return found


def _one_line(text: str) -> str:
    line = " ".join(re.sub(r"[^\S ]+", " ", text).split())
    return "" if line == _NOTHING else line[:_LONGEST]


def file_request(root: Path, environ: Mapping[str, str]) -> str:
    """Open the pull request that a form asks for, and answer the issue.

    Returns:
        What was answered, in words.

    Raises:
        ReconcilerError: it could not be done; the issue was told.
    """
    form = read_form(environ)
    try:
        proposed = _open(root, form)
    except ReconcilerError as error:
        asyncio.run(_answer(root, environ, form, _refusal(error)))
        raise
    told = proposed.address or proposed.branch
    asyncio.run(_answer(root, environ, form, f"It is asked for: {_link(told)}. Whoever owns the app decides there."))
    return told


def _open(root: Path, form: Form) -> Proposed:
    if not (form.identity and form.entitlement and form.reason):
        raise ConfigurationError("who, what and why are needed", hint="fill them in, in a new issue")
    wish = Wish(Verb.GIVE, form.identity, form.entitlement, "", form.until, form.reason)
    with closing(Clone(root)) as clone:
        start = clone.base("")
        drafted = draft(root, clone.files(start.commit), datetime.now(UTC), wish.edit)
        wish.check(drafted)
        proposal, _ = make_proposal(wish, drafted, form.reason, form.author)
        return propose(drafted.before.settings, clone, start, proposal)


def _refusal(error: ReconcilerError) -> str:
    lines = [*error.message.splitlines(), *error.hint.splitlines()][:20]
    return "It could not be asked for:\n\n" + "\n".join(f"- {sentence(line.strip())}" for line in lines)


def _link(address: str) -> str:
    plain = re.fullmatch(r"https://[\w.-]+/[\w./-]+", address, re.ASCII)
    return address if plain else code(address)


async def _answer(root: Path, environ: Mapping[str, str], form: Form, text: str) -> None:
    async with open_forge(load_settings(root), environ=environ) as forge:
        await forge.issues.put_comment(form.issue, _ANSWER, text)
