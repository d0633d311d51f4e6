"""Every error that a user can meet, under one base.

The tree::

    ReconcilerError              exit 1
    ├── InputError               the YAML, with all its problems at once
    ├── ConfigurationError       reconciler.yaml, an option or an environment that cannot work
    ├── SecretError              a secret reference that cannot be read
    ├── ExpressionError          a `where:` or a template that cannot be compiled or evaluated
    ├── ProviderError            a provider could not be found, loaded or used
    │   ├── TransportError       no usable answer from an app
    │   │   └── AnswerError      the app answered, and refused
    │   └── ReadOnlyError        a write was attempted while planning
    ├── StateError               the state cannot be read, or is newer than this tool
    │   └── LockError            somebody else holds the lock
    ├── PlanError                a plan file that cannot be used
    │   └── StalePlanError       what was reviewed is no longer what would be done   exit 3
    ├── EditError                a YAML file that cannot be changed as asked
    └── RefusedError             a guard or a policy says no                         exit 3
"""

from collections.abc import Sequence
from typing import ClassVar

from reconciler.problems import Problem


class ReconcilerError(Exception):
    """The base: a lower-case message that names the thing, and a hint that says what to do next.

    Args:
        message: what is wrong, naming the thing (and its place, where it has one).
        hint: what the user can do about it; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(ReconcilerError):
    """The YAML has errors: all of them, sorted by place.

    Args:
        problems: errors and warnings; at least one error.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(ReconcilerError):
    """`reconciler.yaml`, an option or the environment cannot work."""


class SecretError(ReconcilerError):
    """A secret reference cannot be read; the message names the reference, never the value."""


class ExpressionError(ReconcilerError):
    """An expression or a template cannot be compiled or evaluated."""


class ProviderError(ReconcilerError):
    """A provider cannot be found, loaded or used."""


class TransportError(ProviderError):
    """No usable answer came from an app.

    Args:
        message: what was asked, and what went wrong.
        landed: False if the request certainly did not reach the app, None if it may have.
    """

    def __init__(self, message: str, *, hint: str = "", landed: bool | None = None) -> None:
        super().__init__(message, hint=hint)
        self.landed = landed


class AnswerError(TransportError):
    """The app answered, and refused.

    Args:
        message: the app's own words, redacted and shortened.
        status: the HTTP status.
        code: the app's own error code (such as SCIM's `scimType`), or empty.
    """

    def __init__(self, message: str, *, status: int, code: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint, landed=False)
        self.status = status
        self.code = code


class ReadOnlyError(ProviderError):
    """A write was attempted on a transport that only reads: a fault of the provider, never of the user."""


class StateError(ReconcilerError):
    """The state cannot be read or written, or was written by a newer tool."""


class LockError(StateError):
    """Somebody else holds the state's lock."""


class PlanError(ReconcilerError):
    """A plan file cannot be used."""


class StalePlanError(PlanError):
    """What was reviewed is no longer what would be done; the message says what moved."""

    exit_code: ClassVar[int] = 3


class EditError(ReconcilerError):
    """A YAML file cannot be changed as asked without changing more than that; nothing was written."""


class RefusedError(ReconcilerError):
    """A guard or a policy refuses."""

    exit_code: ClassVar[int] = 3
