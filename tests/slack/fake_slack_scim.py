"""Slack's SCIM 2.0 API on the same people: `/scim/v2/Users` (https://docs.slack.dev/reference/scim-api/scim-api-2).

Its ids are the users' ids. Deactivating signs somebody out of everything, and takes them out of channels and user
groups (https://slack.com/help/articles/204475027-Deactivate-a-members-account).
"""

import re
from dataclasses import dataclass, field
from typing import Any

from fake_slack import FakeSlack
from slack_protocol import SCIM_TOKEN
from support.http_server import Reply, Request

PREFIX = "/scim/v2/"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(slots=True)
class SlackScim:
    """The SCIM side of a workspace; what is not below its path goes to the Web API."""

    app: FakeSlack
    written: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        if not request.path.startswith(PREFIX):
            return self.app.answer(request)
        if request.headers.get("authorization") != f"Bearer {SCIM_TOKEN}":
            return _error(401, "invalid_authentication")
        return self._speak(request)

    def _speak(self, request: Request) -> Reply:
        collection, _, number = request.path.removeprefix(PREFIX).partition("/")
        if collection != "Users":
            return _error(404, f"no {collection} here")
        if request.method == "POST":
            return self._create(request.json())
        if not number:
            return self._list(request)
        if number not in self.app.users:
            return _error(404, "user_not_found")
        if request.method == "PATCH":
            self._patch(number, request.json())
        return Reply(200, self._show(number))

    def _list(self, request: Request) -> Reply:
        found = [number for number, user in self.app.users.items() if not user["is_bot"]]
        if asked := request.query.get("filter"):
            name, value = re.fullmatch(r'(\S+) eq "(.*)"', asked[0]).groups()  # type: ignore[union-attr]
            found = [number for number in found if _value(self._show(number), name) == value]
        start, count = (
            int(request.query.get(name, [text])[0]) for name, text in (("startIndex", "1"), ("count", "10"))
        )
        page = found[start - 1 : start - 1 + min(count, 1000)]
        told = {"schemas": [LIST], "totalResults": len(found), "itemsPerPage": len(page), "startIndex": start}
        return Reply(200, {**told, "Resources": [self._show(number) for number in page]})

    def _create(self, body: dict[str, Any]) -> Reply:
        email = next(each["value"] for each in body["emails"])
        if any(user["profile"].get("email") == email for user in self.app.users.values()):
            return _error(409, "email_taken")
        number = self.app.add_user(body["userName"], email)
        self.written.append(f"create {body['userName']}")
        return Reply(201, self._show(number))

    def _patch(self, number: str, body: dict[str, Any]) -> None:
        for operation in body["Operations"]:
            value = operation["value"]
            active = value if operation.get("path") == "active" else value["active"]
            assert active is False
            user = self.app.users.pop(number)
            self.app.drop_user(number)
            self.app.users[number] = {**user, "deleted": True}
            self.written.append(f"deactivate {user['name']}")

    def _show(self, number: str) -> dict[str, Any]:
        user = self.app.users[number]
        email = user["profile"].get("email")
        return {
            "schemas": [USER],
            "id": number,
            "userName": user["name"],
            "displayName": user["profile"]["display_name"],
            "name": {"givenName": user["name"], "familyName": "x"},
            "emails": [{"value": email, "primary": True}] if email else [],
            "active": not user["deleted"],
        }


def _value(resource: dict[str, Any], name: str) -> str:
    if name.startswith("emails"):
        return next((str(each["value"]) for each in resource["emails"]), "")
    return str(resource.get(name) or "")


def _error(status: int, words: str) -> Reply:
    return Reply(status, {"schemas": [ERROR], "status": str(status), "detail": words})
