"""What the YAML may say about a `ticket` way."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from reconciler.provider.config import ProviderConfig


class TicketConfig(ProviderConfig):
    """How people are asked to do what no other way can do."""

    via: Literal["directory"] = Field(default="directory", description="where tickets go; this version has `directory`")
    directory: str = Field(
        default="tickets",
        min_length=1,
        description="the folder of ticket files, relative to that of reconciler.yaml",
    )
    due_days: int = Field(default=3, ge=0, le=365, description="days until a ticket is due; a leaver's is due at once")
    template: str = Field(default="", description="a Jinja2 template for the body, a path like `directory`")

    @model_validator(mode="before")
    @classmethod
    def _only_directories(cls, data: Any) -> Any:
        """Say one thing about another `via`, and not one for each of its options."""
        via = data.get("via", "directory") if isinstance(data, Mapping) else "directory"
        if via != "directory":
            raise ValueError(f"this version opens tickets as files only, not via {via!r}: write `via: directory`")
        return data

    @property
    def due(self) -> timedelta:
        """Return how long an ordinary ticket may take."""
        return timedelta(days=self.due_days)

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        for path in (self.directory, self.template):
            if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/"):
                raise ValueError(f"{path!r} leads out of the folder of reconciler.yaml")
        return self
