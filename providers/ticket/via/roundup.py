"""Tickets as issues of a Roundup tracker (https://www.roundup-tracker.org/docs/rest.html)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import Field

from providers.ticket.api import ApiTracker
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.auth import BasicAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Transport

_PAGE: Final = 100
_MOST_PAGES: Final = 1000
_FIELDS: Final = "title,status.name,messages,keyword,activity,actor.username"
SUPERSEDED: Final = "superseded"


class RoundupConfig(TicketConfig):
    """Tickets as issues of a tracker whose schema is like the classic one: keywords, messages and a status."""

    url: str = Field(description="via roundup: the tracker, as https://issues.acme.example/it/")
    username: str = Field(min_length=1, description="via roundup: who opens the tickets")
    password: Secret = Field(description="via roundup: the password of that user")
    done: tuple[str, ...] = Field(
        default=("resolved", "done-cbb"), min_length=1, description="via roundup: statuses that mean done"
    )
    rejected: tuple[str, ...] = Field(
        default=("deferred",), min_length=1, description="via roundup: statuses that mean that it will not be done"
    )


class RoundupTracker(ApiTracker):
    """Issues with a keyword of the app; whoever sets a status that means done attests it."""

    Config = RoundupConfig
    closing: ClassVar[str] = (
        "Set this issue to a status that means done (resolved). What was done, and anything that shows it, belongs "
        "into a message.\n\nIf it cannot or must not be done, say why in a message, and defer it."
    )

    def __init__(self, transport: Transport, config: RoundupConfig, app: str) -> None:
        super().__init__(transport, f"issues of {config.url}", app)
        self._config = config
        self._keyword = f"access: {app}"
        self._keywords: set[str] = set()
        self._site = f"{config.url.rstrip('/')}/issue"

    @classmethod
    def make(cls, config: RoundupConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        parts = urlsplit(config.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        transport = Transport(
            f"{config.url.rstrip('/')}/rest/data",
            surroundings,
            name=f"{surroundings.app} (tickets in Roundup)",
            # The tracker takes requests that write only with these: its guard against forged ones.
            headers={"Origin": origin, "Referer": f"{origin}/", "X-Requested-With": "rest"},
            auth=BasicAuth(config.username, config.password, surroundings),
        )
        return cls(transport, config, surroundings.app)

    async def records(self) -> Sequence[Record]:
        """Return every issue with the app's keyword.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        keyword = await self._find_keyword(self._keyword)
        if keyword is None:
            return []
        superseded = await self._find_keyword(SUPERSEDED)
        issues = [issue async for issue in self._list("issue", {"keyword": keyword, "@fields": _FIELDS})]
        texts = await self._texts([_first(issue) for issue in issues])
        found = [self._found(issue, texts.get(_first(issue), ""), superseded) for issue in issues]
        hint = f"take the keyword {self._keyword!r} from what is no ticket"
        return read_found(found, self._app, self.where, hint=hint)

    async def _list(self, kind: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Yield a collection, page by page, in the order of ids; its total must hold.

        Raises:
            ProviderError: entries are missing, or there are too many.
        """
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES):
            asked: dict[str, str | int] = {**params, "@sort": "id", "@page_size": _PAGE, "@page_index": page}
            answer = await self.get(kind, f"list {self.where}", asked)
            data = answer.decode(dict[str, Any])["data"]
            for one in data["collection"]:
                if one["id"] not in seen:
                    yield one
                seen.add(one["id"])
            if not data["collection"] or len(seen) >= int(data["@total_size"]):
                if len(seen) != int(data["@total_size"]):
                    raise ProviderError(f"{self.where}: {data['@total_size']} were announced, {len(seen)} were listed")
                return
        raise ProviderError(f"{self.where}: more than {_MOST_PAGES * _PAGE}", hint="use a tracker of its own")

    async def _texts(self, messages: Sequence[str]) -> Mapping[str, str]:
        """Return the texts of messages by id, a page of them with each request."""
        texts: dict[str, str] = {}
        for start in range(0, len(messages), _PAGE):
            part = [message for message in messages[start : start + _PAGE] if message]
            async for one in self._list("msg", {"id": ",".join(part), "@fields": "content", "@verbose": "3"}):
                texts[one["id"]] = str(one.get("content") or "")
        return texts

    def _found(self, issue: Mapping[str, Any], text: str, superseded: str | None) -> Found:
        """Return an issue as it is; an issue that was touched after it was closed counts as closed then."""
        address, status = f"{self._site}{issue['id']}", self._status(issue, superseded)
        if status is Status.OPEN:
            return Found(address, text, status)
        closed = datetime.strptime(issue["activity"].partition(".")[0], "%Y-%m-%d").replace(tzinfo=UTC)
        clock = datetime.strptime(issue["activity"].partition(".")[2].partition(".")[0], "%H:%M:%S")  # noqa: DTZ007 - UTC is set on the next line
        closed = closed.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
        return Found(address, text, status, closed.isoformat(), str(issue.get("actor.username") or "somebody"))

    def _status(self, issue: Mapping[str, Any], superseded: str | None) -> Status:
        name = str(issue.get("status.name") or "")
        if superseded is not None and superseded in {str(one["id"]) for one in issue.get("keyword") or ()}:
            return Status.SUPERSEDED
        if name in self._config.done:
            return Status.DONE
        return Status.REJECTED if name in self._config.rejected else Status.OPEN

    async def create(self, letter: Letter) -> str | None:
        """Open an issue: a keyword where there is none yet, a message with the text, and the issue itself.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        doing = f"open a ticket in {self.where}"
        await self._make_keyword(self._keyword)
        message = await self._write(f"{letter.body}\n{write_footer(letter.record)}\n", doing)
        issue = {"title": letter.title, "keyword": [self._keyword], "messages": [message]}
        answer = await self.send("POST", "issue", issue, doing)
        return f"{self._site}{answer.decode(dict[str, Any])['data']['id']}"

    async def _write(self, text: str, doing: str) -> str:
        """Write a message that belongs to no issue yet, and return its id."""
        now = datetime.now(UTC).strftime("%Y-%m-%d.%H:%M:%S")
        body = {"content": text, "author": self._config.username, "date": now}
        answer = await self.send("POST", "msg", body, doing)
        return str(answer.decode(dict[str, Any])["data"]["id"])

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a message holds the mark.

        Raises:
            ProviderError: the messages cannot be listed whole.
        """
        data = await self._issue(record, f"read the messages of {record.address}")
        texts = await self._texts([str(one["id"]) for one in data["attributes"]["messages"]])
        return any(mark in text for text in texts.values())

    async def note(self, record: Record, remark: Remark) -> None:
        """Add a message.

        Raises:
            ProviderError: it was not added, or somebody changed the issue in the same moment.
        """
        doing = f"write to {record.address}"
        data = await self._issue(record, doing)
        message = await self._write(f"{remark.text}\n\n{remark.mark}\n", doing)
        body = {"messages": [*(str(one["id"]) for one in data["attributes"]["messages"]), message]}
        await self.send("PUT", self._path(record), body, doing, {"If-Match": str(data["@etag"])})

    def _path(self, record: Record) -> str:
        return f"issue/{record.address.removeprefix(self._site)}"

    async def _issue(self, record: Record, doing: str) -> dict[str, Any]:
        """Return an issue with its attributes and its etag."""
        answer = await self.get(self._path(record), doing, {"@verbose": 1})
        data: dict[str, Any] = answer.decode(dict[str, Any])["data"]
        return data

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Give an issue the keyword and the status that close it, and a message that says why.

        Raises:
            ProviderError: it is gone, cannot be closed, or somebody changed it in the same moment.
        """
        doing = f"close {record.address}"
        await self._make_keyword(status.value)
        data = await self._issue(record, doing)
        message = await self._write(f"Closed: {reason}. Please do not do this any more.", doing)
        kept = data["attributes"]
        body = {
            "status": self._config.rejected[0],
            "keyword": [*(str(one["id"]) for one in kept["keyword"]), status.value],
            "messages": [*(str(one["id"]) for one in kept["messages"]), message],
        }
        await self.send("PUT", self._path(record), body, doing, {"If-Match": str(data["@etag"])})

    async def _find_keyword(self, name: str) -> str | None:
        """Return a keyword's id, None if there is none of that name."""
        found = [one async for one in self._list("keyword", {"name": name, "@fields": "name"})]
        return next((str(one["id"]) for one in found if one["name"] == name), None)

    async def _make_keyword(self, name: str) -> None:
        if name not in self._keywords and await self._find_keyword(name) is None:
            await self.send("POST", "keyword", {"name": name}, f"make the keyword {name!r} in {self.where}")
        self._keywords.add(name)


def _first(issue: Mapping[str, Any]) -> str:
    """Return the id of an issue's first message: the text that it was opened with."""
    return min((str(one["id"]) for one in issue.get("messages") or ()), key=int, default="")


Config = RoundupConfig
Tracker = RoundupTracker
