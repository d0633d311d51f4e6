"""The file provider is held to the contract by the suite that every provider passes."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from file.file_apps import open_file

from reconciler.items import Value
from reconciler.provider.conformance.harness import Fault, RunningApp, TrueAccount, World
from reconciler.provider.conformance.suite import Check, Verdict, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

CONFIG: dict[str, Any] = {
    "path": "accounts.csv",
    "writable": True,
    "kind": "space",
    "columns": {
        "id": "id", "username": "login", "email": "mail", "external_id": "who", "status": "state",
        "attributes": {"title": "title"},
    },
    "grants": {
        "path": "grants.csv",
        "columns": {"holder": "holder", "entitlement": "space", "level": "level"},
    },
    "entitlements": {"path": "spaces.csv", "columns": {"entitlement": "space", "id": "id"}},
}  # fmt: skip
FILES = {"accounts": "accounts.csv", "grants": "grants.csv", "entitlements": "spaces.csv"}
NOT_WRITTEN = cannot("a file that was changed since it was read is not written at all")


class FileApp:
    """Three files in a folder, looked into with the csv module."""

    def __init__(self, root: Path, world: World) -> None:
        self._root = root
        self._hidden: dict[Path, bytes] = {}
        self._ids = {account.username: f"u{number}" for number, account in enumerate(world.accounts)}
        self._write("accounts", ["id", "login", "mail", "who", "state", "title"], [
            [self._ids[a.username], a.username, a.email, a.external_id, str(a.status), ""] for a in world.accounts
        ])  # fmt: skip
        spaces = [key.partition(":")[2] for key in world.entitlements]
        self._write("entitlements", ["id", "space"], [[f"e-{name}", name] for name in spaces])
        grants = sorted(world.grants, key=str)
        self._write("grants", ["holder", "space", "level"], [
            [self._ids[who], key.partition(":")[2], level or ""] for who, key, level in grants
        ])  # fmt: skip

    def _write(self, what: str, header: list[str], rows: list[list[str]]) -> None:
        with (self._root / FILES[what]).open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([header, *rows])

    def _rows(self, what: str) -> list[dict[str, str]]:
        file = self._root / FILES[what]
        text = self._hidden.get(file) or file.read_bytes()
        return list(csv.DictReader(io.StringIO(text.decode(), newline="")))

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_file(self._root, CONFIG, read_only=read_only)

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        rows = self._rows("accounts")
        names = {row["id"]: row["login"] for row in rows}
        accounts = tuple(
            TrueAccount(
                row["login"], row["mail"], row["who"], AccountStatus(row["state"]), row["id"], {"title": row["title"]}
            )
            for row in rows
        )
        grants = {(names[r["holder"]], f"space:{r['space']}", r["level"] or None) for r in self._rows("grants")}
        return World(accounts, {f"space:{r['space']}": r["id"] for r in self._rows("entitlements")}, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        if fault in {Fault.FORBID, Fault.CUT_SHORT}:
            self._break(fault, self._root / FILES[subject.partition(":")[0]])
            return
        rows = self._rows("accounts")
        for row in [row for row in rows if row["login"] == subject]:
            if fault is Fault.RENAME_ACCOUNT:
                row["login"] = to
            else:
                grants = [g for g in self._rows("grants") if g["holder"] != row["id"]]
                self._write("grants", ["holder", "space", "level"], [list(g.values()) for g in grants])
                row.update(id="stranger", mail="stranger@acme.example", who="", title="")
        self._write("accounts", list(rows[0]), [list(row.values()) for row in rows])

    def _break(self, fault: Fault, file: Path) -> None:
        """Make a file unreadable; what was in it is still the truth."""
        text = self._hidden[file] = file.read_bytes()
        file.unlink()
        if fault is Fault.FORBID:
            file.mkdir()  # whoever runs the tests may be allowed to read everything
        else:
            file.write_bytes(text[: text.rindex(b",")])


class FileHarness:
    """What the suite needs to know of files."""

    name = "file"
    kinds: Mapping[str, tuple[str | None, ...]] = {"space": ("reader", "editor")}
    page = 0
    attribute: tuple[str, Value] | None = ("title", "Captain")
    secrets = ("canary-d2f1",)
    refusal = "no"
    suspended = True

    def start(self, world: World) -> AbstractAsyncContextManager[RunningApp]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningApp]:
        with tempfile.TemporaryDirectory() as folder:
            yield FileApp(Path(folder), world)

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault in {Fault.FORBID, Fault.CUT_SHORT, Fault.RENAME_ACCOUNT, Fault.RECYCLE_USERNAME}:
            return CAN
        if fault in {Fault.DELETE_ACCOUNT, Fault.DELETE_ENTITLEMENT}:
            return NOT_WRITTEN
        return cannot("a file neither throttles nor refuses nor loses its answer")


@pytest.mark.parametrize("check", checks_for(FileHarness()), ids=str)
def test_the_file_provider_conforms(check: Check) -> None:
    """See the check's own sentence."""
    check.run().raise_if_failed()


def test_most_checks_apply() -> None:
    """What is not applicable is little, and has its reason."""
    results = [check.run() for check in checks_for(FileHarness())]
    left_out = [result for result in results if result.verdict is Verdict.NOT_APPLICABLE]
    assert all(result.detail for result in left_out)
    assert len(left_out) <= 13
