"""The first file of an app, from what is typed on a command line: its way and its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.edit.file import YamlFile
from reconciler.edit.writing import Value, write_pair, write_scalar
from reconciler.errors import ConfigurationError
from reconciler.load.suggest import suggest
from reconciler.model.apps import App, Way
from reconciler.model.company import Company

if TYPE_CHECKING:
    from reconciler.run.importing import Tree

_WORDS: Mapping[str, Value] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class FirstApp:
    """How a new app is reached.

    Attributes:
        provider: its name.
        settings: `url` → text; `token.env` goes into a mapping.
        owner: an id or an address.
    """

    provider: str
    settings: Mapping[str, str]
    owner: str

    def config(self) -> dict[str, Any]:
        """Return the way's configuration.

        Raises:
            ConfigurationError: a key is both a value and a mapping.
        """
        config: dict[str, Any] = {}
        for key, text in self.settings.items():
            *outer, last = key.split(".")
            inner = config
            for step in outer:
                inner = inner.setdefault(step, {})
                if not isinstance(inner, dict):
                    raise ConfigurationError(f"--set {key}: {step} has a value already")
            inner[last] = _WORDS.get(text, text)
        return config

    def app(self, name: str, company: Company) -> App:
        """Return the app, still without an owner.

        Raises:
            ConfigurationError: it is in the YAML already.
            ProviderError: its way cannot work.
        """
        if name in company.apps:
            place = company.apps[name].place.short
            raise ConfigurationError(f"{name} is in the YAML already ({place})", hint="leave --provider out")
        from reconciler.provider.registry import read_config  # noqa: PLC0415 - only where an app is new

        read_config(self.provider, self.config())
        return App(name, "", route=(Way(self.provider, self.config()),))


def write_app(tree: "Tree", name: str, first: FirstApp | None, people: Mapping[str, str]) -> None:
    """Write a new app's file into a repository in memory.

    Args:
        tree: the repository.
        name: the app's name.
        first: how it is reached; None writes nothing.
        people: id → address, of those who may own it.

    Raises:
        ConfigurationError: the owner is nobody.
    """
    if first is None:
        return
    found = [one for one, email in people.items() if first.owner in (one, email) and first.owner]
    if not found:
        hint = suggest(first.owner, [*people, *people.values()]) or "--owner takes an id, or an address"
        raise ConfigurationError(f"the owner {first.owner!r} is nobody who is known", hint=hint)
    way: dict[str, Value] = {first.provider: first.config()}
    app: dict[str, Value] = {"owner": found[0], "route": [way]}
    path = _path(tree.load().settings.apps_paths, name)
    if path in tree.now:
        tree.edit(lambda files: files.change(path, lambda file: file.add_entries(("apps",), {name: app})))
        return
    lines = ["apps:", f"  {write_scalar(name)}:", f"    owner: {write_scalar(found[0])}", "    route:"]
    lines.append(f"      - {write_pair(first.provider, first.config())}\n")
    tree.edit(lambda files: files.change(path, lambda file: YamlFile(file.name, "\n".join(lines).encode())))


def _path(allowed: Sequence[str], name: str) -> str:
    """Return where a new app goes: into a file of its own, if there may be a folder of them."""
    folders = [path.rstrip("/") for path in allowed if not path.endswith((".yaml", ".yml")) and "*" not in path]
    return f"{folders[0]}/{name}.yaml" if folders else allowed[0]
