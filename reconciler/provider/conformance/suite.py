"""Running the conformance suite: every provider, a third party's too, is held to the contract by the same checks.

From pytest::

    @pytest.mark.parametrize("check", checks_for(MyHarness()), ids=str)
    def test_the_provider_conforms(check: Check) -> None:
        check.run().raise_if_failed()

or as a function: `run_conformance(MyHarness())`. What the provider says it cannot do, and what the harness cannot
inject, is reported as not applicable with the reason; nothing is left out silently.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from reconciler.errors import ReconcilerError
from reconciler.provider.conformance import entitlements, failing, reading, writing
from reconciler.provider.conformance.harness import Harness
from reconciler.provider.conformance.scene import CheckFailedError, NotApplicableError
from reconciler.provider.redaction import Redactor

Body = Callable[[Harness, list[str]], Awaitable[None]]


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check of one provider.

    Attributes:
        detail: why it failed or is not applicable; empty where it passed.
    """

    provider: str
    check: str
    verdict: Verdict
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.provider}: {self.check}: {self.verdict}" + (f" ({self.detail})" if self.detail else "")

    def raise_if_failed(self) -> None:
        """Raise CheckFailedError where the check failed."""
        if self.verdict is Verdict.FAILED:
            raise CheckFailedError(str(self))


@dataclass(frozen=True, slots=True)
class Check:
    """One check, bound to a harness; its text is a sentence of what must be so."""

    name: str
    body: Body
    harness: Harness

    def __str__(self) -> str:
        return self.name

    def run(self) -> Result:
        """Run the check in an event loop of its own, and search everything that was said or logged for secrets."""
        said: list[str] = []
        verdict, detail = Verdict.PASSED, ""
        with _listening(said):
            try:
                asyncio.run(self._run(said))
            except NotApplicableError as reason:
                verdict, detail = Verdict.NOT_APPLICABLE, str(reason)
            except (CheckFailedError, ReconcilerError) as error:
                verdict, detail = Verdict.FAILED, str(error) or type(error).__name__
        leak = _leak(self.harness, said)
        if leak:
            verdict, detail = Verdict.FAILED, leak
        return Result(self.harness.name, self.name, verdict, detail)

    async def _run(self, said: list[str]) -> None:
        await self.body(self.harness, said)


def checks_for(harness: Harness) -> list[Check]:
    """Return every check of the suite for a provider, in a fixed order."""
    bodies = (*reading.CHECKS, *writing.checks(harness.kinds), *entitlements.checks(harness), *failing.CHECKS)
    return [Check(name, body, harness) for name, body in bodies]


def run_conformance(harness: Harness) -> list[Result]:
    """Run every check, and return what came of each."""
    return [check.run() for check in checks_for(harness)]


@contextmanager
def _listening(said: list[str]) -> Iterator[None]:
    """Hear everything that is logged, at the finest level."""
    handler = _Listener(said)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


class _Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record's message."""
        self._said.append(record.getMessage())


def _leak(harness: Harness, said: list[str]) -> str:
    """Return how a secret was seen, or empty; the message repeats no secret."""
    redactor = Redactor(harness.secrets)
    for text in said:
        if redactor.holds(text):
            return f"a secret was seen in: {redactor.clean(text)[:200]}"
    return ""
