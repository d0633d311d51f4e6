"""Groups and projects with their direct members, by GraphQL: the next page of both in each query.

So a read takes as many queries as the longer of the two lists has pages. A hundred groups and a hundred projects with a
hundred members each are worth about 150 of the 250 points that a query may have
(https://docs.gitlab.com/api/graphql/#limits); where an instance counts otherwise, less is asked for at once.
"""

from typing import Any, Final

from providers.gitlab.client import Found, GitLabClient, TooComplexError
from providers.gitlab.harvest import Harvest, Place
from providers.gitlab.mapping import GROUP, PROJECT, number_in
from reconciler.errors import ProviderError, TransportError

_PLACES_AT_ONCE: Final = 5
_CURSOR = "pageInfo { hasNextPage endCursor }"
_USER = "user { id username state bot publicEmail }"
_MEMBERS = f"{{ {_CURSOR} nodes {{ accessLevel {{ integerValue }} expiresAt {_USER} }} }}"


def _members(kind: str, paging: str) -> str:
    return f"{kind}Members(relations: [DIRECT], {paging}) {_MEMBERS}"


_GROUP = f"id fullPath {_members(GROUP, 'first: $inner')}"
_PROJECT = f"id fullPath group {{ id }} {_members(PROJECT, 'first: $inner')}"
_GROUPS = f"(first: $size, after: $groups%s) @include(if: $group) {{ {_CURSOR} nodes {{ {_GROUP} }} }}"
_PROJECTS = f"(first: $size, after: $projects%s) @include(if: $project) {{ {_CURSOR} nodes {{ {_PROJECT} }} }}"
_DECLARED = "$size: Int!, $inner: Int!, $groups: String, $projects: String, $group: Boolean!, $project: Boolean!"
_VIEWER = "currentUser { id username }"

INSTANCE: Final = f"""query({_DECLARED}) {{ {_VIEWER}
  groups{_GROUPS % ', sort: "id_asc"'}
  projects{_PROJECTS % ', sort: "id_asc"'} }}"""
TREE: Final = f"""query({_DECLARED}, $root: ID!) {{ {_VIEWER}
  group(fullPath: $root) {{ {_GROUP} maxAccessLevel {{ integerValue }}
    descendantGroups{_GROUPS % ""}
    projects{_PROJECTS % ", includeSubgroups: true"} }} }}"""
_LISTS = {GROUP: "groups", PROJECT: "projects"}


class Listing:
    """Reads groups and projects to their ends.

    Args:
        client: asks.
        root: the top-level group's path, or None for the whole instance.
    """

    def __init__(self, client: GitLabClient, root: str | None) -> None:
        self._client = client
        self._root = root
        self._size = self._inner = 100
        self._at_once = _PLACES_AT_ONCE

    async def read(self, harvest: Harvest) -> None:
        """Read all groups and projects with all their direct members.

        Raises:
            ProviderError: the top-level group is not to be seen.
            TransportError: nothing could be read.
        """
        cursors: dict[str, str | None] = {GROUP: None, PROJECT: None}
        first = True
        while cursors:
            found = await self._next(cursors)
            if first:
                self._take_first(harvest, found)
                first = False
            parent: Any = found.data.get("group") if self._root else found.data
            for kind in list(cursors):
                self._take(harvest, found, kind, parent, cursors)
        await self._finish(harvest)

    def _take_first(self, harvest: Harvest, found: Found) -> None:
        """Take who asks, and the top-level group itself."""
        harvest.viewer = number_in(str((found.data.get("currentUser") or {}).get("id") or ""))
        if self._root is None:
            return
        group = found.data.get("group")
        if group is None:
            raise ProviderError(
                f"the group {self._root} cannot be read: {found.why('group') or 'it is not visible'}",
                hint="is its path right, and may the token read it?",
            )
        harvest.rank = int((group.get("maxAccessLevel") or {}).get("integerValue") or 0)
        harvest.root = int(number_in(str(group["id"])))
        harvest.take(GROUP, group)

    def _take(self, harvest: Harvest, found: Found, kind: str, parent: Any, cursors: dict[str, str | None]) -> None:
        """Take a page of one list, and note where the next one begins."""
        field = "descendantGroups" if self._root and kind == GROUP else _LISTS[kind]
        page = (parent or {}).get(field)
        if not isinstance(page, dict):
            path = ("group", field) if self._root else (field,)
            harvest.problems[kind] = found.why(*path) or found.why() or "GitLab shows nothing of it to this token"
            del cursors[kind]
            return
        for node in filter(None, page.get("nodes") or ()):
            harvest.take(kind, node)
        info = page.get("pageInfo") or {}
        before, cursors[kind] = cursors[kind], info.get("endCursor")
        if not info.get("hasNextPage"):
            del cursors[kind]
        elif not cursors[kind] or cursors[kind] == before:
            harvest.problems[kind] = "the next page begins where the last one did"
            del cursors[kind]

    async def _next(self, cursors: dict[str, str | None]) -> Found:
        """Ask for the next pages; for less at once where that was too much."""
        while True:
            variables: dict[str, Any] = {"size": self._size, "inner": self._inner}
            variables |= {name: cursors.get(kind) for kind, name in _LISTS.items()}
            variables |= {kind: kind in cursors for kind in _LISTS}
            if self._root:
                variables["root"] = self._root
            try:
                return await self._client.query(TREE if self._root else INSTANCE, variables)
            except TooComplexError as error:
                if self._size == 1:
                    raise TransportError(error.message, hint="GitLab is too slow; run again later") from None
                self._size, self._inner = max(1, self._size // 2), max(1, self._inner // 2)

    async def _finish(self, harvest: Harvest) -> None:
        """Read the further pages of members of whatever has more than fit beside it."""
        while open_ := [place for place in harvest.every_place() if place.after and not place.unread]:
            batch = open_[: self._at_once]
            try:
                found = await self._client.query(*_further(batch))
            except TransportError as error:
                if isinstance(error, TooComplexError) and len(batch) > 1:
                    self._at_once = 1
                    continue
                for place in batch:
                    place.unread = error.message
                continue
            for number, place in enumerate(batch):
                held = found.data.get(f"p{number}") or {}
                harvest.take_members(place, held.get(f"{place.kind}Members"))


def _further(batch: list[Place]) -> tuple[str, dict[str, Any]]:
    """Return a query for the next page of members of some places."""
    fields, declared = [], []
    variables: dict[str, Any] = {}
    for number, place in enumerate(batch):
        paging = f"first: 100, after: $after{number}"
        fields.append(f"p{number}: {place.kind}(fullPath: $path{number}) {{ {_members(place.kind, paging)} }}")
        declared.append(f"$path{number}: ID!, $after{number}: String!")
        variables |= {f"path{number}": place.path, f"after{number}": place.after}
    return f"query({', '.join(declared)}) {{ {' '.join(fields)} }}", variables
