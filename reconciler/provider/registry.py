"""The providers that are installed: found by entry points, loaded on demand, their configuration validated.

The entry-point group `reconciler.providers` is the only way in: nothing in the YAML can name code.
"""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from reconciler.errors import ProviderError
from reconciler.provider.contract import Provider
from reconciler.provider.faults import describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "reconciler.providers"


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """What is wrong in a provider's part of the YAML.

    Attributes:
        path: the keys and indexes that lead to it, from the provider's own map on; empty for the whole.
        message: lower case; never the value that was written.
    """

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.message}" if self.path else self.message


def installed() -> Mapping[str, "EntryPoint"]:
    """Return the entry point of every installed provider, by name, sorted."""
    return {name: points[0] for name, points in sorted(_entry_points().items())}


def load_provider(name: str) -> type[Provider]:
    """Import a provider's class.

    Args:
        name: the entry point's name.

    Raises:
        ProviderError: no such provider (with the nearest name), two of one name, a package that it needs is missing, or
            the class lacks a part of the contract.
    """
    point = _only(name)
    try:
        found = point.load()
    except ImportError as error:
        raise ProviderError(
            f"the provider {name} cannot be imported: {error}", hint=_how_to_install(point, error)
        ) from None
    except (AttributeError, SyntaxError) as error:
        raise ProviderError(f"the provider {name} ({point.value}) cannot be imported: {error}") from None
    missing = _missing_parts(found)
    if missing:
        raise ProviderError(f"the provider {name} ({point.value}) lacks {', '.join(missing)}", hint="tell its author")
    provider: type[Provider] = found
    return provider


def validate_config(name: str, data: object) -> list[ConfigFault]:
    """Check a provider's part of the YAML; return what is wrong with it, in the order in which it is written.

    Args:
        name: the provider.
        data: plain data as written; secrets in it are references, and stay unread.

    Raises:
        ProviderError: the provider cannot be loaded.
    """
    config = load_provider(name).Config
    try:
        config.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        schema = config_schema(name)
        return [ConfigFault(*describe(dict(fault), data, schema)) for fault in faults]
    return []


def read_config(name: str, data: object) -> BaseModel:
    """Return a provider's configuration as its model, for `Provider.open`.

    Raises:
        ProviderError: the provider cannot be loaded, or the data is not valid; the message has every fault.
    """
    faults = validate_config(name, data)
    if faults:
        raise ProviderError(f"the configuration of {name} cannot be used: " + "; ".join(map(str, faults)))
    return load_provider(name).Config.model_validate(data)


def config_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a provider's part of the YAML.

    Raises:
        ProviderError: the provider cannot be loaded.
    """
    return load_provider(name).Config.model_json_schema()


def suggest(name: str, names: Iterable[str]) -> str:
    """Return the nearest of some names as `did you mean …?`, or empty."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else ""


@cache
def _entry_points() -> dict[str, tuple["EntryPoint", ...]]:
    """Return all entry points of the group by name, once a process: it looks into every installed distribution."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - costs 20 ms that `--help` need not pay

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        others = found.get(point.name, ())
        if all(point.value != other.value for other in others):
            found[point.name] = (*others, point)
    return found


def _only(name: str) -> "EntryPoint":
    """Return the one entry point of a name: a second package must not be able to stand in for a provider."""
    points = _entry_points().get(name, ())
    if not points:
        names = sorted(_entry_points())
        hint = suggest(name, names) or f"installed are: {', '.join(names) or 'none'}"
        raise ProviderError(f"there is no provider `{name}`", hint=hint)
    if len(points) > 1:
        packages = " and ".join(sorted(_distribution(point) or point.value for point in points))
        raise ProviderError(f"the provider `{name}` is installed twice: by {packages}", hint="uninstall one of them")
    return points[0]


def _distribution(point: "EntryPoint") -> str:
    """Return the name of the distribution that an entry point comes from, or empty."""
    return point.dist.name if point.dist else ""


def _how_to_install(point: "EntryPoint", error: ImportError) -> str:
    """Say which package to install: the distribution with its extra of the provider's name, where it has one."""
    distribution = _distribution(point)
    if not distribution or point.dist is None:
        return f"install the package that has the module {error.name}" if error.name else ""
    extras = point.dist.metadata.get_all("Provides-Extra") or []
    if point.name in extras:
        return f"install it with its extra: pip install '{distribution}[{point.name}]'"
    return f"it comes from {distribution}; install that again with what it needs"


def _missing_parts(found: object) -> list[str]:
    """Return the parts of the contract that a class lacks, as a person would name them."""
    if not inspect.isclass(found):
        return ["a class"]
    lacking = [f"`{part}`, a text" for part in ("name", "version") if not isinstance(getattr(found, part, None), str)]
    config = getattr(found, "Config", None)
    if not (inspect.isclass(config) and issubclass(config, BaseModel)):
        lacking.append("`Config`, a pydantic model")
    if not inspect.ismethod(getattr(found, "open", None)):
        lacking.append("`open`, a class method")
    asynchronous = ("read", "perform", "__aenter__", "__aexit__")
    lacking += [
        f"`async {part}`" for part in asynchronous if not inspect.iscoroutinefunction(getattr(found, part, None))
    ]
    return lacking
