"""What a SCIM server keeps, written again for tests alone: users and groups, filters and patches in plain Python.

It shares no code with the provider, so that a misunderstanding of the RFCs cannot hide in both.
"""

import json
import re
import threading
from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_TERM = re.compile(r'^(?P<attribute>[\w.:$-]+)\s+(?:eq\s+(?P<value>".*"|true|false)|(?P<pr>pr))$', re.IGNORECASE)
_ELEMENT = re.compile(r'^(?P<name>\w+)\[(?P<sub>\w+) eq (?P<value>".*")\]$')


class ScimError(Exception):
    """The server refuses."""

    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.scim_type = status, detail, scim_type


class Store:
    """Users and groups by id, in the order in which they were made."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.lock = threading.RLock()
        self._made = 0

    def collection(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the users or the groups."""
        return self.users if name == "Users" else self.groups

    def user(self, username: str, **attributes: Any) -> str:
        """Make a user, and return its id."""
        return str(self.create("Users", {"userName": username, "active": True, **attributes})["id"])

    def group(self, name: str, members: tuple[str, ...] = ()) -> str:
        """Make a group, and return its id."""
        return str(self.create("Groups", {"displayName": name, "members": [{"value": each} for each in members]})["id"])

    def many(self, count: int) -> list[str]:
        """Make so many users."""
        return [self.user(f"user{number:05}@acme.example") for number in range(count)]

    def members(self, group: str) -> list[str]:
        """Return the ids of the members of a group."""
        return [member["value"] for member in self.groups[group].get("members", [])]

    def create(self, collection: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a new resource under an id of its own."""
        with self.lock:
            self._made += 1
            remote_id = f"{collection[0].lower()}-{self._made:05}"
            resource = {"schemas": [CORE + collection[:-1]], **body, "id": remote_id}
            resource["meta"] = {"resourceType": collection[:-1], "version": 'W/"1"'}
            self.collection(collection)[remote_id] = resource
            return resource

    def touch(self, resource: dict[str, Any]) -> None:
        """Give a resource a new version."""
        number = int(re.sub(r"\D", "", resource["meta"]["version"])) + 1
        resource["meta"] = {**resource["meta"], "version": f'W/"{number}"'}

    def select(self, collection: str, expression: str) -> list[dict[str, Any]]:
        """Return the resources that a filter matches (`eq` and `pr`, joined by `and` or `or`)."""
        found = []
        for resource in self.collection(collection).values():
            shown = self._with_groups(resource) if collection == "Users" else resource
            if any(all(_matches(shown, term) for term in _split(part, " and ")) for part in _split(expression, " or ")):
                found.append(resource)
        return found

    def _with_groups(self, user: dict[str, Any]) -> dict[str, Any]:
        mine = [{"value": group} for group in self.groups if user["id"] in self.members(group)]
        return {**user, "groups": mine}


def _split(expression: str, word: str) -> list[str]:
    """Split at a word that is outside of quotes."""
    parts, quoted, begin, position = [], False, 0, 0
    while position < len(expression):
        letter = expression[position]
        if letter == "\\" and quoted:
            position += 1
        elif letter == '"':
            quoted = not quoted
        elif not quoted and expression.startswith(word, position):
            parts.append(expression[begin:position])
            begin = position + len(word)
        position += 1
    return [*parts, expression[begin:]]


def _matches(resource: dict[str, Any], term: str) -> bool:
    if term.strip().startswith("not (") and term.strip().endswith(")"):
        return not _matches(resource, term.strip()[5:-1])
    match = _TERM.match(term.strip())
    if match is None:
        raise ScimError(400, f"cannot parse {term}", "invalidFilter")
    name, _, sub = match["attribute"].partition(".")
    held = resource.get(name)
    values = [each.get(sub or "value") for each in held] if isinstance(held, list) else [held]
    if match["pr"]:
        return any(value not in (None, "", []) for value in values)
    wanted = json.loads(match["value"])
    if name in {"userName", "emails"}:
        return any(str(value).lower() == str(wanted).lower() for value in values)
    return wanted in values


def apply_operation(resource: dict[str, Any], operation: dict[str, Any]) -> None:
    """Apply one operation of a PATCH (RFC 7644 section 3.5.2)."""
    op, path, value = operation["op"].lower(), operation.get("path", ""), operation.get("value")
    element = _ELEMENT.match(path)
    if element:
        _apply_to_elements(resource, op, element)
    elif not path:
        for name, each in value.items():
            apply_operation(resource, {"op": op, "path": name, "value": each})
    else:
        holder, name = _place(resource, path)
        _apply_to_attribute(holder, name, op, value)


def _apply_to_elements(resource: dict[str, Any], op: str, element: re.Match[str]) -> None:
    name, wanted = element["name"], json.loads(element["value"])
    kept = [each for each in resource.get(name, []) if each.get(element["sub"]) != wanted]
    if op != "remove":
        raise ScimError(400, f"{op} with a filter", "invalidPath")
    if len(kept) == len(resource.get(name, [])):
        raise ScimError(400, f"no {name} is {wanted}", "noTarget")
    resource[name] = kept


def _place(resource: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    if path.startswith("urn:"):
        schema, _, rest = path.rpartition(":")
        if not rest[:1].isalpha():
            raise ScimError(400, f"no attribute in {path}", "invalidPath")
        return _place(resource.setdefault(schema, {}), rest)
    name, _, sub = path.partition(".")
    return (resource.setdefault(name, {}), sub) if sub else (resource, name)


def _apply_to_attribute(holder: dict[str, Any], name: str, op: str, value: Any) -> None:
    old = holder.get(name)
    if op == "remove" and isinstance(value, list) and isinstance(old, list):
        gone = {each["value"] for each in value}
        holder[name] = [each for each in old if each["value"] not in gone]
    elif op == "remove":
        holder.pop(name, None)
    elif op == "add" and isinstance(old, list):
        known = {each.get("value") for each in old}
        holder[name] = old + [each for each in value if each["value"] not in known]
    elif isinstance(value, dict) and isinstance(old, dict):
        old.update(value)
    else:
        holder[name] = value
