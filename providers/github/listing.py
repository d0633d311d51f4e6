"""Connections of GraphQL, read page by page: several at once in each query, each proven by its own count.

One query carries the next page of every connection that is not finished: those of the organization, and those inside
a team or a repository that did not fit into one page. So a read takes as many queries as its longest connection has
pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.github.client import Found, GitHubClient, TooHeavyError

NESTED = 100
"""How much of a connection inside another is asked for: the most that GitHub gives."""
_NESTED_AT_ONCE = 20
CURSOR = "pageInfo { hasNextPage endCursor }"

Take = Callable[[Mapping[str, Any], "Listing", Found, tuple[str | int, ...]], Iterator["Listing"]]


@dataclass(slots=True)
class Listing:
    """One connection.

    Attributes:
        name: the connection: `members`.
        arguments: its arguments but those for paging (`membership: IMMEDIATE`), or empty.
        selection: what is asked of each page, beside its count and its cursor.
        take: gets each page, and yields listings of what did not fit into it.
        fail: is told why it is not whole.
        within: the object of the organization that it is in, or empty.
        node, type: the id and type of the team or repository that it is in; empty for the organization's own.
        after: the cursor of the next page.
        pages: how many were read.
        listed: ids of what was listed, for the proof.
        total: what GitHub says it has.
        why: why it is not whole, or empty.
    """

    name: str
    selection: str
    take: Take
    arguments: str = ""
    fail: Callable[[str], None] | None = None
    within: str = ""
    node: str = ""
    type: str = ""
    after: str | None = None
    pages: int = 0
    listed: set[object] = field(default_factory=set)
    total: int | None = None
    why: str = ""
    done: bool = False

    def receive(self, found: Found, path: tuple[str | int, ...]) -> Iterator["Listing"]:
        """Take one page, or why there is none; yield listings of what did not fit."""
        page: Any = found.data
        for step in path:
            page = page.get(step) if isinstance(page, Mapping) else None
        if not isinstance(page, Mapping):
            self.give_up(found.why(*path[:2]) or found.why(*path[:1]) or "GitHub shows nothing of it to this token")
            return
        self.start(page)
        yield from self.take(page, self, found, path)
        self.prove()

    def start(self, page: Mapping[str, Any]) -> None:
        """Note a page's count and where the next one begins."""
        self.pages += 1
        self.total = page.get("totalCount")
        info = page.get("pageInfo") or {}
        before, self.after = self.after, info.get("endCursor")
        self.done = not info.get("hasNextPage")
        if not self.done and (self.after is None or self.after == before):
            self.give_up("the next page begins where the last one did")

    def give_up(self, why: str) -> None:
        """End it, not whole."""
        self.why = self.why or why
        self.done = True
        if self.fail:
            self.fail(self.why)

    def prove(self) -> None:
        """Compare what was listed with what there is."""
        if self.done and self.total is not None and len(self.listed) != self.total:
            self.give_up(
                f"{len(self.listed)} of {self.total} were listed; it was cut off, or changed while it was read"
            )

    @property
    def proof(self) -> str:
        """What proves it, in a few words."""
        return f"{len(self.listed)} of {self.total} on {self.pages} pages"


async def read_all(
    client: GitHubClient, listings: Sequence[Listing], *, size: int, emails: bool, viewer: bool
) -> Found:
    """Read connections to their ends.

    Args:
        client: asks.
        listings: the organization's connections.
        size: how much of each is asked for at once; halved where GitHub takes too long.
        emails: whether people's verified addresses are asked for.
        viewer: whether the token belongs to an account, which is asked for too; an app's does not.

    Returns:
        The first answer, for what it says of the organization itself.

    Raises:
        TransportError: nothing could be read.
    """
    first: Found | None = None
    fixed: dict[str, Any] = {"org": client.organization, "viewer": viewer}
    queue = list(listings)
    found = Found({})
    while queue:
        batch = _next(queue)
        found, size, emails = await _ask(client, batch, fixed, size, emails=emails)
        more: list[Listing] = []
        if found.data.get("organization") is None and (blamed := _blamed(batch, found)):
            for one, why in blamed:
                one.give_up(why)
        else:
            first = first or found
            for number, one in enumerate(batch):
                more += one.receive(found, _path(number, one))
        queue = [one for one in (*queue, *more) if not one.done]
    return first or found


def _blamed(batch: Sequence[Listing], found: Found) -> list[tuple[Listing, str]]:
    """Return the connections whose refusal took the whole organization out of an answer, each with GitHub's words.

    A connection that may not be null takes what it is in with it (GraphQL specification, section 6.4.4); the others
    are asked for again without it.
    """
    paths = ((one, _path(number, one)) for number, one in enumerate(batch))
    told = ((one, found.why(*path)) for one, path in paths if path[0] == "organization")
    return [(one, why) for one, why in told if why]


def _next(queue: Sequence[Listing]) -> list[Listing]:
    """Return what goes into the next query."""
    nested = [one for one in queue if one.node]
    return [*(one for one in queue if not one.node), *nested[:_NESTED_AT_ONCE]]


async def _ask(
    client: GitHubClient, batch: Sequence[Listing], fixed: Mapping[str, Any], size: int, *, emails: bool
) -> tuple[Found, int, bool]:
    """Send one query, for less where that was too much, and without addresses where these are not shown."""
    while True:
        document = document_of(batch, emails=emails)
        variables: dict[str, Any] = {**fixed, "size": size}
        variables |= {f"after{number}": one.after for number, one in enumerate(batch)}
        variables |= {f"node{number}": one.node for number, one in enumerate(batch) if one.node}
        used = {name: value for name, value in variables.items() if f"${name}:" in document}
        try:
            found = await client.query(document, used)
        except TooHeavyError:
            if size == 1:
                raise
            size //= 2
            continue
        if emails and any("organizationVerifiedDomainEmails" in path for path in found.errors):
            emails = False
            continue
        return found, size, emails


def document_of(batch: Sequence[Listing], *, emails: bool) -> str:
    """Return the query for the next pages of some connections; it declares exactly the variables that it uses."""
    own = " ".join(_field(number, one, "$size") for number, one in enumerate(batch) if not one.node)
    nested = " ".join(
        f"n{number}: node(id: $node{number}) {{ ... on {one.type} {{ {_field(number, one, str(NESTED))} }} }}"
        for number, one in enumerate(batch)
        if one.node
    )
    body = f"organization(login: $org) {{ databaseId {own} }} {nested}"
    fragment = _PERSON % (_ADDRESSES if emails else "") if "...Person" in body else ""
    declared = ["$org: String!", "$viewer: Boolean!"]
    declared += ["$size: Int!"] if own else []
    declared += [f"$after{number}: String" for number in range(len(batch))]
    declared += [f"$node{number}: ID!" for number, one in enumerate(batch) if one.node]
    return f"query({', '.join(declared)}) {{ {_VIEWER} {body} }} {fragment}".strip()


_VIEWER = "viewer @include(if: $viewer) { login databaseId }"
_PERSON = "fragment Person on User { databaseId login %s }"
_ADDRESSES = "organizationVerifiedDomainEmails(login: $org)"


def _field(number: int, one: Listing, first: str) -> str:
    arguments = ", ".join(filter(None, (one.arguments, f"first: {first}", f"after: $after{number}")))
    page = f"({arguments}) {{ totalCount {CURSOR} {one.selection} }}"
    if one.within:
        return f"c{number}: {one.within} {{ {one.name}{page} }}"
    return f"c{number}: {one.name}{page}"


def _path(number: int, one: Listing) -> tuple[str | int, ...]:
    path = (f"n{number}", f"c{number}") if one.node else ("organization", f"c{number}")
    return (*path, one.name) if one.within else path
