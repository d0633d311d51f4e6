"""Pull requests: opened, found by their branch or by what was merged, and what their reviewers said."""

from collections.abc import Sequence
from typing import Any

from reconciler.errors import AnswerError
from reconciler.forge.api import Api, instant, login, sha
from reconciler.forge.values import Opinion, PullRequest, Review

_UNKNOWN_REVIEWER = 422
_PUSHES = frozenset({"push", "force_push", "branch_creation"})
_SAYS_SOMETHING = frozenset({Opinion.APPROVED, Opinion.CHANGES_REQUESTED, Opinion.DISMISSED})


class Pulls:
    """The pull requests of a repository."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, number: int) -> PullRequest:
        """Return one pull request."""
        return _pull(await self._api.get(f"pulls/{number:d}", f"read #{number}"))

    async def of_commit(self, commit: str) -> list[PullRequest]:
        """List the pull requests that a commit belongs to: of one in the default branch, those that brought it there.

        What the list says is short; each is read on its own, so that it is known whether it is merged.
        """
        found = self._api.pages(f"commits/{sha(commit)}/pulls", f"list the pull requests of {commit[:12]}")
        return [await self.get(int(entry["number"])) async for entry in found]

    async def find(self, *, head: str = "", state: str = "open") -> list[PullRequest]:
        """List pull requests, the newest first; of one branch of this repository only, if `head` names it.

        Args:
            head: a branch's name.
            state: `open`, `closed` or `all`.
        """
        owner = self._api.repository.partition("/")[0]
        params = {"state": state} | ({"head": f"{owner}:{head}"} if head else {})
        found = [_pull(entry) async for entry in self._api.pages("pulls", "list the pull requests", params)]
        return [pull for pull in found if not head or pull.head == head]

    async def open(self, *, title: str, head: str, base: str, body: str) -> PullRequest:
        """Open a pull request of a branch of this repository, or return the open one that this branch has already."""
        there = [pull for pull in await self.find(head=head) if pull.base == base]
        if there:
            return there[0]
        send = {"title": title, "head": head, "base": base, "body": body}
        return _pull(await self._api.send("POST", "pulls", f"open a pull request of {head}", send))

    async def update(self, number: int, *, title: str, body: str) -> PullRequest:
        """Give a pull request another title and text."""
        send = {"title": title, "body": body}
        return _pull(await self._api.send("PATCH", f"pulls/{number:d}", f"update #{number}", send))

    async def close(self, number: int) -> PullRequest:
        """Close a pull request without merging it."""
        return _pull(await self._api.send("PATCH", f"pulls/{number:d}", f"close #{number}", {"state": "closed"}))

    async def request_reviewers(self, number: int, logins: Sequence[str]) -> tuple[str, ...]:
        """Ask people to review, each on their own; return those who cannot be asked (unknown here, or the author)."""
        refused = []
        for name in logins:
            send = {"reviewers": [name]}
            try:
                await self._api.send("POST", f"pulls/{number:d}/requested_reviewers", f"ask {name} to review", send)
            except AnswerError as error:
                if error.status != _UNKNOWN_REVIEWER:
                    raise
                refused.append(name)
        return tuple(refused)

    async def reviews(self, number: int) -> list[Review]:
        """List every review of a pull request, the oldest first; those of users that are gone are left out."""
        found = self._api.pages(f"pulls/{number:d}/reviews", f"list the reviews of #{number}")
        return [review async for entry in found if (review := _review(entry)) is not None]

    async def messages(self, number: int) -> list[str]:
        """List the messages of a pull request's commits, the oldest first (the forge lists 250 at most)."""
        found = self._api.pages(f"pulls/{number:d}/commits", f"list the commits of #{number}")
        return [str((entry.get("commit") or {}).get("message") or "") async for entry in found]

    async def pushers(self, branch: str) -> list[str]:
        """List who ever pushed to a branch, by the forge's own record, which no commit can forge."""
        found = self._api.pages("activity", f"list who pushed to {branch}", {"ref": f"refs/heads/{branch}"})
        names = [login(entry.get("actor")) async for entry in found if entry.get("activity_type") in _PUSHES]
        return list(dict.fromkeys(filter(None, names)))

    async def files(self, number: int) -> list[str]:
        """List the paths that a pull request touches, former names too (the forge lists 3,000 at most)."""
        names: list[str] = []
        async for entry in self._api.pages(f"pulls/{number:d}/files", f"list the files of #{number}"):
            names += [str(entry[key]) for key in ("filename", "previous_filename") if entry.get(key)]
        return names


def latest_reviews(reviews: Sequence[Review]) -> dict[str, Review]:
    """Return what each reviewer last said: approval, a wish for changes, or a dismissed one; remarks change nothing."""
    latest: dict[str, Review] = {}
    for review in sorted(reviews, key=lambda review: review.submitted_at):
        if review.opinion in _SAYS_SOMETHING:
            latest[review.reviewer.casefold()] = review
    return latest


def approvals(reviews: Sequence[Review], *, commit: str, author: str) -> list[Review]:
    """Return the approvals that count: each reviewer's last word, of exactly this commit, by another than the author.

    Args:
        reviews: all of them.
        commit: the commit that was merged, as the head of the pull request.
        author: the login of whoever opened it.
    """
    last = latest_reviews(reviews)
    return [
        review
        for name, review in sorted(last.items())
        if review.opinion is Opinion.APPROVED and review.commit == commit and name != author.casefold()
    ]


def _pull(entry: dict[str, Any]) -> PullRequest:
    head, base = entry.get("head") or {}, entry.get("base") or {}
    return PullRequest(
        number=int(entry["number"]),
        author=login(entry.get("user")),
        title=str(entry.get("title") or ""),
        url=str(entry.get("html_url") or ""),
        head=str(head.get("ref") or ""),
        head_sha=str(head.get("sha") or ""),
        head_repository=str((head.get("repo") or {}).get("full_name") or ""),
        base=str(base.get("ref") or ""),
        open=entry.get("state") == "open",
        merged=bool(entry.get("merged_at")),
        merge_sha=str(entry.get("merge_commit_sha") or ""),
        merged_by=login(entry.get("merged_by")),
    )


def _review(entry: dict[str, Any]) -> Review | None:
    reviewer, submitted = login(entry.get("user")), entry.get("submitted_at")
    if not reviewer or not submitted:
        return None
    return Review(
        reviewer=reviewer,
        opinion=Opinion(entry["state"]),
        commit=str(entry.get("commit_id") or ""),
        submitted_at=instant(submitted),
        association=str(entry.get("author_association") or ""),
    )
