"""Who approved a run: a review of a pull request, as the forge tells it, or the operator at a machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.errors import ConfigurationError

REVIEW: Final = "review"
BY_HAND: Final = "by hand"
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved what is applied; never git's author alone, which anyone can write.

    Attributes:
        source: `by hand` or `review`.
        operator, machine: who ran the command where; of a review, the runner.
        approvers: who approved the pull request.
        commit: the commit that they saw.
        pull_request: its address or number.
        bypassed: whether it was merged past the protection of its branch.
    """

    source: str
    operator: str
    machine: str
    approvers: tuple[str, ...] = ()
    commit: str = ""
    pull_request: str = ""
    bypassed: bool = False

    def data(self) -> dict[str, Any]:
        """Return it as plain data, by hand without what only a review has."""
        data: dict[str, Any] = {"source": self.source, "operator": self.operator, "machine": self.machine}
        if self.source == REVIEW:
            data |= {
                "approvers": list(self.approvers),
                "commit": self.commit,
                "pull_request": self.pull_request,
                "bypassed": self.bypassed,
            }
        return data


@dataclass(frozen=True, slots=True)
class Review:
    """What the forge says of a review: see `Approval`."""

    approvers: tuple[str, ...]
    commit: str
    pull_request: str
    bypassed: bool

    def approve(self, operator: str, machine: str) -> Approval:
        """Return the approval of a run by this operator."""
        return Approval(REVIEW, operator, machine, self.approvers, self.commit, self.pull_request, self.bypassed)


def read_review(path: Path) -> Review:
    """Return the review that a JSON file tells: `approvers`, `commit`, `pull_request` and `bypassed`.

    Whoever writes this file is believed: it is made by the job that applies, from what the forge answers, and never
    comes from the pull request.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is not that.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}", hint="name the file of the approval") from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{path} is larger than {_LARGEST} bytes", hint="an approval is a few lines of JSON")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{path} is no JSON", hint=_EXAMPLE) from None
    return _check(path, data)


_EXAMPLE: Final = 'write {"approvers": ["lee"], "commit": "<40 digits>", "pull_request": "…/pull/7", "bypassed": false}'


def _check(path: Path, data: Any) -> Review:
    from pydantic import ValidationError  # noqa: PLC0415 - only whoever has such a file pays for it

    from reconciler.audit.review import ReviewFile  # noqa: PLC0415 - same

    try:
        said = ReviewFile.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ConfigurationError(f"{path}: {where}: {first['msg'].lower()}", hint=_EXAMPLE) from None
    return Review(said.approvers, said.commit, said.pull_request, said.bypassed)
