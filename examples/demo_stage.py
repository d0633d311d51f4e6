"""What the demo prints: headlines, narration, and commands as a user would type them."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap


class Stage:
    """Prints the story: headlines, narration, and commands as a user would type them.

    Args:
        pause: wait for Enter before each step.
    """

    def __init__(self, *, pause: bool = False) -> None:
        self._pause = pause
        self._number = 0
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 120)

    def style(self, text: str, code: str) -> str:
        """Return a text in a style, where the terminal shows it."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def step(self, headline: str) -> None:
        """Begin a step."""
        if self._pause and self._number:
            input(self.style("\n   Enter goes on … ", "2"))
        self._number += 1
        text = f"── {self._number}. {headline} "
        print("\n" + self.style(text + "─" * max(0, self.width - len(text)), "1;36"), flush=True)

    def say(self, text: str) -> None:
        """Narrate, wrapped to the terminal."""
        for paragraph in textwrap.dedent(text).strip().split("\n\n"):
            print("\n" + textwrap.fill(" ".join(paragraph.split()), self.width - 2), flush=True)

    def prompt(self, command: str) -> None:
        """Print a command as it would be typed."""
        print("\n" + self.style("$ ", "2") + self.style(command, "1"), flush=True)

    def aside(self, text: str) -> None:
        """Print a remark that is no output of a command."""
        print(self.style(text, "2"), flush=True)
