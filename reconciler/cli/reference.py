"""The help of every command as Markdown, for the README: `python -m reconciler.cli.reference [README]`.

Without an argument it is printed; with one, the part of that file between the markers is replaced.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from reconciler.cli.main import PROGRAM
from reconciler.cli.root import group
from reconciler.errors import ConfigurationError

BEGIN = "<!-- commands: made by python -m reconciler.cli.reference -->"
END = "<!-- commands: end -->"
_WIDTH = 100


def make_reference() -> str:
    """Return the help of the group and of every command, each under its own heading, ending in a line break."""
    return "\n".join(_sections(group, (PROGRAM,), None)) + "\n"


def _sections(command: click.Command, path: Sequence[str], parent: click.Context | None) -> Iterator[str]:
    ctx = click.Context(
        command,
        info_name=path[-1],
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **{name: value for name, value in command.context_settings.items() if name == "help_option_names"},
    )
    yield f"### `{' '.join(path)}`\n"
    yield f"```text\n{command.get_help(ctx)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            sub = command.get_command(ctx, name)
            if sub is not None:
                yield from _sections(sub, (*path, name), ctx)


def insert_reference(text: str) -> str:
    """Return a Markdown text with everything between the markers replaced by the reference of now.

    Raises:
        ConfigurationError: a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigurationError("the text has no place for the commands", hint=f"put {BEGIN} and {END} into it")
    return f"{before}{BEGIN}\n\n{make_reference()}\n{END}{after}"


def is_current(text: str) -> bool:
    """Say whether a Markdown text holds the reference of now between its markers.

    Raises:
        ConfigurationError: a marker is missing.
    """
    return insert_reference(text) == text


def _main(arguments: Sequence[str]) -> None:
    if not arguments:
        print(make_reference(), end="")
        return
    file = Path(arguments[0])
    file.write_text(insert_reference(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
