"""The few colours of the terminal, chosen once: a palette with codes, or one without any."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """ANSI codes by what they mean; all empty where there is to be no colour."""

    add: str = ""
    change: str = ""
    remove: str = ""
    ticket: str = ""
    alarm: str = ""
    quiet: str = ""
    strong: str = ""
    end: str = ""

    def paint(self, code: str, text: str) -> str:
        """Return a text in one of the palette's colours; empty text stays empty."""
        return f"{code}{text}{self.end}" if code and text else text


PLAIN = Palette()
COLOURS = Palette(
    add="\x1b[32m",
    change="\x1b[33m",
    remove="\x1b[31m",
    ticket="\x1b[35m",
    alarm="\x1b[1;33m",
    quiet="\x1b[2m",
    strong="\x1b[1m",
    end="\x1b[0m",
)


def palette(*, colour: bool) -> Palette:
    """Return the palette with or without colours."""
    return COLOURS if colour else PLAIN
