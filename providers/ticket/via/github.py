"""Tickets as issues of a GitHub repository (https://docs.github.com/en/rest/issues, version 2022-11-28)."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from providers.ticket.api import ApiTracker
from providers.ticket.body import escape
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_comment
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.auth import BearerAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Rate, Transport

_PAGE: Final = 100
_MOST_PAGES: Final = 1000
_LONGEST_LABEL: Final = 50
_LONGEST_TITLE: Final = 256
_NOT_FOUND: Final = 404
_NOT_PLANNED: Final = {"state": "closed", "state_reason": "not_planned"}
SUPERSEDED: Final = "superseded"
RATES: Final = (Rate("content", per_minute=70, burst=10),)
"""Requests that make content: at most 80 a minute
(https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits)."""


class GithubConfig(TicketConfig):
    """Tickets as issues."""

    repository: str = Field(
        pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", description="via github: OWNER/NAME of the repository"
    )
    token: Secret = Field(description="via github: a token that may read and write the repository's issues")
    url: str = Field(default="https://api.github.com", description="via github: the API, of GitHub Enterprise its own")


class GithubTracker(ApiTracker):
    """Issues with a label of the app: closed as completed is done, closed as not planned is rejected."""

    closing: ClassVar[str] = (
        "Close this issue as **completed**. What was done, and anything that shows it, belongs into a comment.\n\n"
        "If it cannot or must not be done, say why in a comment, and close it as **not planned**."
    )

    Config = GithubConfig
    writes: ClassVar[str] = "content"

    def __init__(self, transport: Transport, where: str, app: str, root: str) -> None:
        super().__init__(transport, where, app)
        self._label = _label(app)
        self._root = root
        self._labelled = False

    @classmethod
    def make(cls, config: GithubConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        transport = Transport(
            config.url,
            surroundings,
            name=f"{surroundings.app} (tickets on GitHub)",
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            auth=BearerAuth(config.token, surroundings),
            rates=RATES,
        )
        return cls(transport, f"issues of {config.repository}", surroundings.app, f"repos/{config.repository}")

    async def records(self) -> Sequence[Record]:
        """Return every issue with the app's label, in the order in which they were opened.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        found = [await self._found(issue) async for issue in self._issues()]
        return read_found(found, self._app, self.where, hint=f"take the label {self._label!r} from what is no ticket")

    async def _issues(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every issue with the label, the oldest first; pull requests are issues too, and are none of ours."""
        seen: set[int] = set()
        for page in range(1, _MOST_PAGES):
            params: dict[str, str | int] = {
                "labels": self._label,
                "state": "all",
                "sort": "created",
                "direction": "asc",
                "per_page": _PAGE,
                "page": page,
            }
            answer = await self.get(f"{self._root}/issues", f"list {self.where}", params)
            found = answer.decode(list[dict[str, Any]])
            for issue in found:
                if issue["number"] not in seen and "pull_request" not in issue:
                    yield issue
                seen.add(issue["number"])
            if 'rel="next"' not in answer.headers.get("link", ""):
                return
        raise ProviderError(f"{self.where}: more than {_MOST_PAGES * _PAGE}", hint="use a repository of its own")

    async def _found(self, issue: Mapping[str, Any]) -> Found:
        status = _status(issue)
        by = "" if status is Status.OPEN else await self._closer(issue)
        return Found(issue["html_url"], issue.get("body") or "", status, issue.get("closed_at") or "", by)

    async def _closer(self, issue: Mapping[str, Any]) -> str:
        """Return who closed an issue: a list need not say it."""
        closer = issue.get("closed_by")
        if closer is None:
            answer = await self.get(f"{self._root}/issues/{issue['number']}", f"read {issue['html_url']}")
            closer = answer.decode(dict[str, Any]).get("closed_by")
        return str(closer["login"]) if closer else "somebody whose account is gone"

    async def create(self, letter: Letter) -> str | None:
        """Open an issue, with the label by which it is found again.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        await self._make_label()
        body = f"{letter.body}\n{write_comment(letter.record)}\n"
        content = {"title": letter.title[:_LONGEST_TITLE], "body": body, "labels": [self._label]}
        answer = await self.send("POST", f"{self._root}/issues", content, f"open a ticket in {self.where}")
        issue = answer.decode(dict[str, Any])
        if self._label not in _labels(issue):
            # Without the right to set labels GitHub leaves them out, and the ticket would never be found again.
            path = f"{self._root}/issues/{issue['number']}"
            await self.send("PATCH", path, _NOT_PLANNED, f"close {issue['html_url']}")
            raise ProviderError(
                f"{issue['html_url']} was opened without its label, and closed again",
                hint="the token needs the permission to write issues",
            )
        return str(issue["html_url"])

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a comment holds the mark.

        Raises:
            ProviderError: the comments cannot be listed.
        """
        path = f"{self._root}/issues/{record.address.rpartition('/')[2]}/comments"
        for page in range(1, _MOST_PAGES):
            params: dict[str, str | int] = {"per_page": _PAGE, "page": page}
            answer = await self.get(path, f"read the comments of {record.address}", params)
            found = answer.decode(list[dict[str, Any]])
            if any(mark in str(one.get("body")) for one in found):
                return True
            if 'rel="next"' not in answer.headers.get("link", ""):
                break
        return False

    async def note(self, record: Record, remark: Remark) -> None:
        """Write a comment.

        Raises:
            ProviderError: it was not written, or it is not known.
        """
        path = f"{self._root}/issues/{record.address.rpartition('/')[2]}/comments"
        body = f"{escape(remark.text)}\n\n<!-- {remark.mark} -->\n"
        await self.send("POST", path, {"body": body}, f"comment on {record.address}")

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Close an issue as not planned, with a comment and a label that say why.

        Raises:
            ProviderError: it is gone, or cannot be closed.
        """
        path, doing = f"{self._root}/issues/{record.address.rpartition('/')[2]}", f"close {record.address}"
        await self.send("POST", f"{path}/labels", {"labels": [status.value]}, doing)
        await self.send(
            "POST", f"{path}/comments", {"body": f"Closed: {escape(reason)}. Please do not do this."}, doing
        )
        await self.send("PATCH", path, _NOT_PLANNED, doing)

    async def _make_label(self) -> None:
        """Make the label if it is not there: GitHub would make it too, but only for some."""
        if self._labelled:
            return
        answer = await self._transport.request("GET", f"{self._root}/labels/{self._label.replace(' ', '%20')}")
        if answer.status == _NOT_FOUND:
            made = {"name": self._label, "description": "access that a person gives or takes", "color": "5319e7"}
            await self.send("POST", f"{self._root}/labels", made, f"make the label {self._label!r} in {self.where}")
        else:
            answer.raise_for_refusal(f"look up the label {self._label!r} in {self.where}")
        self._labelled = True


def _label(app: str) -> str:
    """Return the label of an app's tickets; a long name is shortened, with a part that keeps it unique."""
    label = f"access: {app}"
    if len(label) <= _LONGEST_LABEL:
        return label
    return f"{label[: _LONGEST_LABEL - 9]}-{hashlib.sha256(app.encode()).hexdigest()[:8]}"


def _labels(issue: Mapping[str, Any]) -> set[str]:
    return {label if isinstance(label, str) else str(label.get("name")) for label in issue.get("labels", ())}


def _status(issue: Mapping[str, Any]) -> Status:
    if issue["state"] == "open":
        return Status.OPEN
    if SUPERSEDED in _labels(issue):
        return Status.SUPERSEDED
    return Status.DONE if issue.get("state_reason") in {None, "completed"} else Status.REJECTED


Config = GithubConfig
Tracker = GithubTracker
