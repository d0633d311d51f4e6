"""Which state each app was last applied with, kept outside of the state: the only way to notice that it was lost.

The file has a line for each app: its name and the lineage of the state, separated by a blank. It lies where the audit
trail's head is anchored (beside that file, or on that git ref), where there is such a place, since that was chosen to
outlive the state; else in `.reconciler`.
"""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.errors import StateError
from reconciler.model.company import KeptRef, Settings
from reconciler.state.contract import StateStore

_NAME = "lineage"
_LARGEST = 4 * 1024 * 1024


def lineage_path(settings: Settings) -> Path:
    """Return where the file is, unless it is on a git ref."""
    if settings.audit_anchor and not isinstance(settings.audit_anchor, KeptRef):
        anchor = settings.root / settings.audit_anchor
        return anchor.with_name(f"{anchor.name}.{_NAME}")
    return settings.root / ".reconciler" / _NAME


def lineage_of(state: StateStore) -> str:
    """Return a state's lineage, which it keeps wherever it is moved; empty where it knows no app."""
    return next((state.fingerprint(app).partition(":")[0] for app in state.apps()), "")


def lost_apps(settings: Settings, state: StateStore) -> frozenset[str]:
    """Return the apps that were last applied with another state than this one.

    Raises:
        StateError: what is kept cannot be read.
    """
    lineage = lineage_of(state)
    return frozenset(app for app, known in _kept(settings).items() if known != lineage)


def remember_lineage(settings: Settings, state: StateStore, apps: Iterable[str]) -> None:
    """Write down that these apps were applied with this state.

    Raises:
        StateError: what is kept cannot be read or written.
    """
    lineage = lineage_of(state)
    if not lineage:
        return
    before = _kept(settings)
    now = before | dict.fromkeys(apps, lineage)
    if now == before:
        return
    if isinstance(settings.audit_anchor, KeptRef):
        from reconciler.state.outside import OutsideFiles  # noqa: PLC0415 - git is slow to import

        with OutsideFiles(settings.root, settings.audit_anchor) as files:
            files.change(_NAME, lambda text: _text(_parse(text) | now), "Record which state belongs here [skip ci]")
    else:
        _write_lineages(lineage_path(settings), now)


def _kept(settings: Settings) -> dict[str, str]:
    if not isinstance(settings.audit_anchor, KeptRef):
        return read_lineages(lineage_path(settings))
    from reconciler.state.outside import OutsideFiles  # noqa: PLC0415 - git is slow to import

    with OutsideFiles(settings.root, settings.audit_anchor) as files:
        return _parse(files.read(_NAME))


def read_lineages(path: Path) -> dict[str, str]:
    """Return app → lineage of the state that it was last applied with; nothing where there is no file.

    Raises:
        StateError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StateError(f"{path}: it cannot be read: {words}", hint="it says which state belongs here") from None
    return _parse(text)


def _parse(text: str) -> dict[str, str]:
    pairs = (line.rpartition(" ")[::2] for line in text.splitlines())
    return {app: lineage for app, lineage in pairs if app and lineage}


def _text(lineages: Mapping[str, str]) -> str:
    return "".join(f"{app} {lineage}\n" for app, lineage in sorted(lineages.items()))


def _write_lineages(path: Path, lineages: Mapping[str, str]) -> None:
    """Write the file, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(lineages))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise StateError(
            f"{path}: it cannot be written: {error.strerror}", hint="a lost state goes unnoticed"
        ) from None


def mark_lost(settings: Settings, apps: Iterable[str]) -> None:
    """Write down that these apps were applied with another state than whatever is there now.

    Raises:
        StateError: the file cannot be read or written.
    """
    path = lineage_path(settings)
    _write_lineages(path, read_lineages(path) | dict.fromkeys(apps, "another"))
