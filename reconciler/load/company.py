"""A folder of YAML becomes a company: every file parsed once, every problem told at once."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from reconciler.collector import paused_collector
from reconciler.errors import InputError
from reconciler.load.build import Built, build_company
from reconciler.load.cache import Cache
from reconciler.load.checks.access import check_apps, check_grants, check_roles
from reconciler.load.checks.identities import check_groups, check_people, check_service_accounts
from reconciler.load.checks.policies import check_policies, check_sections
from reconciler.load.checks.report import Report, locate
from reconciler.load.dates import find_zone
from reconciler.load.faults import Point
from reconciler.load.files import SETTINGS_NAMES, find_files, is_ours, read_content
from reconciler.load.parse import parse_file
from reconciler.load.records import FileRecord
from reconciler.load.settings import check_tickets, parse_settings, read_settings
from reconciler.load.sops import decrypt, is_encrypted
from reconciler.load.syntax import UnreadableError
from reconciler.model.company import Company, Settings
from reconciler.problems import Place, Problem, Severity


@dataclass(frozen=True, slots=True)
class Loaded:
    """A company that has no errors, and what deserves a look.

    Attributes:
        digests: path → SHA-256 of the file's bytes.
    """

    company: Company
    warnings: tuple[Problem, ...]
    digests: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Read:
    """What could be read, errors or not: the company of all files that are sound, and every problem."""

    company: Company
    problems: tuple[Problem, ...]
    digests: Mapping[str, bytes]


@dataclass(slots=True)
class _Files:
    """The files of one repository while it is loaded.

    Attributes:
        digests: path → SHA-256 of the bytes on disk.
        records: path → what the file says; a file that could not be read is missing.
        secret: path → decrypted content, for messages with exact places; never written anywhere.
    """

    settings: Settings
    problems: list[Problem]
    digests: dict[str, bytes] = field(default_factory=dict)
    records: dict[str, FileRecord] = field(default_factory=dict)
    secret: dict[str, bytes] = field(default_factory=dict)

    def complain(self, path: str, fault: UnreadableError) -> None:
        """Note that a file cannot be used at all."""
        place = Place(path, fault.mark.line + 1, fault.mark.column + 1)
        self.problems.append(Problem(place, Severity.ERROR, fault.message, fault.hint))


def load_company(
    root: Path, *, moment: datetime, cache: Path | Cache | None = None, trusted: Settings | None = None
) -> Loaded:
    """Return what the YAML under a folder says.

    Args:
        root: the folder of `reconciler.yaml` (which may be missing).
        moment: an instant with a time zone; only warnings depend on it.
        cache: a folder for parsed files, made if it is missing; None parses everything anew.
        trusted: settings that what touches secrets is taken from, instead of those under the folder: see `trust`.

    Raises:
        InputError: the YAML has errors; it holds all of them, and the warnings.
        ConfigurationError: the folder does not exist, or `reconciler.yaml` cannot be read.
    """
    with paused_collector():
        settings, problems, contents = read_settings(root)
        files = _Files(trust(settings, trusted), problems)
        found = find_files(root, _ignored(settings))
        problems.extend(found.problems)
        records = cache if isinstance(cache, Cache) else Cache(cache)

        def read(path: str) -> bytes:
            return contents.get(path) or read_content(f"{root}/{path}")

        for path in (*contents, *found.paths):
            _read_file(files, records, path, read)
        records.trim()
        return _accept(_finish(files, moment, read))


def load_contents(root: Path, contents: Mapping[str, bytes], *, moment: datetime, cache: Cache) -> Loaded:
    """Return what files say that are no files (a revision in git); what two revisions share is parsed once.

    Args:
        root: the folder that relative paths in the settings start from.
        contents: path → content, of all YAML files of the revision.
        moment: as for `load_company`.
        cache: shared between the revisions.

    Raises:
        InputError: the YAML has errors.
    """
    read = read_contents(root, contents, moment=moment, cache=cache)
    return _accept(read)


def read_contents(  # noqa: PLR0913 - what there is, and what is known of it already
    root: Path,
    contents: Mapping[str, bytes],
    *,
    moment: datetime,
    cache: Cache,
    digests: Mapping[str, bytes] | None = None,
    checked: bool = True,
) -> Read:
    """Return what files say that are no files, as far as they can be read.

    Args:
        root: as for `load_contents`, and so are the next three.
        contents: path → content.
        moment: an instant with a time zone.
        cache: shared between the revisions.
        digests: path → SHA-256 of contents that are known already: they are not asked for if the cache has them.
        checked: whether names that nobody has and the like are looked for, too.
    """
    with paused_collector():
        name = next((name for name in SETTINGS_NAMES if name in contents), "")
        settings, problems = parse_settings(contents[name], root, name) if name else (Settings(root), [])
        files = _Files(settings, problems)
        ignored = _ignored(settings)
        for path in sorted(contents):
            if path == name or is_ours(path, ignored):
                _read_file(files, cache, path, contents.__getitem__, (digests or {}).get(path))
        return _finish(files, moment, contents.__getitem__, checked=checked)


def trust(settings: Settings, trusted: Settings | None) -> Settings:
    """Return settings in which what decides about secrets, programs and the state is that of others, if there are any.

    A pull request must not choose where the state is, who decrypts, or which secrets may be read.
    """
    if trusted is None:
        return settings
    return replace(
        settings,
        state=trusted.state,
        tickets=trusted.tickets,
        secrets_env=trusted.secrets_env,
        secrets_files=trusted.secrets_files,
        sops=trusted.sops,
        audit_anchor=trusted.audit_anchor,
    )


def _ignored(settings: Settings) -> tuple[str, ...]:
    """Return the patterns of what is not ours, tickets included."""
    tickets = settings.tickets.get("directory") if settings.tickets else "tickets"
    return (*settings.ignore, f"/{tickets.strip('/')}") if isinstance(tickets, str) and tickets else settings.ignore


def _read_file(
    files: _Files, cache: Cache, path: str, read: Callable[[str], bytes], digest: bytes | None = None
) -> None:
    """Take one file: from the cache, or parsed. A file whose digest is known and in the cache is not even read."""
    if digest is not None and (record := cache.get(cache.key(digest))) is not None:
        files.digests[path] = digest
        _take_record(files, path, record)
        return
    try:
        content = read(path)
    except OSError as error:
        files.complain(path, UnreadableError(Point(0, 0), f"this file cannot be read: {error.strerror}"))
        return
    digest = files.digests[path] = hashlib.sha256(content).digest()
    key = cache.key(digest)
    record = cache.get(key)
    if record is None:
        try:
            record = _parse(files, path, content)
        except UnreadableError as fault:
            files.complain(path, fault)
            return
        cache.put(key, record, private=path in files.secret)
    _take_record(files, path, record)


def _take_record(files: _Files, path: str, record: FileRecord) -> None:
    if path not in SETTINGS_NAMES:
        files.records[path] = record
    files.problems.extend(fault.to_problem(path) for fault in record.faults)


def _parse(files: _Files, path: str, content: bytes) -> FileRecord:
    if path in SETTINGS_NAMES:
        return check_tickets(content)
    if is_encrypted(content):
        content = files.secret[path] = decrypt(content, files.settings.sops)
        return parse_file(content, private=True)
    return parse_file(content)


def _accept(read: Read) -> Loaded:
    """Return what was read, if there is nothing wrong with it."""
    if any(problem.severity is Severity.ERROR for problem in read.problems):
        raise InputError(read.problems)
    return Loaded(read.company, read.problems, read.digests)


def _finish(files: _Files, moment: datetime, read: Callable[[str], bytes], *, checked: bool = True) -> Read:
    """Build and check the company, and collect everything that is wrong."""
    built = build_company(files.settings, files.records.items(), _digest(files.digests))

    def reread(path: str) -> bytes | None:
        try:
            content = files.secret.get(path) or read(path)
        except OSError:
            return None
        same = path in files.secret or hashlib.sha256(content).digest() == files.digests.get(path)
        return content if same else None

    told = locate(_check(files, built, moment), reread) if checked else ()
    return Read(built.company, tuple(sorted({*files.problems, *built.problems, *told})), files.digests)


def _check(files: _Files, built: Built, moment: datetime) -> Report:
    """Run the checks that need the whole company."""
    company = built.company
    today = moment.astimezone(find_zone(files.settings.timezone)).date()
    report = Report(today, files.secret, complete=_is_complete(files))
    check_people(company, report)
    check_service_accounts(company, report)
    check_groups(company, report, built.rules)
    check_roles(company, report)
    check_grants(company, report, moment)
    check_apps(company, report, built.templates)
    check_policies(company, report, built.policies)
    allowed = {"apps": files.settings.apps_paths, "policies": files.settings.policies_paths}
    check_sections(_sections(files.records), report, allowed)
    return report


def _is_complete(files: _Files) -> bool:
    """Say whether every file could be read to its end, so that a name that nobody has is a mistake."""
    broken = {problem.place.file for problem in files.problems if problem.severity is Severity.ERROR}
    ended_early = any("" in record.sections for record in files.records.values())
    return not ended_early and broken <= {*files.records, *SETTINGS_NAMES}


def _sections(records: Mapping[str, FileRecord]) -> Iterator[tuple[str, Place]]:
    for path, record in records.items():
        for name, (line, column) in record.sections.items():
            yield name, Place(path, line, column)


def _digest(digests: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over all files, by path."""
    whole = hashlib.sha256()
    for path, digest in sorted(digests.items()):
        whole.update(f"{len(path.encode())}:{path}".encode() + digest)
    return whole.hexdigest()
