"""Opens the state that `reconciler.yaml` names."""

from reconciler.errors import ConfigurationError
from reconciler.model.company import Settings
from reconciler.state.contract import StateStore

DEFAULT_PATH = ".reconciler/state.db"


def open_state(settings: Settings, *, read_only: bool = False) -> StateStore:
    """Open the state: SQLite at `.reconciler/state.db` unless the settings say otherwise.

    Args:
        settings: `state` names one back end and its options; `sqlite` takes `path`, relative to the root.
        read_only: open it for planning: nothing is written, and a missing state is an empty one.

    Raises:
        ConfigurationError: the settings name an unknown back end or option.
        StateError: the state cannot be opened.
    """
    back_ends = dict(settings.state) or {"sqlite": {}}
    if len(back_ends) != 1 or "sqlite" not in back_ends:
        names = ", ".join(sorted(back_ends))
        raise ConfigurationError(
            f"`state` names {names}; the back ends of this version: sqlite",
            hint="write `state: {sqlite: {path: .reconciler/state.db}}` in reconciler.yaml",
        )
    options = dict(back_ends["sqlite"] or {})
    path = options.pop("path", DEFAULT_PATH)
    if options or not isinstance(path, str) or not path:
        wrong = ", ".join(sorted(options)) or "path"
        raise ConfigurationError(f"`state.sqlite` has an unusable option: {wrong}", hint="it takes only `path`, a text")
    from reconciler.state.sqlite import SqliteStore  # noqa: PLC0415 - only commands that need the state pay for it

    return SqliteStore(settings.root / path, read_only=read_only)
