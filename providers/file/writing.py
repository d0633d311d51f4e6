"""Changes written into the app's files: all that one batch changes in a file is one atomic replacement."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from providers.file.book import Book
from providers.file.client import Content, digest_of, locate, lock, read_content, replace
from providers.file.config import EntitlementsFile, FileConfig, GrantsFile
from providers.file.operations import do
from providers.file.table import Sheet
from providers.file.table_csv import CsvSheet
from providers.file.table_json import JsonSheet
from reconciler.errors import ProviderError
from reconciler.provider.change import Change, Outcome, Receipt


@dataclass(slots=True)
class _Open:
    """The files as they were when they were last read or written here, taken apart for editing."""

    contents: dict[str, Content]
    sheets: dict[str, Sheet]
    book: Book


class Writer:
    """Writes changes of one app.

    Attributes:
        seen: path → digest of what the last read saw; a file that is anything else by now is not written. Empty
            before the first read: then the file is taken as it is.
    """

    def __init__(self, config: FileConfig, root: Path) -> None:
        self._config = config
        self._root = root
        self._open: _Open | None = None
        self.seen: dict[str, str] = {}

    def write(self, changes: Sequence[Change]) -> list[Receipt]:
        """Write changes, and say of each what came of it; nothing is written unless all files could be read."""
        try:
            with ExitStack() as stack:
                for path in self._folders():
                    stack.enter_context(lock(self._root, path))
                opened = self._reopen()
                receipts = [_attempt(opened.book, change) for change in changes]
                self._save(opened)
        except ProviderError as error:
            self._open = None
            return [Receipt(change, Outcome.FAILED, detail=_words(error)) for change in changes]
        return receipts

    def _parts(self) -> list[FileConfig | GrantsFile | EntitlementsFile]:
        """Return the files in the order in which they are replaced: grants go before the accounts that hold them."""
        config = self._config
        return [part for part in (config.grants, config, config.entitlements) if part is not None]

    def _folders(self) -> list[str]:
        """Return a path in each folder, sorted, so that two writers never wait for each other."""
        return list(
            {locate(self._root, part.path).parent: part.path for part in sorted(self._parts(), key=_path)}.values()
        )

    def _reopen(self) -> _Open:
        """Return the files taken apart: those of last time where nothing has changed.

        Raises:
            ProviderError: one is no longer what was read.
        """
        for path, digest in self.seen.items():
            if digest_of(self._root, path) != digest:
                raise ProviderError(f"{path} was changed by somebody else since it was read", hint="plan again")
        if self._open and all(self._open.contents[p].digest == self.seen.get(p) for p in self._open.contents):
            return self._open
        contents = {part.path: read_content(self._root, part.path, part.encoding) for part in self._parts()}
        sheets = {part.path: _sheet(part, contents[part.path]) for part in self._parts()}
        self._open = _Open(contents, sheets, Book(self._config, sheets))
        return self._open

    def _save(self, opened: _Open) -> None:
        for part in self._parts():
            before, text = opened.contents[part.path], opened.sheets[part.path].text()
            if text != before.text:
                opened.contents[part.path] = replace(self._root, part.path, text, before)
            self.seen[part.path] = opened.contents[part.path].digest


def _path(part: FileConfig | GrantsFile | EntitlementsFile) -> str:
    return part.path


def _sheet(part: FileConfig | GrantsFile | EntitlementsFile, content: Content) -> Sheet:
    if part.kind_of_file == "json":
        return JsonSheet(content, part.records)
    return CsvSheet(content, part.separator, part.comment)


def _attempt(book: Book, change: Change) -> Receipt:
    try:
        done = do(book, change)
    except ProviderError as error:
        return Receipt(change, Outcome.FAILED, detail=_words(error))
    return Receipt(change, Outcome.DONE, detail=done.remark, remote_id=done.remote_id)


def _words(error: ProviderError) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message
