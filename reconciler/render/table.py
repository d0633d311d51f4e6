"""Small tables for the commands that list things."""

from collections.abc import Iterator, Sequence

from reconciler.render.escape import columns, pad, visible


def render_table(rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    """Yield rows of texts from anywhere as aligned lines; all rows have as many cells as the first one."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(columns, cells)) for cells in zip(*shown, strict=True)]
    for row in shown:
        line = "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True))
        yield f"{' ' * indent}{line}".rstrip()
