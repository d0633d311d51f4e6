"""Comments and issues: one of each for a purpose, found again by a hidden marker that only we count.

A marker is an HTML comment at the very start of the text. Anybody can write one, so it counts only in what our own
account wrote: else whoever put it there first could edit what we say later.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from reconciler.errors import ConfigurationError
from reconciler.forge.api import Api, login
from reconciler.forge.values import Comment, Issue

LONGEST_BODY: Final = 65_536
"""Characters that the body of a comment or an issue may have; more is answered 422."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9:/._@-]{0,200}")


def marker(name: str) -> str:
    """Return the hidden marker of a name (`plan`, `drift/slack`).

    Raises:
        ConfigurationError: the name has characters that could end the marker.
    """
    if not _NAME.fullmatch(name) or "--" in name:
        raise ConfigurationError(f"{name!r} cannot be a marker", hint="use small letters, digits and :/._@-")
    return f"<!-- reconciler:{name} -->"


class Issues:
    """The issues of a repository, and the comments on them and on pull requests.

    Args:
        api: the repository.
        me: the login that we write as.
    """

    def __init__(self, api: Api, me: str) -> None:
        self._api = api
        self._me = me

    async def comments(self, number: int) -> list[Comment]:
        """List the comments on an issue or a pull request, the oldest first."""
        found = self._api.pages(f"issues/{number:d}/comments", f"list the comments on #{number}")
        return [_comment(entry) async for entry in found]

    async def find_comment(self, number: int, name: str) -> Comment | None:
        """Return our comment with a marker; the oldest, should there be several."""
        start = marker(name)
        ours = (one for one in await self.comments(number) if self._is_mine(one.author) and one.body.startswith(start))
        return next(ours, None)

    async def put_comment(self, number: int, name: str, body: str) -> Comment:
        """Write our one comment with a marker: a new one, or the one that is there; unchanged if it says that already.

        Raises:
            ConfigurationError: the text is too long for the forge.
        """
        text = _with_marker(name, body)
        there = await self.find_comment(number, name)
        if there is None:
            what = f"comment on #{number}"
            return _comment(await self._api.send("POST", f"issues/{number:d}/comments", what, {"body": text}))
        if _same(there.body, text):
            return there
        what = f"update our comment on #{number}"
        return _comment(await self._api.send("PATCH", f"issues/comments/{there.id:d}", what, {"body": text}))

    async def find(self, name: str, label: str, *, closed: bool = False) -> list[Issue]:
        """List our issues with a marker, the newest first; only open ones unless `closed` is asked for."""
        start = marker(name)
        return [one for one in await self.labelled(label, closed=closed) if one.body.startswith(start)]

    async def labelled(self, label: str, *, closed: bool = False) -> list[Issue]:
        """List our issues with a label, the newest first."""
        params = {"labels": label, "state": "all" if closed else "open"}
        found = self._api.pages("issues", f"list the issues labelled {label}", params)
        issues = [_issue(entry) async for entry in found if "pull_request" not in entry]
        return [issue for issue in issues if self._is_mine(issue.author)]

    async def open(self, name: str, title: str, body: str, labels: Sequence[str]) -> Issue:
        """Open an issue with a marker; labels that do not exist yet are made by the forge."""
        send = {"title": title, "body": _with_marker(name, body), "labels": list(labels)}
        return _issue(await self._api.send("POST", "issues", f"open the issue {title!r}", send))

    async def update(self, issue: Issue, name: str, *, title: str, body: str) -> Issue:
        """Give an issue another title and text, and open it again if it was closed; nothing is sent if it is so."""
        text = _with_marker(name, body)
        if issue.open and issue.title == title and _same(issue.body, text):
            return issue
        send = {"title": title, "body": text, "state": "open"}
        return _issue(await self._api.send("PATCH", f"issues/{issue.number:d}", f"update #{issue.number}", send))

    async def close(self, issue: Issue, *, done: bool = True) -> Issue:
        """Close an issue as completed, or as not planned."""
        send = {"state": "closed", "state_reason": "completed" if done else "not_planned"}
        return _issue(await self._api.send("PATCH", f"issues/{issue.number:d}", f"close #{issue.number}", send))

    async def comment(self, number: int, body: str) -> Comment:
        """Add a comment without a marker."""
        what = f"comment on #{number}"
        return _comment(await self._api.send("POST", f"issues/{number:d}/comments", what, {"body": _fitting(body)}))

    def _is_mine(self, author: str) -> bool:
        return author.casefold() == self._me.casefold()


def _with_marker(name: str, body: str) -> str:
    return _fitting(f"{marker(name)}\n{body}")


def _fitting(text: str) -> str:
    """Return a text that the forge takes; whoever wrote it had to cut it, by what matters."""
    if len(text) > LONGEST_BODY:
        raise ConfigurationError(f"a text of {len(text):,} characters is longer than the {LONGEST_BODY:,} of a comment")
    return text


def _same(there: str, wanted: str) -> bool:
    """Say whether a text is the same; the forge may give it back with other line ends, or without those at its end."""
    return there.replace("\r\n", "\n").rstrip() == wanted.rstrip()


def _comment(entry: dict[str, Any]) -> Comment:
    return Comment(
        int(entry["id"]), login(entry.get("user")), str(entry.get("body") or ""), str(entry.get("html_url") or "")
    )


def _issue(entry: dict[str, Any]) -> Issue:
    labels = (label.get("name", "") if isinstance(label, dict) else label for label in entry.get("labels") or ())
    return Issue(
        number=int(entry["number"]),
        author=login(entry.get("user")),
        title=str(entry.get("title") or ""),
        body=str(entry.get("body") or ""),
        open=entry.get("state") == "open",
        url=str(entry.get("html_url") or ""),
        labels=tuple(str(label) for label in labels),
    )
