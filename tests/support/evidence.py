"""Evidence: what a provider really did in a test that says what it runs the provider against.

A test module says so once (where a provider is for several products, with the product: `"ldap, OpenLDAP"`)::

    pytestmark = pytest.mark.evidence("github", against="third party's server", of="emulate 0.11")

While such a test runs, the provider's class is observed: the collections that a read called complete, and the
operations that ended as done (or with an open ticket), each with its kind. It counts only if the test passes. What the
real command does in a process of its own is not seen.

`pytest --evidence FILE` adds what was seen to a file at the end of the session, also with xdist. Nothing is taken from
it, so a part of the tests may be run alone; what no test shows any more is found by the full test command, which holds
the claims against what it saw (`tests/house/claims.py`). Who writes a provider runs one command: see
`tests/house/record.py`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.provider.change import Outcome, Receipt
from reconciler.provider.registry import load_provider
from reconciler.provider.snapshot import ACCOUNTS, Snapshot

STRENGTHS = ("real product", "third party's server", "our own fake")
"""What a provider can be run against, the strongest first."""
REFERENCE = "reference only"
"""What an ability has that a provider's capabilities name and that no test has seen done."""
Evidence = dict[str, dict[str, dict[str, list[str]]]]
"""Provider → ability → against → of what."""

_PROPERTY = "evidence"
_DONE = frozenset({Outcome.DONE, Outcome.TICKET})
_observed: set[type] = set()
_seen: dict[str, set[tuple[str, str]]] = {}


def name_ability(operation: str, kind: str = ACCOUNTS) -> str:
    """Return what evidence calls an operation on a kind: `create account`, `grant team`."""
    return operation if kind == ACCOUNTS else f"{operation} {kind}"


def name_reading(collection: str) -> str:
    """Return what evidence calls reading a collection: `read accounts`, `read grants:team`."""
    return f"read {collection}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the evidence."""
    text = "add to a file what marked tests saw the providers do"
    parser.addoption("--evidence", metavar="FILE", type=Path, help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Gather what is seen, in this process or from its workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Gathering(config.getoption("--evidence")), "evidence-gathering")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse marks that say something else than the marker's three arguments."""
    for item in items:
        for mark in item.iter_markers(_PROPERTY):
            against, of = mark.kwargs.get("against"), mark.kwargs.get("of")
            if len(mark.args) != 1 or set(mark.kwargs) != {"against", "of"} or against not in STRENGTHS or not of:
                usage = f"write evidence(PROVIDER, against=…, of=…), against one of: {', '.join(STRENGTHS)}"
                raise pytest.UsageError(f"{item.nodeid}: {usage}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Observe from here on the providers that a test is marked with."""
    _seen.clear()
    for mark in _marks(item):
        observe(load_provider(_provider(mark)))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Keep what was seen with the test's report, which travels from a worker to the session."""
    try:
        return (yield)
    finally:
        for mark in _marks(item):
            seen = sorted(_seen.get(_provider(mark), ()))
            item.user_properties.append((_PROPERTY, [*mark.args, mark.kwargs["against"], mark.kwargs["of"], seen]))


def _provider(mark: pytest.Mark) -> str:
    """Return the provider of a mark, which may name one of its products as well: `ldap, OpenLDAP`."""
    return str(mark.args[0]).partition(",")[0]


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    """Return the nearest mark of each provider."""
    nearest: dict[str, pytest.Mark] = {}
    for mark in item.iter_markers(_PROPERTY):
        nearest.setdefault(mark.args[0], mark)
    return list(nearest.values())


class _Gathering:
    """What was seen in a whole session.

    Args:
        file: where to write it, or None.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._evidence: Evidence = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a test saw that passed."""
        if self._file and report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name == _PROPERTY:
                    provider, against, of, seen = value
                    _add(self._evidence, provider, against, of, seen)

    def pytest_sessionfinish(self) -> None:
        """Write it, where somebody asked for it."""
        if self._file:
            old = read_evidence(self._file) if self._file.exists() else {}
            self._file.write_text(render_evidence(join_evidence(old, self._evidence)), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was kept of each provider: nothing at all where the matrix does not know it."""
        for provider, abilities in sorted(self._evidence.items()):
            kept = f"{len(abilities)} abilities seen" if abilities else "nothing kept: name it in tests/house/matrix.py"
            terminalreporter.write_line(f"evidence: {provider}: {kept}")


def _add(evidence: Evidence, provider: str, against: str, of: str, seen: Iterable[tuple[str, str]]) -> None:
    from house.claims import fold_ability  # noqa: PLC0415 - the matrix loads every provider; most sessions mark none

    abilities = evidence.setdefault(provider, {})
    for ability in {fold_ability(provider, what, kind) for what, kind in seen} - {""}:
        known = abilities.setdefault(ability, {}).setdefault(against, [])
        if of not in known:
            known.append(of)


def join_evidence(one: Evidence, other: Evidence) -> Evidence:
    """Return all that either of two says."""
    joined: Evidence = {}
    for evidence in (one, other):
        for provider, abilities in evidence.items():
            for ability, found in abilities.items():
                kept = joined.setdefault(provider, {}).setdefault(ability, {})
                for against, several in found.items():
                    kept[against] = sorted({*kept.get(against, ()), *several})
    return joined


def observe(provider: type) -> None:
    """Wrap a provider's class, once, so that what it does is noted under its name."""
    if provider in _observed:
        return
    _observed.add(provider)
    name: str = provider.name  # type: ignore[attr-defined] # the registry has checked it
    for method, note in {"read": _note_read, "perform": _note_receipt, "perform_batch": _note_receipts}.items():
        if hasattr(provider, method):
            setattr(provider, method, _noting(getattr(provider, method), functools.partial(note, name)))


def _noting(method: Callable[..., Awaitable[Any]], note: Callable[[Any], None]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def noted(*arguments: Any, **more: Any) -> Any:
        answer = await method(*arguments, **more)
        note(answer)
        return answer

    return noted


def _note_read(name: str, snapshot: Snapshot) -> None:
    whole = (name_reading(each).partition(":") for each, found in snapshot.collections.items() if found.complete)
    _seen.setdefault(name, set()).update((what, kind) for what, _, kind in whole)


def _note_receipts(name: str, receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        _note_receipt(name, receipt)


def _note_receipt(name: str, receipt: Receipt) -> None:
    kind = "" if receipt.change.kind == ACCOUNTS else receipt.change.kind
    if receipt.outcome in _DONE:
        _seen.setdefault(name, set()).add((receipt.change.operation.value, kind))


def strongest(found: dict[str, list[str]]) -> str:
    """Return the strongest of what an ability was run against; `reference only` where it was not."""
    return next((each for each in STRENGTHS if each in found), REFERENCE)


def read_evidence(file: Path) -> Evidence:
    """Return what a file says."""
    evidence: Evidence = json.loads(file.read_text(encoding="utf-8"))
    return evidence


def render_evidence(evidence: Evidence) -> str:
    """Return evidence as JSON that differs little when little differs: sorted, a line an ability."""
    parts = []
    for provider, abilities in sorted(evidence.items()):
        lines = [f"    {_plain(ability)}: {_plain(_sorted(found))}" for ability, found in sorted(abilities.items())]
        parts.append(f"  {_plain(provider)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _sorted(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {against: sorted(found[against]) for against in STRENGTHS if against in found}


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
