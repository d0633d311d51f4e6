"""What the YAML may say about a `ticket` way: what holds for every tracker; each module in `via` adds its own.

Other packages add trackers by entry points of the group `reconciler.trackers`: modules with a `Config` and a `Tracker`.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isclass
from typing import Any, Final, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from reconciler.provider.config import ProviderConfig

TRACKERS: Final = ("directory", "email", "github", "http", "jira", "linear", "roundup", "servicenow", "webhook")
"""The modules in `via`: each has a `Config` and a `Tracker`."""
_PARTS: Final = ("open", "__aenter__", "__aexit__", "records", "create", "close", "has_note", "note")
_SHAPES: Final = dict.fromkeys(("type", "$ref", "allOf", "anyOf", "oneOf", "properties", "items", "enum", "pattern"))
GROUP: Final = "reconciler.trackers"
"""The entry points by which other packages add trackers; none of them can stand in for one of ours."""


class TicketConfig(ProviderConfig):
    """How people are asked to do what no other way can do."""

    via: str = Field(default="directory", description=f"where tickets go: {', '.join(TRACKERS)}")
    due_days: int = Field(default=3, ge=0, le=365, description="days until a ticket is due; a leaver's is due at once")
    batch: int = Field(
        default=20,
        ge=1,
        le=50,
        description="how many changes of one person one ticket asks for at most; 1: each has its own",
    )
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
        if via not in TRACKERS and via not in _added():
            raise ValueError(f"tickets do not go via {via!r}: it is one of {', '.join(known_trackers())}")
        return tracker_module(via).Config.model_validate(data)

    @classmethod
    def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Return the JSON Schema; of this class, with what each tracker may be told."""
        schema = super().model_json_schema(*arguments, **named)
        if cls is TicketConfig:
            schema["properties"]["via"]["enum"] = list(known_trackers())
            common = set(schema["properties"])
            for via in known_trackers():
                more = _schema_of(via, *arguments, **named)
                schema.setdefault("$defs", {}).update(more.get("$defs", {}))
                for name, part in ((name, part) for name, part in more["properties"].items() if name not in common):
                    schema["properties"][name] = _both(schema["properties"].get(name), part)
        return schema

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        check_inside(self.template)
        return self


def _schema_of(via: str, *arguments: Any, **named: Any) -> dict[str, Any]:
    """Return what a tracker may be told; nothing where it cannot be loaded, which whoever names it is told."""
    try:
        found: dict[str, Any] = tracker_module(via).Config.model_json_schema(*arguments, **named)
    except ValueError:
        return {"properties": {}}
    return found


def _both(known: dict[str, Any] | None, part: dict[str, Any]) -> dict[str, Any]:
    """Return what two trackers say of an option of the same name: a default only where they share it."""
    if known is None or known == part:
        return part
    descriptions = dict.fromkeys(one.get("description", "") for one in (known, part))
    both = {name: value for name, value in known.items() if part.get(name) == value}
    shapes = [{name: one[name] for name in _SHAPES if name in one} for one in (known, part)]
    either = {"anyOf": shapes} if shapes[0] != shapes[1] and not both.keys() & _SHAPES.keys() else {}
    return both | either | {"description": "; ".join(filter(None, descriptions))}


def check_inside(path: str) -> None:
    """Refuse a path that leads out of the folder of reconciler.yaml.

    Raises:
        ValueError: it does.
    """
    if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/"):
        raise ValueError(f"{path!r} leads out of the folder of reconciler.yaml")


def known_trackers() -> tuple[str, ...]:
    """Return the names of all trackers, those that other packages add behind our own."""
    return (*TRACKERS, *sorted(set(_added()) - set(TRACKERS)))


def tracker_module(via: str) -> Any:
    """Return the module of a tracker; imported only where it is used.

    Raises:
        ValueError: another package's cannot be imported, is there twice, or is no tracker.
    """
    if via in TRACKERS:
        return import_module(f"providers.ticket.via.{via}")
    points = _added()[via]
    if len(points) > 1:
        raise ValueError(f"two packages add the tracker {via!r}: uninstall one of them")
    try:
        found = points[0].load()
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ValueError(f"the tracker {via!r} ({points[0].value}) cannot be imported: {error}") from None
    config, tracker = getattr(found, "Config", None), getattr(found, "Tracker", None)
    lacking = [] if isclass(config) and issubclass(config, TicketConfig) else ["`Config`, a TicketConfig"]
    lacking += [f"`Tracker.{name}`" for name in _PARTS if not callable(getattr(tracker, name, None))]
    lacking += [] if isinstance(getattr(tracker, "closing", None), str) else ["`Tracker.closing`, a text"]
    if lacking:
        raise ValueError(f"the tracker {via!r} ({points[0].value}) lacks {', '.join(lacking)}: tell its author")
    return found


@cache
def _added() -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points of other packages by name, once a process."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        others = found.get(point.name, ())
        if all(point.value != other.value for other in others):
            found[point.name] = (*others, point)
    return found
