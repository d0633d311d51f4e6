"""What the YAML may say about a `ticket` way: what holds for every tracker; each module in `via` adds its own."""

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, Final, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from reconciler.provider.config import ProviderConfig

TRACKERS: Final = ("directory", "email", "github", "jira", "linear", "roundup", "servicenow", "webhook")
"""The modules in `via`: each has a `Config` and a `Tracker`."""


class TicketConfig(ProviderConfig):
    """How people are asked to do what no other way can do."""

    via: str = Field(default="directory", description=f"where tickets go: {', '.join(TRACKERS)}")
    due_days: int = Field(default=3, ge=0, le=365, description="days until a ticket is due; a leaver's is due at once")
    template: str = Field(
        default="", description="a Jinja2 template for the body, a path relative to the folder of reconciler.yaml"
    )

    @property
    def due(self) -> timedelta:
        """Return how long an ordinary ticket may take."""
        return timedelta(days=self.due_days)

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_tracker(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Any:
        """Read the configuration of the tracker that `via` names, so that its mistakes are told as its own."""
        if cls is not TicketConfig:
            return handler(data)
        via = data.get("via", "directory") if isinstance(data, Mapping) else "directory"
        if via not in TRACKERS:
            raise ValueError(f"tickets do not go via {via!r}: it is one of {', '.join(TRACKERS)}")
        return tracker_module(via).Config.model_validate(data)

    @classmethod
    def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Return the JSON Schema; of this class, with what each tracker may be told."""
        schema = super().model_json_schema(*arguments, **named)
        if cls is TicketConfig:
            schema["properties"]["via"]["enum"] = list(TRACKERS)
            common = set(schema["properties"])
            for via in TRACKERS:
                more = tracker_module(via).Config.model_json_schema(*arguments, **named)
                for name, part in ((name, part) for name, part in more["properties"].items() if name not in common):
                    schema["properties"][name] = _both(schema["properties"].get(name), part)
        return schema

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        check_inside(self.template)
        return self


def _both(known: dict[str, Any] | None, part: dict[str, Any]) -> dict[str, Any]:
    """Return what two trackers say of an option of the same name: a default only where they share it."""
    if known is None or known == part:
        return part
    descriptions = dict.fromkeys(one.get("description", "") for one in (known, part))
    both = {name: value for name, value in known.items() if part.get(name) == value}
    return both | {"description": "; ".join(filter(None, descriptions))}


def check_inside(path: str) -> None:
    """Refuse a path that leads out of the folder of reconciler.yaml.

    Raises:
        ValueError: it does.
    """
    if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/"):
        raise ValueError(f"{path!r} leads out of the folder of reconciler.yaml")


def tracker_module(via: str) -> Any:
    """Return the module of a tracker; imported only where it is used."""
    return import_module(f"providers.ticket.via.{via}")
