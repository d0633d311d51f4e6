"""Tickets as issues of Jira Cloud (https://developer.atlassian.com/cloud/jira/platform/rest/v3/).

Jira's search shows what was written only after seconds or minutes; reading issues by their keys shows it at once. So
the search says which issues there are, the issues themselves are read by their ids, and those at the end of the
project, which the search may not know yet, are tried by number: an answer that was lost never makes a second ticket.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.markdown import code_block, read_code, write_document
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.auth import BasicAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Rate, Transport

_PAGE: Final = 5000
_MOST_PAGES: Final = 100
_AT_ONCE: Final = 100
"""So many issues may be read together where their changes are read too."""
_TAIL: Final = 50
_LONGEST_TITLE: Final = 255
_FIELDS: Final = ("description", "labels", "status", "resolution", "statuscategorychangedate", "updated")
SUPERSEDED: Final = "superseded"
RATES: Final = (Rate("writes", per_minute=600, burst=10),)
"""One issue takes 20 writes in 2 seconds; a ticket needs three, and no endpoint is asked more than ten times a second
(https://developer.atlassian.com/cloud/jira/platform/rate-limiting/)."""


class JiraConfig(TicketConfig):
    """Tickets as issues of a project."""

    url: str = Field(description="via jira: the site, as https://acme.atlassian.net")
    api: str = Field(
        default="",
        description="via jira: the API, where a token with scopes needs https://api.atlassian.com/ex/jira/ID",
    )
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$", description="via jira: the key of the project")
    type: str = Field(default="Task", min_length=1, description="via jira: the type of the issues")
    email: str = Field(min_length=1, description="via jira: the account that opens the issues")
    token: Secret = Field(description="via jira: an API token of that account")
    rejected: tuple[str, ...] = Field(
        default=("Won't Do", "Won't Fix", "Declined", "Rejected", "Canceled", "Cancelled", "Duplicate"),
        min_length=1,
        description="via jira: resolutions, or statuses, that mean that it was not done",
    )


class JiraTracker(ApiTracker):
    """Issues with a label of the app; whoever moves one to a status of the category Done attests it."""

    Config = JiraConfig
    writes: ClassVar[str] = "writes"
    closing: ClassVar[str] = (
        "Move this issue to **Done**. What was done, and anything that shows it, belongs into a comment.\n\n"
        "If it cannot or must not be done, say why in a comment, and close it as **Won't Do**."
    )

    def __init__(self, transport: Transport, config: JiraConfig, app: str) -> None:
        super().__init__(transport, f"issues of {config.project} in {config.url}", app)
        self._config = config
        self._site = f"{config.url.rstrip('/')}/browse/"
        self._label = plain_label(app)
        self._opened: list[str] = []
        self._rejected = {name.casefold() for name in config.rejected}

    @classmethod
    def make(cls, config: JiraConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        transport = Transport(
            f"{(config.api or config.url).rstrip('/')}/rest/api/3",
            surroundings,
            name=f"{surroundings.app} (tickets in Jira)",
            auth=BasicAuth(config.email, config.token, surroundings),
            rates=RATES,
        )
        return cls(transport, config, surroundings.app)

    async def records(self) -> Sequence[Record]:
        """Return every issue with the app's label, also those that the search does not know yet.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        jql = f'project = "{self._config.project}" AND labels = "{self._label}" ORDER BY created ASC'
        names = [str(issue["id"]) async for issue in self._search(jql)]
        issues = {str(issue["id"]): issue async for issue in self._read([*names, *self._opened])}
        async for issue in self._newest():
            issues[str(issue["id"])] = issue
        ours = [issue for issue in issues.values() if self._label in issue["fields"].get("labels", ())]
        found = [self._found(issue) for issue in sorted(ours, key=lambda issue: int(issue["id"]))]
        hint = f"take the label {self._label!r} from what is no ticket"
        return read_found(found, self._app, self.where, hint=hint)

    async def _search(self, jql: str) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the issues that a search finds, with their ids and nothing else.

        Raises:
            ProviderError: they cannot be listed whole.
        """
        asked: dict[str, Any] = {"jql": jql, "fields": ["id"], "maxResults": _PAGE}
        for _ in range(_MOST_PAGES):
            page = (await self.ask("search/jql", asked, f"list {self.where}")).decode(dict[str, Any])
            for issue in page.get("issues") or ():
                yield issue
            token = page.get("nextPageToken")
            if not token:
                if page.get("isLast") is False:
                    raise ProviderError(f"{self.where}: the list ends before its last page")
                return
            asked["nextPageToken"] = token
        raise ProviderError(f"{self.where}: more than {_MOST_PAGES * _PAGE}", hint="use a project of its own")

    async def _read(self, names: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
        """Yield issues by id or key, as they are at this moment; those that do not exist are left out.

        Raises:
            ProviderError: one of them exists and cannot be read.
        """
        wanted = list(dict.fromkeys(names))
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            asked = {"issueIdsOrKeys": part, "fields": list(_FIELDS), "expand": ["changelog"]}
            answer = (await self.ask("issue/bulkfetch", asked, f"read {self.where}")).decode(dict[str, Any])
            if faults := answer.get("issueErrors"):
                raise ProviderError(
                    f"{self.where}: {len(faults)} issues cannot be read: {faults[0].get('errorMessage')}"
                )
            for issue in answer.get("issues") or ():
                yield issue

    async def _newest(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what is around and behind the newest issue that the search knows, up to a gap of 50 numbers."""
        asked = {"jql": f'project = "{self._config.project}" ORDER BY key DESC', "fields": ["labels"], "maxResults": 1}
        page = (await self.ask("search/jql", asked, f"list {self.where}")).decode(dict[str, Any])
        known = [str(issue["key"]) for issue in page.get("issues") or ()]
        number = max((_number(key) for key in (*known, *self._opened)), default=0)
        first, last = max(1, number - _TAIL + 1), number + _TAIL
        while True:
            highest = number
            async for issue in self._read(f"{self._config.project}-{each}" for each in range(first, last + 1)):
                if str(issue["key"]).startswith(f"{self._config.project}-"):  # and not moved elsewhere
                    highest = max(highest, _number(str(issue["key"])))
                yield issue
            if highest + _TAIL <= last:
                return
            first, last = last + 1, highest + _TAIL

    def _found(self, issue: Mapping[str, Any]) -> Found:
        fields, address = issue["fields"], self._site + str(issue["key"])
        text, status = read_code(fields.get("description")), self._status(fields)
        if status is Status.OPEN:
            return Found(address, text, status)
        closed = str(fields.get("statuscategorychangedate") or fields["updated"])
        return Found(address, text, status, closed, _closer(issue, closed))

    def _status(self, fields: Mapping[str, Any]) -> Status:
        if fields["status"]["statusCategory"]["key"] != "done":
            return Status.OPEN
        if SUPERSEDED in fields["labels"]:
            return Status.SUPERSEDED
        names = (fields["status"].get("name"), (fields.get("resolution") or {}).get("name"))
        return Status.REJECTED if any(str(name).casefold() in self._rejected for name in names) else Status.DONE

    async def create(self, letter: Letter) -> str | None:
        """Open an issue, with the label by which it is found again.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        fields = {
            "project": {"key": self._config.project},
            "issuetype": {"name": self._config.type},
            "summary": letter.title[:_LONGEST_TITLE],
            "description": write_document(letter.body, code_block(write_footer(letter.record))),
            "labels": [self._label],
        }
        answer = await self.send("POST", "issue", {"fields": fields}, f"open a ticket in {self.where}")
        key = str(answer.decode(dict[str, Any])["key"])
        self._opened.append(key)
        return self._site + key

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a comment holds the mark.

        Raises:
            ProviderError: the comments cannot be listed whole.
        """
        path = f"issue/{record.address.removeprefix(self._site)}/comment"
        doing = f"read the comments of {record.address}"
        seen = 0
        for _ in range(_MOST_PAGES):
            answer = await self.get(path, doing, {"startAt": seen, "maxResults": _AT_ONCE})
            page = answer.decode(dict[str, Any])
            found = page["comments"]
            if any(mark in json.dumps(one["body"], ensure_ascii=False) for one in found):
                return True
            seen += len(found)
            if not found or seen >= int(page["total"]):
                return False
        raise ProviderError(f"{record.address} has too many comments")

    async def note(self, record: Record, remark: Remark) -> None:
        """Write a comment.

        Raises:
            ProviderError: it was not written, or it is not known.
        """
        path = f"issue/{record.address.removeprefix(self._site)}/comment"
        await self.send("POST", path, {"body": _document(remark.text, remark.mark)}, f"comment on {record.address}")

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Move an issue to a status of the category Done, with a label and a comment that say why.

        Raises:
            ProviderError: it is gone, or its workflow has no way to such a status.
        """
        path, doing = f"issue/{record.address.removeprefix(self._site)}", f"close {record.address}"
        moves = (await self.get(f"{path}/transitions", doing, {"expand": "transitions.fields"})).decode(dict[str, Any])
        body = self._move(moves["transitions"], record.address)
        document = _document(f"Closed: {reason}. Please do not do this any more.")
        await self.send("PUT", path, {"update": {"labels": [{"add": status.value}]}}, doing)
        await self.send("POST", f"{path}/comment", {"body": document}, doing)
        await self.send("POST", f"{path}/transitions", body, doing)

    def _move(self, transitions: Sequence[Mapping[str, Any]], address: str) -> dict[str, Any]:
        """Return the transition that closes an issue, rather as rejected than as done.

        Raises:
            ProviderError: there is none.
        """
        ends = [one for one in transitions if one["to"]["statusCategory"]["key"] == "done"]
        if not ends:
            raise ProviderError(
                f"{address}: the workflow has no transition to a status of the category Done",
                hint="give the account of the token the right to make one, or close the issue by hand",
            )
        best = max(ends, key=lambda one: str(one["to"]["name"]).casefold() in self._rejected)
        allowed = best.get("fields", {}).get("resolution", {}).get("allowedValues", ())
        names = [str(one["name"]) for one in allowed]
        name = next((one for one in names if one.casefold() in self._rejected), next(iter(names), ""))
        return {"transition": {"id": str(best["id"])}} | ({"fields": {"resolution": {"name": name}}} if name else {})


def _document(*paragraphs: str) -> dict[str, Any]:
    """Return plain paragraphs as a document."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in paragraphs]
    return {"type": "doc", "version": 1, "content": content}


def _number(key: str) -> int:
    """Return the number in an issue's key."""
    return int(key.rpartition("-")[2])


def _closer(issue: Mapping[str, Any], closed: str) -> str:
    """Return who changed the status at the moment when it came to its category, from the newest 40 changes."""
    moves = [
        history
        for history in (issue.get("changelog") or {}).get("histories", ())
        if any(item.get("fieldId", item.get("field")) == "status" for item in history["items"])
    ]
    if not moves:
        return "somebody (its latest changes do not say who)"
    best = min(moves, key=lambda history: abs(_instant(history["created"]) - _instant(closed)))
    author = best.get("author") or {}
    return str(author.get("displayName") or author.get("accountId") or "somebody whose account is gone")


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


Config = JiraConfig
Tracker = JiraTracker
