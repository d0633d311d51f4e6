"""What the faulty server holds in the end, asked by username: ids are given out in any order."""

from collections.abc import Callable
from typing import Any

from faulty_server import FaultyServer, Request
from faulty_store import ScimError


def user_of(server: FaultyServer, name: str) -> dict[str, Any]:
    """The user with a username, which may be given without its domain."""
    return next(user for user in server.store.users.values() if user["userName"] in (name, f"{name}@acme.example"))


def id_of(server: FaultyServer, name: str) -> str:
    """The id of a user."""
    return str(user_of(server, name)["id"])


def is_active(server: FaultyServer, name: str) -> bool:
    """Whether a user can log in."""
    return bool(user_of(server, name)["active"])


def group_of(server: FaultyServer, name: str = "eng") -> dict[str, Any]:
    """The group with a name."""
    return next(group for group in server.store.groups.values() if group["displayName"] == name)


def members(server: FaultyServer, group: str = "eng") -> list[str]:
    """The ids in a group."""
    return [member["value"] for member in group_of(server, group).get("members", [])]


def throw_out(server: FaultyServer, name: str, group: str = "eng") -> None:
    """Take a user out of a group behind everybody's back."""
    found, gone = group_of(server, group), id_of(server, name)
    found["members"] = [member for member in found["members"] if member["value"] != gone]


def active(server: FaultyServer) -> list[str]:
    """The usernames that can log in."""
    return sorted(user["userName"] for user in server.store.users.values() if user["active"])


def names(server: FaultyServer, group: str = "eng") -> list[str]:
    """The usernames in a group."""
    return sorted(server.store.users[one]["userName"] for one in members(server, group) if one in server.store.users)


def writes(server: FaultyServer) -> list[str]:
    """Everything that was asked of the server and is no reading."""
    return [request.line for request in server.log if request.method != "GET"]


def refuse(server: FaultyServer, when: Callable[[Request], object], words: str, status: int = 403) -> None:
    """Have the server refuse some requests, in words of its own, until `accept`."""

    def check(request: Request) -> None:
        if when(request):
            raise ScimError(status, words)

    server.habits.before = check


def accept(server: FaultyServer) -> None:
    """Have the server refuse nothing any more."""
    server.habits.before = lambda _: None
