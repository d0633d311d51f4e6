"""People are imported into the YAML: from an export, or from the accounts of an app."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler.discover.merge import Merged, merge_people
from reconciler.discover.people import Read, read_accounts, read_people
from reconciler.discover.sheet import MOST_BYTES, read_sheet
from reconciler.edit.files import Files
from reconciler.edit.people import add_people, change_people
from reconciler.errors import ConfigurationError, InputError
from reconciler.load.cache import Cache
from reconciler.load.company import load_contents
from reconciler.problems import Problem
from reconciler.run.drafting import read_tree
from reconciler.run.first import FirstApp, write_app
from reconciler.run.live import read_sides
from reconciler.run.proposing import write_locally
from reconciler.run.reading import ReadProgress
from reconciler.run.session import CACHE, Session


@dataclass
class Tree:
    """The files of a repository, changed in memory.

    Attributes:
        root: the folder.
        before: path → what is on disk.
        now: path → what it would be.
    """

    root: Path
    before: Mapping[str, bytes]
    now: dict[str, bytes]
    moment: datetime

    @classmethod
    def of(cls, root: Path) -> "Tree":
        """Read a repository.

        Raises:
            ConfigurationError: a file cannot be read.
        """
        found = read_tree(root)
        return cls(root, found, dict(found), datetime.now(UTC))

    def load(self) -> Session:
        """Return the company as it would be.

        Raises:
            InputError: the YAML has errors.
        """
        loaded = load_contents(self.root, self.now, moment=self.moment, cache=Cache(self.root / CACHE))
        return Session(loaded.company, loaded.warnings, self.moment)

    def edit(self, change: Callable[[Files], None]) -> None:
        """Change files in memory.

        Raises:
            EditError: one cannot be changed so.
        """
        files = Files(self.now)
        change(files)
        self.now.update(files.changes())

    @property
    def changes(self) -> dict[str, bytes]:
        """Return the content of each file that is not what it was."""
        return {path: content for path, content in self.now.items() if content != self.before.get(path, b"")}

    def write(self, *, dry_run: bool) -> None:
        """Check that what comes out loads, and write it.

        Args:
            dry_run: check only.

        Raises:
            InputError: the YAML would have errors; nothing is written.
            EditError: a file was changed meanwhile, or cannot be written.
        """
        changes = self.changes
        if changes:
            self.load()
            if not dry_run:
                write_locally(self.root, self.before, changes)


@dataclass(frozen=True, slots=True)
class PeopleImport:
    """What an import of people came to; `files` were written (or would be)."""

    merged: Merged
    files: tuple[str, ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What was said of an export: the columns by field, the order of dates, the delimiter and the encoding."""

    columns: Mapping[str, str]
    dates: str = ""
    delimiter: str = ""
    encoding: str = ""


def import_export(root: Path, file: Path, layout: Layout, *, skip: bool, dry_run: bool) -> PeopleImport:
    """Write the people of a CSV file.

    Args:
        root: the repository.
        file: the export.
        layout: what was said of it.
        skip: whether rows that cannot be used are left out; otherwise they stop the import.
        dry_run: write nothing.

    Raises:
        InputError: rows that cannot be used, all at once, or errors in the YAML.
        ConfigurationError: the file cannot be read at all.
        EditError: the YAML cannot be changed.
    """
    sheet = read_sheet(file.name, _read(file), delimiter=layout.delimiter, encoding=layout.encoding)
    found = read_people(sheet, layout.columns, layout.dates)
    tree = Tree.of(root)
    merged, problems = _merge(tree, found, skip=skip, update=True)
    return _finish(tree, found, merged, problems, dry_run=dry_run)


def _read(file: Path) -> bytes:
    """Read an export, but no more than what can be one."""
    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{file}: {error.strerror}", hint="--from names a CSV file, or an app that is in the YAML"
        ) from None


def import_accounts(
    root: Path, app: str, first: FirstApp | None, progress: ReadProgress | None, *, dry_run: bool
) -> PeopleImport:
    """Write the people who have an active account in an app.

    Args:
        root: the repository.
        app: its name.
        first: how it is reached, where no YAML says so yet; that is written too.
        progress: who watches the reading.
        dry_run: write nothing.

    Raises:
        ConfigurationError: the app is unknown, or its accounts cannot be read wholly.
    """
    tree = Tree.of(root)
    session = tree.load()
    company = session.company
    if first:
        apps = {**company.apps, app: first.app(app, company)}
        session = Session(replace(company, apps=apps), session.warnings, session.moment)
    sides = read_sides(session, app, progress)
    if not sides.accounts_read:
        whys = [one.why for name, one in sides.live.collections.items() if name == "accounts"]
        raise ConfigurationError(f"the accounts of {app} could not be read wholly: {'; '.join(whys) or 'no way reads'}")
    own = sides.live.own_accounts
    services = {remote_id for remote_id, name in sides.matching.identities.items() if name in company.service_accounts}
    accounts = [one for name, one in sides.live.accounts.items() if name not in own | services]
    found = read_accounts(app, accounts)
    merged, problems = _merge(tree, found, skip=False, update=False)
    emails = {one.id: one.email for one in company.people.values()}
    emails |= {name: str(fields.get("email", "")) for name, fields in merged.added.items()}
    write_app(tree, app, first, emails)
    return _finish(tree, found, merged, problems, dry_run=dry_run)


def _merge(tree: Tree, found: Read, *, skip: bool, update: bool) -> tuple[Merged, tuple[str, ...]]:
    """Write people into a repository in memory, and return what was left out."""
    session = tree.load()
    company = session.company
    merged = merge_people(company, found.people, session.resolved.today, update=update)
    problems = [*found.problems, *merged.problems]
    if problems and not skip:
        raise InputError(_with_a_way_on(problems) if update else problems)

    def change(files: Files) -> None:
        change_people(company, files, merged.changed)
        add_people(company, files, merged.added)

    tree.edit(change)
    return merged, tuple(
        f"{one.place.short}: {one.message}" + (f"; {one.hint}" if one.hint else "") for one in problems
    )


def _with_a_way_on(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems of an export's rows, the last of which tells how the other rows are taken."""
    *others, last = sorted(problems)
    hint = "; ".join(filter(None, (last.hint, "--skip takes the other rows, and tells what it left out")))
    return [*others, replace(last, hint=hint)]


def _finish(tree: Tree, found: Read, merged: Merged, skipped: tuple[str, ...], *, dry_run: bool) -> PeopleImport:
    files = tuple(sorted(tree.changes))
    tree.write(dry_run=dry_run)
    return PeopleImport(merged, files, (*found.notes, *merged.notes), skipped)
