"""What a stranger's API lists, read whole: by pages, offsets, cursors or links, and each ticket by its id."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from providers.ticket.calls import HEADER, Listing, Reading
from providers.ticket.filling import fill, fill_path, fill_query, names_in, pick, pick_list, without_cursor
from reconciler.errors import ProviderError
from reconciler.provider.answer import Answer

_MOST_PAGES: Final = 10_000
_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, filled in."""

    path: str
    query: Mapping[str, str]
    method: str = "GET"
    body: Any = None


Ask = Callable[[Asked, str], Awaitable[Answer]]


async def pause(seconds: float) -> None:
    """Wait."""
    if seconds:
        await asyncio.sleep(seconds)


def check_said(answer: Answer, doing: str) -> Any:
    """Return what was answered as JSON, or nothing where the body is empty or no JSON.

    Raises:
        ProviderError: it is a success that says that it is none, as GraphQL and others answer.
    """
    kind = answer.headers.get("content-type", "")
    if not answer.content.strip() or ("json" not in kind and not answer.content.lstrip().startswith((b"{", b"["))):
        return None
    document = answer.json()
    if isinstance(document, dict):
        refused = document.get("ok") is False or document.get("success") is False
        if refused or document.get("errors"):
            raise ProviderError(f"{doing}: {answer.what}: {answer.words()[:_SHOWN]}")
    return document


async def list_all(ask: Ask, call: Listing, values: Mapping[str, str], doing: str) -> list[dict[str, Any]]:
    """Return everything that a request lists.

    Raises:
        ProviderError: fewer came than were announced, or it may be cut off, or it has no end.
    """
    found: dict[str, dict[str, Any]] = {}
    cursor, total, link = "", None, ""
    for page in range(1, _MOST_PAGES):
        here = {**values, "page": str(page), "page0": str(page - 1), "offset": str(len(found)), "cursor": cursor}
        answer = await ask(Asked(link, {}) if link else _fill(call, here), doing)
        document = check_said(answer, doing)
        total = pick(document, call.total, doing) if call.total else None
        new = {repr(sorted(one.items(), key=str)): one for one in pick_list(document, call.items, doing)}
        if call.most and len(new) >= call.most:
            raise ProviderError(f"{doing}: {len(new)} came at once, and more may be left", hint="look at `most`")
        fresh = [name for name in new if name not in found]
        found.update(new)
        cursor, link = _next(call, answer, document, doing)
        if not call.paged or not fresh or (call.next and not cursor and not link):
            break
    else:
        raise ProviderError(f"{doing}: more than {_MOST_PAGES} pages", hint="use a place of its own")
    if call.total and str(total) != str(len(found)):
        raise ProviderError(f"{doing}: {total} were announced, {len(found)} were listed", hint="look at `query`")
    return list(found.values())


def _fill(call: Listing, values: Mapping[str, str]) -> Asked:
    body = fill(without_cursor(call.body, values), values)
    return Asked(fill_path(call.path, values), fill_query(call.query, values), call.method, body)


def _next(call: Listing, answer: Answer, document: Any, doing: str) -> tuple[str, str]:
    """Return the cursor of the next page, or its URL; nothing where there is none."""
    if not call.next:
        return "", ""
    if call.next == HEADER:
        response = httpx.Response(200, headers=dict(answer.headers))
        return "", str(response.links.get("next", {}).get("url", ""))
    found = str(pick(document, call.next, doing) or "")
    return (found, "") if "cursor" in names_in(call.asked) else ("", found)


async def read_each(
    ask: Ask, call: Reading, id_path: str, listed: Mapping[str, dict[str, Any]], doing: str
) -> dict[str, dict[str, Any]]:
    """Return what was listed, by id, with what reading each tells over it; an answer that is a list is its `read`.

    Raises:
        ProviderError: one of them cannot be read.
    """
    if not call.several:
        return {name: {**one, **await _read_one(ask, call, name, doing)} for name, one in listed.items()}
    names, found = list(listed), {}
    for start in range(0, len(names), call.at_once):
        part = names[start : start + call.at_once]
        answer = await _ask_for(ask, call, {"ids": ",".join(part)}, doing)
        documents = {str(pick(one, id_path, doing)): one for one in pick_list(answer, call.items, doing)}
        if missing := [name for name in part if name not in documents]:
            raise ProviderError(f"{doing}: {', '.join(missing[:5])} cannot be read", hint="look at `read`")
        found.update({name: {**listed[name], **documents[name]} for name in part})
    return found


async def _read_one(ask: Ask, call: Reading, name: str, doing: str) -> dict[str, Any]:
    found = pick(await _ask_for(ask, call, {"id": name}, doing), call.items, doing)
    return found if isinstance(found, dict) else {"read": found}


async def _ask_for(ask: Ask, call: Reading, values: Mapping[str, str], doing: str) -> Any:
    answer = await ask(Asked(fill_path(call.path, values), fill_query(call.query, values)), doing)
    return check_said(answer, doing)
