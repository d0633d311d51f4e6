"""A ServiceNow instance with one table, as the vendor's reference describes the Table API, silences included.

Source: https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html: unknown fields are left out without a
word, an invalid part of a query is ignored, records that the user may not read are missing from the page and counted.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from support.http_server import Reply, Request

_LENGTHS: Final = {"short_description": 160, "description": 4000, "correlation_id": 100, "correlation_display": 100}
_WRITABLE: Final = {*_LENGTHS, "state", "comments", "close_code", "close_notes", "assignment_group"}
_PARAMETERS: Final = {"sysparm_query", "sysparm_fields", "sysparm_limit", "sysparm_offset"} | {
    "sysparm_display_value",
    "sysparm_exclude_reference_link",
}


@dataclass
class Instance:
    """The instance: records as people see them.

    Attributes:
        hidden: sys_ids that the user may not read.
        writable: fields that the user may write; others are left out without a word.
        closing: what a cancelled record must have besides its state.
        faults: what happens to an answer on its way.
    """

    table: str = "incident"
    username: str = "reconciler"
    password: str = ""
    hidden: set[str] = field(default_factory=set)
    writable: set[str] = field(default_factory=lambda: set(_WRITABLE))
    closing: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: Callable[[Request, Reply], Reply] = lambda _, reply: reply
    _now: datetime = datetime(2026, 3, 2, 10, tzinfo=UTC)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        return self.faults(request, self._answer(request))

    def _answer(self, request: Request) -> Reply:  # noqa: PLR0911 - one for each request
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return _refuse(401, "User Not Authenticated", "Required to provide Auth information")
        if unknown := set(request.query) - _PARAMETERS:
            raise AssertionError(f"the reference has no {sorted(unknown)}")
        base = f"/api/now/table/{self.table}"
        if not request.path.startswith(base):
            return _refuse(400, f"Invalid table {request.path.rpartition('/')[2]}", "")
        row = next((one for one in self.rows if one["sys_id"] == request.path.removeprefix(f"{base}/")), None)
        match request.method:
            case "GET" if request.path == base:
                return self._list({name: values[0] for name, values in request.query.items()})
            case "POST" if request.path == base:
                return Reply(201, {"result": self.add(by=self.username, **self._kept(request.json()))})
            case "GET" if row is not None:
                return self._show(row, {name: values[0] for name, values in request.query.items()})
            case "PATCH" if row is not None:
                return self._change(row, self._kept(request.json()))
        return _refuse(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")

    def _kept(self, body: dict[str, Any]) -> dict[str, str]:
        """Return what the instance takes of a body: known fields that the user may write, cut to their lengths."""
        return {name: str(value)[: _LENGTHS.get(name, 4000)] for name, value in body.items() if name in self.writable}

    def _show(self, row: dict[str, str], query: dict[str, str]) -> Reply:
        """Show one record: what was written into a journal is given with display values only, the newest first."""
        journal = row.get("_journal", "") if query.get("sysparm_display_value") == "true" else ""
        shown = {**row, "comments": journal}
        return Reply(200, {"result": {name: shown.get(name, "") for name in query["sysparm_fields"].split(",")}})

    def _list(self, query: dict[str, str]) -> Reply:
        parts = [part for part in query.get("sysparm_query", "").split("^") if not part.startswith("ORDERBY")]
        rows = self.rows
        for part in parts:
            name, sign, value = part.partition("=")
            if sign and name in {*_LENGTHS, "state", "number"}:
                rows = [row for row in rows if row.get(name) == value]
        start = int(query.get("sysparm_offset", "0"))
        page = rows[start : start + int(query.get("sysparm_limit", "10000"))]
        names = query["sysparm_fields"].split(",")
        shown = [{name: row[name] for name in names if name in row} for row in page if row["sys_id"] not in self.hidden]
        return Reply(200, {"result": shown}, {"X-Total-Count": str(len(rows))})

    def _change(self, row: dict[str, str], fields: dict[str, str]) -> Reply:
        if fields.get("state") == "8" and self.closing and not fields.get(self.closing):
            words = f"Operation against file 'incident' was aborted. Data Policy Exception: {self.closing} is mandatory"
            return _refuse(403, "Operation Failed", words)
        if said := fields.pop("comments", ""):
            row["_journal"] = f"{self._tick()} - IT Bot (Additional comments)\n{said}\n\n" + row.get("_journal", "")
        row |= {**fields, "sys_updated_on": self._tick(), "sys_updated_by": self.username}
        if fields.get("state") == "8":
            row |= {"closed_at": row["sys_updated_on"], "closed_by.name": "IT Bot"}
        return Reply(200, {"result": row})

    def add(self, by: str = "sam", **fields: str) -> dict[str, str]:
        """Open a record."""
        row = {"sys_id": uuid.uuid4().hex, "number": f"INC{len(self.rows) + 1:07}", "state": "1", "close_notes": ""}
        row |= dict.fromkeys(("close_code", "resolved_at", "closed_at", "correlation_display", "description"), "")
        self.rows.append(row | fields | {"sys_updated_on": self._tick(), "sys_updated_by": by})
        return self.rows[-1]

    def resolve(self, row: dict[str, str], code: str = "Solution provided", by: str = "Lee Wong") -> None:
        """Resolve a record, as a person does."""
        row |= {"state": "6", "close_code": code, "resolved_at": self._tick(), "resolved_by.name": by}

    def _tick(self) -> str:
        self._now += timedelta(minutes=1)
        return self._now.strftime("%Y-%m-%d %H:%M:%S")


def _refuse(status: int, message: str, detail: str) -> Reply:
    return Reply(status, {"error": {"message": message, "detail": detail}, "status": "failure"})
