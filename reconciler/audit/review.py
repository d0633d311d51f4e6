"""The file that tells of a review, as it is checked."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ReviewFile(BaseModel):
    """What the forge said of the pull request that is applied; nothing else may stand in it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    approvers: Annotated[tuple[_Name, ...], Field(max_length=100, strict=False)]
    commit: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
    pull_request: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
    bypassed: bool

    @model_validator(mode="after")
    def _somebody_approved_or_it_was_bypassed(self) -> Self:
        if not self.approvers and not self.bypassed:
            raise ValueError("nobody approved, and the protection was not bypassed: one of both must be so")
        return self
