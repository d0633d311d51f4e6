"""The YAML files of a company while they are changed: read when they are needed, changed one step after another."""

from collections.abc import Callable, Mapping

from reconciler.edit.file import YamlFile
from reconciler.edit.source import Where
from reconciler.problems import Place


class Files:
    """Files by path, and what became of them.

    Args:
        contents: path → content; nothing is asked for that is not needed.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._changed: dict[str, YamlFile] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._changed or path in self._contents

    def get(self, path: str) -> YamlFile:
        """Return a file as it is now; one that there is not yet is empty."""
        return self._changed.get(path) or YamlFile(path, self._contents.get(path, b""))

    def change(self, path: str, edit: Callable[[YamlFile], YamlFile]) -> None:
        """Change a file.

        Raises:
            EditError: it cannot be changed that way.
        """
        self._changed[path] = edit(self.get(path))

    def locate(self, place: Place) -> Where:
        """Return the way to what was loaded from a place, in the file as it was before any change.

        Raises:
            EditError: nothing begins there.
        """
        return YamlFile(place.file, self._contents.get(place.file, b"")).locate(place.line, place.column)

    def changes(self) -> dict[str, bytes]:
        """Return the content of each file that is not what it was."""
        return {
            path: file.content
            for path, file in sorted(self._changed.items())
            if file.content != self._contents.get(path, b"")
        }
