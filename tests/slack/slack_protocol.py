"""Slack's way over loopback: each request is checked against what Slack's own SDK says of the method."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from support.http_server import Reply, Request

TOKEN, ADMIN_TOKEN, SCIM_TOKEN = "xoxb-canary-5d4c3b2a", "xoxp-canary-9f8e7d6c", "xoxp-canary-scim-1a2b"
PREFIX = "/api/"
TIERS = {
    **dict.fromkeys(("users.list", "conversations.list", "usergroups.list", "conversations.create"), 20),
    **dict.fromkeys(("usergroups.create", "usergroups.update", "usergroups.enable", "usergroups.disable"), 20),
    **dict.fromkeys(("usergroups.users.update", "conversations.rename"), 20),
    **dict.fromkeys(("admin.users.session.reset", "admin.users.setAdmin", "admin.users.setRegular"), 20),
    "admin.users.setOwner": 20,
    **dict.fromkeys(("conversations.join", "conversations.invite", "conversations.kick", "users.conversations"), 50),
    **dict.fromkeys(("conversations.members", "users.info", "auth.test"), 100),
}
READING = frozenset(
    {"auth.test", "users.list", "users.info", "users.conversations", "conversations.list", "conversations.members"}
) | {"usergroups.list"}

Operation = Callable[[str, str, dict[str, Any]], dict[str, Any]]


class RefusalError(Exception):
    """What Slack answers instead of a result: `ok: false` with a word."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class SlowDownError(Exception):
    """What Slack answers beyond a limit: 429, and sometimes 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class _Recorder(WebClient):
    """Slack's SDK, which sends nothing and tells what it would."""

    def api_call(self, api_method: str, **options: Any) -> Any:
        """Keep what would be sent."""
        return api_method, options.get("http_verb", "POST")


_SDK = _Recorder(token="none")


def takes(method: str, argument: str) -> bool:
    """Say whether a method takes an argument, as Slack's SDK tells."""
    return argument in inspect.signature(getattr(_SDK, method.replace(".", "_"))).parameters


def check_request(request: Request, method: str, arguments: dict[str, Any]) -> None:
    """Fail unless Slack's SDK knows the method, all of its arguments, their types, and sends it the same way."""
    function = getattr(_SDK, method.replace(".", "_"), None)
    assert function is not None, f"Slack has no method {method}"
    known = inspect.signature(function).parameters
    unknown = set(arguments) - (set(known) - {"kwargs"})
    assert not unknown, f"{method} has no arguments {unknown}"
    for name, value in arguments.items():
        assert not (request.method == "GET" and isinstance(value, list)), f"{method}: a list in a query"
        _check_type(f"{method} {name}", str(known[name].annotation), value, request.method)
    name, verb = function(**arguments)
    assert (name, verb) == (method, request.method), f"{method} is sent as {verb} by Slack's SDK"


def _check_type(what: str, annotation: str, value: Any, verb: str) -> None:
    if verb == "GET" and "bool" in annotation:
        assert value in ("true", "false"), f"{what} is {value!r}"
    elif verb == "GET" and "int" in annotation:
        assert value.isdecimal(), f"{what} is {value!r}"
    elif verb == "POST":
        allowed = [
            kind for word, kind in (("bool", bool), ("int", int), ("str", str), ("Seq", list)) if word in annotation
        ]
        assert type(value) in allowed, f"{what} is {value!r}"


def speak(request: Request, answer: Operation) -> Reply:
    """Answer one request of the Web API: check it, hand it over, wrap what comes back."""
    method = request.path.removeprefix(PREFIX)
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        arguments = _arguments(request)
        check_request(request, method, arguments)
        _check_token(token)
        return Reply(200, {"ok": True, **answer(token, method, arguments)})
    except RefusalError as refusal:
        return Reply(200, refusal.body)
    except SlowDownError as slow:
        return Reply(slow.status, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
    except AssertionError as wrong:  # told to whoever asked, whose test then fails with these words
        return Reply(200, {"ok": False, "error": "impossible_request", "response_metadata": {"messages": [str(wrong)]}})


def _check_token(token: str) -> None:
    if token not in (TOKEN, ADMIN_TOKEN):
        raise RefusalError("invalid_auth" if token else "not_authed")


def _arguments(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        assert not request.body
        return {name: values[0] for name, values in request.query.items()}
    assert not request.query, "a POST with a query"
    if not request.body:
        return {}
    assert request.headers["content-type"].startswith("application/json")
    found = json.loads(request.body)
    assert isinstance(found, dict)
    return found
