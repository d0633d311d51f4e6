"""One resource is changed: patched, or read, changed and put; never over somebody else's change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from providers.scim.client import ScimClient, refusal, version_in
from providers.scim.mapping import read, write
from providers.scim.patch import patch_attributes
from providers.scim.paths import AttributePath, find, truth
from providers.scim.resources import parse_json
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.transport import Answer

_NO_SUCH_METHOD = frozenset({405, 501})
_READ_ONLY = ("meta", "groups")
_TRIES = 3


class Ending(Enum):
    """How an edit ended."""

    DONE = "done"
    ABSENT = "absent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Edited:
    """What came of an edit: how it ended, and what to say of it."""

    ending: Ending
    words: str = ""


@dataclass(slots=True)
class Edit:
    """What is to be changed.

    Attributes:
        collection, remote_id: the resource.
        values: path → new JSON value; None takes it away.
        what: for messages: `change title of ana`.
        version: what was read when this was decided, or empty.
        holds: says of the resource as it is now what no longer is as it was when this was decided, or nothing; asked
            when somebody else changed it meanwhile.
        before: path → value as it was, to tell "nothing happened" from "written in another form".
        amend: for what cannot be said without the resource (an element among others): its values, from the resource.
    """

    collection: str
    remote_id: str
    values: Mapping[AttributePath, Any]
    what: str
    version: str = ""
    holds: Callable[[Mapping[str, Any]], str] = lambda _: ""
    before: Mapping[AttributePath, Any] = field(default_factory=dict)
    amend: Callable[[Mapping[str, Any]], Mapping[AttributePath, Any]] | None = None


class Editor:
    """Changes resources of one server.

    Args:
        client: speaks with it.
    """

    def __init__(self, client: ScimClient) -> None:
        self._client = client
        self._dialect = client.dialect
        self.without_patch: set[str] = set()

    async def apply(self, edit: Edit) -> Edited:
        """Make an edit, reading first only where that is needed."""
        try:
            return await self._attempt(edit)
        except AnswerError as error:
            return Edited(Ending.REFUSED, error.message)
        except TransportError as error:
            if error.landed is False:
                return Edited(Ending.REFUSED, error.message)
            return await self._look_after(edit, error)

    async def _attempt(self, edit: Edit) -> Edited:
        """Send, and again after reading anew: where somebody was faster, or a version or a PUT is wanted."""
        version, current, refused = edit.version, None, ""
        for attempt in range(_TRIES):
            if attempt or self._needs_current(edit, version):
                current, version = await self._read(edit)
                if current is None:
                    return Edited(Ending.ABSENT, "not found")
                changed = edit.holds(current) if attempt else ""
                if changed:
                    return Edited(Ending.REFUSED, f"{edit.what}: changed meanwhile: {changed}")
            answer = await self._send_either_way(edit, current, version)
            if answer is None:
                refused = f"{edit.what}: the server has no PATCH"
            elif self._client.is_stale(answer) or self._client.needs_version(answer):
                refused = refusal(answer, edit.what)
            else:
                return await self._conclude(edit, answer)
        return Edited(Ending.REFUSED, refused)

    async def _read(self, edit: Edit) -> tuple[dict[str, Any] | None, str]:
        """Return the resource as it is now, None where there is none, and its version."""
        answer = await self._client.get(edit.collection, edit.remote_id)
        if self._client.means(answer, "absent"):
            return None, ""
        answer.raise_for_refusal(edit.what)
        found = parse_json(answer.content, edit.what)
        if not isinstance(found, dict):
            raise TransportError(f"{edit.what}: the answer is no resource", landed=False)
        return found, version_in(answer, found)

    async def _send_either_way(self, edit: Edit, current: Mapping[str, Any] | None, version: str) -> Answer | None:
        """Send an edit; None where the server turned out to have no PATCH, so that it is read and put instead."""
        try:
            answer = await self._send(edit, current, version)
        except AnswerError as error:
            if error.status not in _NO_SUCH_METHOD or not self._can_put(edit.collection):
                raise
        else:
            if answer.status not in _NO_SUCH_METHOD or not self._can_put(edit.collection):
                return answer
        self.without_patch.add(edit.collection)
        return None

    def _needs_current(self, edit: Edit, version: str) -> bool:
        by_put = not self._patches(edit.collection)
        among_others = edit.amend is not None or any(path.plural or path.key for path in edit.values)
        return by_put or among_others or (self._dialect.etag == "required" and not version)

    def _patches(self, collection: str) -> bool:
        can = self._dialect.patch if collection == "Users" else self._dialect.patch_groups
        return can and collection not in self.without_patch

    def _can_put(self, collection: str) -> bool:
        """Say whether a resource that could not be patched may be put instead."""
        return collection not in self.without_patch and (collection == "Users" or self._dialect.member_replace)

    async def _send(self, edit: Edit, current: Mapping[str, Any] | None, version: str) -> Answer:
        """Send what makes the edit; several requests where the server takes little at once."""
        values = dict(edit.values)
        if edit.amend is not None and current is not None:
            values |= edit.amend(current)
        if not self._patches(edit.collection):
            return await self._put(edit, dict(current or {}), values, version)
        values = dict(_among_others(path, value, current or {}) for path, value in values.items())
        answer: Answer | None = None
        for body in patch_attributes(values, self._dialect):
            answer = await self._client.send(
                "PATCH", edit.collection, edit.remote_id, body=body, version=version, idempotent=True
            )
            if not answer.ok:
                return answer
            version = ""  # the first of several made a new one
        if answer is None:
            raise TransportError(f"{edit.what}: there is nothing to change", landed=False)
        return answer

    async def _put(
        self, edit: Edit, resource: dict[str, Any], values: Mapping[AttributePath, Any], version: str
    ) -> Answer:
        """Replace the resource by itself with the changes; what is not known is kept (RFC 7644 section 3.5.1)."""
        for name in _READ_ONLY:
            resource.pop(name, None)
        for path, value in values.items():
            write(resource, path, value)
        if edit.collection == "Users":
            resource.setdefault("active", True)
        body = {name: value for name, value in resource.items() if value is not None}
        return await self._client.send("PUT", edit.collection, edit.remote_id, body=body, version=version)

    async def _conclude(self, edit: Edit, answer: Answer) -> Edited:
        if self._client.means(answer, "absent"):
            return Edited(Ending.ABSENT, "not found")
        if not answer.ok:
            return Edited(Ending.REFUSED, refusal(answer, edit.what))
        shown = self._shown(answer)
        if shown is not None and self._unchanged(edit, shown):
            return await self._look_again(edit, answer.status)
        if self._dialect.read_back == "always" and shown is None:
            return await self._look_again(edit, answer.status)
        return Edited(Ending.DONE)

    def _shown(self, answer: Answer) -> Mapping[str, Any] | None:
        """Return the resource that a server shows as the result, if it does."""
        try:
            found = parse_json(answer.content, "") if answer.content.strip() else None
        except TransportError:
            return None
        return found if isinstance(found, dict) and find(found, "id") is not None else None

    def _unchanged(self, edit: Edit, shown: Mapping[str, Any]) -> list[str]:
        """Return the attributes that are shown as they were, where they should be otherwise."""
        return [
            str(path)
            for path, wanted in edit.values.items()
            if not same(read(shown, path), wanted) and self._is_as_before(edit, path, shown)
        ]

    def _is_as_before(self, edit: Edit, path: AttributePath, shown: Mapping[str, Any]) -> bool:
        value = read(shown, path)
        if path not in edit.before:
            return value is not None and isinstance(truth(value), bool) and isinstance(edit.values[path], bool)
        return same(value, edit.before[path])

    async def _look_again(self, edit: Edit, status: int) -> Edited:
        """Read the resource after a success that does not show what was asked for."""
        answer = await self._client.get(edit.collection, edit.remote_id)
        if self._client.means(answer, "absent"):
            return Edited(Ending.ABSENT, "not found")
        shown = self._shown(answer) if answer.ok else None
        unchanged = self._unchanged(edit, shown) if shown is not None else []
        if unchanged:
            words = f"{edit.what}: the app answered {status}, and changed nothing ({', '.join(unchanged)})"
            return Edited(Ending.REFUSED, words)
        return Edited(Ending.DONE)

    async def _look_after(self, edit: Edit, error: TransportError) -> Edited:
        """Find out what came of a change whose answer was lost."""
        try:
            answer = await self._client.get(edit.collection, edit.remote_id)
        except TransportError:
            return Edited(Ending.UNKNOWN, error.message)
        if self._client.means(answer, "absent"):
            return Edited(Ending.ABSENT, "not found")
        shown = self._shown(answer) if answer.ok else None
        if shown is None:
            return Edited(Ending.UNKNOWN, error.message)
        values = edit.amend(shown) if edit.amend else edit.values
        if all(same(read(shown, path), value) for path, value in values.items()):
            return Edited(Ending.DONE, "the answer was lost; it was done")
        return Edited(Ending.REFUSED, f"{error.message}; it was not done")


def same(shown: Any, wanted: Any) -> bool:
    """Say whether a value is the wanted one, in whatever form a server shows it: `"False"`, `{"value": …}`, none."""
    if isinstance(wanted, bool):
        return truth(shown) is wanted
    if isinstance(shown, dict):
        shown = find(shown, "value")
    if isinstance(wanted, tuple | list):
        return _texts(shown) == _texts(wanted)
    return (shown in (None, "", [])) if wanted in (None, "") else str(shown) == str(wanted)


def _texts(values: Any) -> list[str]:
    several = values if isinstance(values, tuple | list) else [] if values is None else [values]
    return sorted(str(find(each, "value")) if isinstance(each, dict) else str(each) for each in several)


def _among_others(path: AttributePath, value: Any, current: Mapping[str, Any]) -> tuple[AttributePath, Any]:
    """Turn one new email into the whole list of emails with it, so that the others stay."""
    if not (path.plural or path.key):
        return path, value
    holder: dict[str, Any] = {path.name: find(current, path.name)}
    write(holder, path, value)
    return AttributePath(path.name), holder[path.name] or None
