"""A revision of the repository becomes a company: its files by blob id, parsed only where the work tree has others."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.load.cache import Cache
from reconciler.load.company import Read, read_contents
from reconciler.load.files import MAX_FILE, MAX_FILES, SETTINGS_NAMES, is_ours
from reconciler.load.repository import Entry, Repository, link_target
from reconciler.problems import Place, Problem, Severity

_LINK = "120000"
_FILE = "100"


class RevisionFiles(Mapping[str, bytes]):
    """The YAML files of a commit, by path; what they hold is asked for once, and of all at once.

    Args:
        repository: where.
        commit: the commit's id; empty for a company before the first commit.
        known: paths whose content nobody will ask for.
    """

    def __init__(self, repository: Repository, commit: str, known: frozenset[str] = frozenset()) -> None:
        self._repository = repository
        self._blobs = _yaml_files(repository, commit)
        self._known = known
        self._contents: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._contents:
            asked = [
                one for one in self._blobs if one not in self._contents and (one == path or one not in self._known)
            ]
            self._contents |= zip(asked, self._repository.read([self._blobs[one] for one in asked]), strict=True)
        if len(self._contents[path]) > MAX_FILE:
            raise OSError(0, f"this file is larger than {MAX_FILE // 1024 // 1024} MB")
        return self._contents[path]

    def only(self, path: str) -> bytes:
        """Return the content of one file, and ask for no other."""
        return self._repository.read([self._blobs[path]])[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)


def _yaml_files(repository: Repository, commit: str) -> dict[str, str]:
    """Return path → blob of a commit's YAML files; links inside the tree are followed, as on disk."""
    entries = repository.files(commit)
    ours = {path: entry for path, entry in entries.items() if path in SETTINGS_NAMES or is_ours(path)}
    found = {path: entry.blob for path, entry in ours.items() if entry.mode.startswith(_FILE)}
    links = [path for path, entry in ours.items() if entry.mode == _LINK]
    for path, target in zip(links, repository.read([entries[path].blob for path in links]), strict=True):
        leads = link_target(path, target.decode("utf-8", "replace"))
        entry = entries.get(leads, Entry("", ""))
        if entry.mode.startswith(_FILE) and leads not in found:
            found[path] = entry.blob
    return dict(sorted(found.items())[:MAX_FILES])


def read_revision(
    repository: Repository, commit: str, *, moment: datetime, cache: Cache, digests: Mapping[str, bytes]
) -> Read:
    """Return what a commit says, as far as it can be read.

    Args:
        repository: around the folder of `reconciler.yaml`.
        commit: the commit's id; empty for one before the first, at which nothing was written.
        moment: an instant with a time zone.
        cache: the one that the work tree was loaded with: what both share is parsed once.
        digests: path → SHA-256 of the work tree's files.
    """
    if not commit:
        return read_contents(repository.root, {}, moment=moment, cache=cache)
    same = frozenset(digests) - repository.differing(commit)
    files = RevisionFiles(repository, commit, same)
    known = {path: digests[path] for path in files if path in same}
    try:
        return read_contents(repository.root, files, moment=moment, cache=cache, digests=known, checked=False)
    except OSError as error:
        # `reconciler.yaml` itself is too large; every other file is told by its place.
        problem = Problem(Place(SETTINGS_NAMES[0], 1), Severity.ERROR, f"this file cannot be read: {error.strerror}")
        return Read(read_contents(repository.root, {}, moment=moment, cache=cache).company, (problem,), {})
