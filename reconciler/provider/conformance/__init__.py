"""The conformance suite: the same named checks hold every provider to the contract."""

from reconciler.provider.conformance.harness import Fault, Harness, RunningApp, TrueAccount, World
from reconciler.provider.conformance.scene import CheckFailedError
from reconciler.provider.conformance.suite import Check, Result, Verdict, checks_for, run_conformance

__all__ = [
    "Check",
    "CheckFailedError",
    "Fault",
    "Harness",
    "Result",
    "RunningApp",
    "TrueAccount",
    "Verdict",
    "World",
    "checks_for",
    "run_conformance",
]
