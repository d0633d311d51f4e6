"""A SCIM server over real HTTP whose every habit can be switched: the faults that real servers have, one by one."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from faulty_store import ScimError, Store, apply_operation

SECRET = "s3cret-canary-token"


@dataclass
class Habits:
    """What the server does in its own way; the defaults are a good server's.

    Attributes:
        totals: makes `totalResults` out of the true total and the number of resources on the page.
        shorten: how many of the resources of a page are sent, from its first index and its length.
        members: whether groups show their members: `shown`, `single` (not in lists), `hidden` (never), `empty`.
        forbid: paths (`/Groups`, `/Groups/g-1`) that answer 403.
        before, after: called with each request, before and after it was served; may raise ScimError.
    """

    page_cap: int = 1000
    totals: Callable[[int, int], int | None] = lambda total, _: total
    shorten: Callable[[int, int], int] = lambda _, length: length
    ignore_start: bool = False
    ignore_count: bool = False
    no_paging: bool = False
    ignore_filters: bool = False
    refuse_filters: bool = False
    empty_filters: bool = False
    cursors: bool = False
    cursor_only: bool = False
    expire_cursors: int = 0
    members: str = "shown"
    patch_status: int = 200
    no_patch: tuple[str, ...] = ()
    patch_does_nothing: bool = False
    ignore_array_removal: bool = False
    ignore_filter_removal: bool = False
    etags: bool = False
    require_version: bool = False
    users_hidden_when_inactive: bool = False
    delete_deactivates: bool = False
    unique: tuple[str, ...] = ("userName",)
    forbid: set[str] = field(default_factory=set)
    throttle: int = 0
    lose_answers: int = 0
    lose_requests: int = 0
    html_errors: bool = False
    status_as_number: bool = False
    max_body: int = 0
    service_config: dict[str, Any] | None = None
    created_without_body: bool = False
    before: Callable[["Request"], None] = lambda _: None


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None
    size: int = 0

    @property
    def line(self) -> str:
        """The method and path, for assertions."""
        return f"{self.method} {self.path}"


class FaultyServer:
    """The server: a store, habits that may be changed at any time, and a log of what came."""

    def __init__(self) -> None:
        self.store = Store()
        self.habits = Habits()
        self.log: list[Request] = []
        self.url = ""

    def requests(self, method: str = "", path: str = "") -> list[Request]:
        """Return the requests so far, perhaps only those of a method, or under a path."""
        return [each for each in self.log if method in ("", each.method) and each.path.startswith(path)]

    def serve(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        """Answer one request: status, body, headers."""
        habits = self.habits
        habits.before(request)
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            raise ScimError(401, "no such token")
        if habits.throttle:
            habits.throttle -= 1
            return 429, {"detail": "slow down"}, {"X-Retry-After": "0.05"}
        if request.path in habits.forbid:
            raise ScimError(403, "this token may not read it")
        if habits.max_body and request.size > habits.max_body:
            raise ScimError(413, "too large")
        if request.path == "/ServiceProviderConfig" and habits.service_config is not None:
            return 200, habits.service_config, {}
        if request.path == "/Bulk" and habits.service_config:
            return 200, {"Operations": [self._bulk(each) for each in request.body["Operations"]]}, {}
        collection, _, remote_id = request.path.strip("/").partition("/")
        if collection not in {"Users", "Groups"}:
            raise ScimError(404, f"no endpoint {request.path}")
        with self.store.lock:
            return self._one(request, collection, unquote(remote_id)) if remote_id else self._all(request, collection)

    def _all(self, request: Request, collection: str) -> tuple[int, Any, dict[str, str]]:
        if request.method == "POST":
            return self._create(collection, request.body)
        found = [each for each in self.store.collection(collection).values() if self._visible(each)]
        if "filter" in request.query and not self.habits.ignore_filters:
            if self.habits.refuse_filters:
                raise ScimError(400, "filters are not supported", "invalidFilter")
            chosen = self.store.select(collection, request.query["filter"])
            found = [] if self.habits.empty_filters else [each for each in found if each in chosen]
        return 200, self._page(request, collection, found), {}

    def _page(self, request: Request, collection: str, found: list[dict[str, Any]]) -> dict[str, Any]:
        habits, query = self.habits, request.query
        by_cursor = "cursor" in query
        if habits.cursor_only and not by_cursor:
            raise ScimError(400, "use a cursor", "invalidValue")
        start, count = int(query.get("startIndex", 1)), min(int(query.get("count", 100)), habits.page_cap)
        if by_cursor:
            if query["cursor"] and habits.expire_cursors:
                habits.expire_cursors -= 1
                raise ScimError(400, "the cursor expired", "expiredCursor")
            start = int(query["cursor"] or 1)
        start = 1 if habits.ignore_start or habits.no_paging else start
        if habits.ignore_count or habits.no_paging:
            count = len(found)
        page = found[start - 1 : start - 1 + count]
        page = page[: habits.shorten(start, len(page))]
        shown = [self._show(collection, each, single=False) for each in page]
        body = {"Resources": shown, "startIndex": start, "itemsPerPage": len(shown)}
        total = habits.totals(len(found), len(page))
        body |= {} if total is None else {"totalResults": total}
        behind = start + count
        return body | ({"nextCursor": str(behind)} if by_cursor and habits.cursors and behind <= len(found) else {})

    def _create(self, collection: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        for name in self.habits.unique:
            value = str(body.get(name, "")).lower()
            if value and any(
                str(each.get(name)).lower() == value for each in self.store.collection(collection).values()
            ):
                raise ScimError(409, f"{body[name]} exists", "uniqueness")
        made = self.store.create(collection, body)
        if self.habits.created_without_body:
            return 201, None, {"Location": f"{self.url}/{collection}/{made['id']}"}
        return 201, self._show(collection, made, single=True), self._etag(made)

    def _one(self, request: Request, collection: str, remote_id: str) -> tuple[int, Any, dict[str, str]]:
        resource = self.store.collection(collection).get(remote_id)
        if resource is None or not self._visible(resource):
            raise ScimError(404, f"{remote_id} not found")
        if request.method == "GET":
            return 200, self._show(collection, resource, single=True), self._etag(resource)
        self._check_version(request, resource)
        match request.method:
            case "DELETE":
                if self.habits.delete_deactivates:
                    resource["active"] = False
                else:
                    del self.store.collection(collection)[remote_id]
                return 204, None, {}
            case "PATCH":
                return self._patch(request, collection, resource)
            case "PUT":
                kept = {"id": remote_id, "meta": resource["meta"]}
                resource.clear()
                resource.update({**request.body, **kept})
                self.store.touch(resource)
        return 200, self._show(collection, resource, single=True), self._etag(resource)

    def _patch(self, request: Request, collection: str, resource: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if collection in self.habits.no_patch:
            raise ScimError(405, "no PATCH here")
        changed = json.loads(json.dumps(resource))
        for operation in request.body["Operations"]:
            by_array = operation["op"].lower() == "remove" and "value" in operation
            by_filter = operation["op"].lower() == "remove" and "[" in operation.get("path", "")
            ignored = (by_array and self.habits.ignore_array_removal) or (
                by_filter and self.habits.ignore_filter_removal
            )
            if not ignored:
                apply_operation(changed, operation)
        if not self.habits.patch_does_nothing:
            resource.update(changed)
            for name in set(resource) - set(changed):
                del resource[name]
            self.store.touch(resource)
        if self.habits.patch_status == 204:
            return 204, None, self._etag(resource)
        return 200, self._show(collection, resource, single=True), self._etag(resource)

    def _bulk(self, operation: dict[str, Any]) -> dict[str, Any]:
        head = {"method": operation["method"], "bulkId": operation["bulkId"]}
        try:
            status, body, _ = self._create(operation["path"].strip("/"), operation["data"])
        except ScimError as error:
            return head | {"status": str(error.status), "response": {"detail": error.detail}}
        return head | {"status": str(status), "location": f"{self.url}{operation['path']}/{body['id']}"}

    def _check_version(self, request: Request, resource: dict[str, Any]) -> None:
        sent = request.headers.get("if-match")
        if self.habits.require_version and not sent:
            raise ScimError(428, "send If-Match")
        if self.habits.etags and sent and sent != resource["meta"]["version"]:
            raise ScimError(412, "somebody was faster")

    def _visible(self, resource: dict[str, Any]) -> bool:
        return not (self.habits.users_hidden_when_inactive and resource.get("active") is False)

    def _show(self, collection: str, resource: dict[str, Any], *, single: bool) -> dict[str, Any]:
        shown = dict(resource)
        if collection == "Groups":
            hidden = self.habits.members == "hidden" or (self.habits.members == "single" and not single)
            if hidden:
                shown.pop("members", None)
            elif self.habits.members == "empty":
                shown["members"] = []
        return shown

    def _etag(self, resource: dict[str, Any]) -> dict[str, str]:
        return {"ETag": resource["meta"]["version"]} if self.habits.etags or self.habits.require_version else {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    app: FaultyServer

    def _handle(self) -> None:
        url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, query, headers, json.loads(raw) if raw else None, size)
        self.app.log.append(request)
        habits = self.app.habits
        if request.method != "GET" and habits.lose_requests:
            habits.lose_requests -= 1
            self.close_connection = True
            return
        try:
            status, body, more = self.app.serve(request)
        except ScimError as error:
            status, more = error.status, {}
            shown = error.status if habits.status_as_number else str(error.status)
            body = {"status": shown, "detail": f"{error.detail} ({SECRET})", "scimType": error.scim_type or None}
        if request.method != "GET" and habits.lose_answers:
            habits.lose_answers -= 1
            self.close_connection = True
            return
        html = (
            b"<!doctype html><title>Gateway trouble</title><p>sorry" if habits.html_errors and status >= 400 else None
        )
        self._answer(status, html or (b"" if body is None else json.dumps(body).encode()), more)

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/scim+json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class names them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def run_faulty_server() -> Iterator[FaultyServer]:
    """Start a server on a free loopback port; stop it at the end."""
    app = FaultyServer()
    handler = type("Handler", (_Handler,), {"app": app})
    listening = _Threads(("127.0.0.1", 0), handler)
    app.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)
