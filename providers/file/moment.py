"""When an export was true: as somebody or something wrote it down, never guessed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from providers.file.client import Content, list_names, read_content
from providers.file.config import EntitlementsFile, ExportedAt, FileConfig, GrantsFile
from providers.file.table import Table, as_text, fault
from reconciler.errors import ProviderError

Part = FileConfig | GrantsFile | EntitlementsFile


def newest_file(root: Path, part: Part) -> str:
    """Return the path of a part's file; where its name has a `*`, of the one that was exported last.

    Raises:
        ProviderError: there is none, or one's name does not tell when it was exported.
    """
    said = part.exported_at
    if "*" not in part.path or not isinstance(said, ExportedAt):
        return part.path
    names = list_names(root, part.path)
    if not names:
        raise ProviderError(f"{part.path}: there is no such file", hint="export it from the app, or correct the path")
    return max(names, key=lambda name: (_from_name(said, name), name))


def exported_at(part: Part, content: Content, table: Table, root: Path) -> datetime | None:
    """Return when a file was exported, in UTC; None if nobody says it.

    Args:
        part: what the YAML says of the file.
        content: the file as it was read.
        table: the file as a table.
        root: the folder that a sidecar's path starts from.

    Raises:
        ProviderError: what is written there is no moment; names file and line.
    """
    said = part.exported_at
    moment: datetime | None
    match said:
        case datetime():
            moment = said
        case ExportedAt(column=column) if column:
            moment = _from_column(said, column, table)
        case ExportedAt(file_name=name) if name:
            moment = _from_name(said, content.path)
        case ExportedAt(sidecar=sidecar):
            text = read_content(root, sidecar, "utf-8").text.strip()
            moment = parse_moment(text, said, sidecar, 1)
        case "modified":
            moment = content.modified
        case _:
            moment = None
    return moment.astimezone(UTC) if moment else None


def _from_column(said: ExportedAt, column: str, table: Table) -> datetime | None:
    """Return the earliest moment in a column: no row is older than the export is taken for."""
    lines: dict[str, int] = {}
    index = 0
    for (cells,) in table.chunks([column]):
        for cell in cells:
            lines.setdefault(as_text(cell), index)
            index += 1
    return _earliest(said, lines, table)


def _earliest(said: ExportedAt, lines: Mapping[str, int], table: Table) -> datetime | None:
    def parse(texts: Iterable[str]) -> Iterable[datetime]:
        for text in texts:
            try:
                yield parse_moment(text, said, table.path, 0)
            except ProviderError as error:
                raise fault(table.path, table.line(lines[text]), _words(error, table.path), hint=error.hint) from None

    return min(parse(lines), default=None)


def _words(error: ProviderError, path: str) -> str:
    return error.message.removeprefix(f"{path}: ")


def _from_name(said: ExportedAt, path: str) -> datetime:
    name = path.rpartition("/")[2]
    try:
        moment = datetime.strptime(name, said.file_name)  # noqa: DTZ007 - its zone is settled right below
    except ValueError:
        raise ProviderError(
            f"{path}: its name does not tell when it was exported",
            hint=f"name it like {said.file_name} (`exported_at`), or move it elsewhere",
        ) from None
    return _in_zone(moment, said, path, 0)


def parse_moment(text: str, said: ExportedAt, path: str, line: int) -> datetime:
    """Return a moment in ISO 8601, or as `format` says; of a day alone, its start.

    Raises:
        ProviderError: it is none, or has no offset where no time zone is said.
    """
    try:
        moment = datetime.strptime(text, said.format) if said.format else datetime.fromisoformat(text)  # noqa: DTZ007 - below
    except ValueError:
        what = f"{text!r} is no moment" if text else "the moment of the export is missing"
        usual = "write it like 2026-03-01T12:00Z or 2026-03-01, or say with `format:` how it is written"
        raise fault(path, line, what, hint=f"correct `format: {said.format}`" if said.format else usual) from None
    return _in_zone(moment, said, path, line)


def _in_zone(moment: datetime, said: ExportedAt, path: str, line: int) -> datetime:
    if moment.tzinfo is not None:
        return moment
    if said.zone is None:
        raise fault(path, line, f"{moment:%Y-%m-%d %H:%M} has no offset", hint="say `timezone:` in `exported_at`")
    return moment.replace(tzinfo=said.zone)
