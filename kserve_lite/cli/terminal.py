"""Colour where a person looks on, plain text everywhere else."""

import os
from typing import TextIO

COLOURS = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}


class Style:
    """Paints text for one stream: only on a terminal, and never against NO_COLOR (https://no-color.org)."""

    def __init__(self, stream: TextIO) -> None:
        self.on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, colour: str) -> str:
        """Return `text` in a colour of COLOURS, or as it is."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.on else text


def size(count: int) -> str:
    """Write a number of bytes as a person reads it."""
    value, units = float(count), ["bytes", "kB", "MB", "GB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{count} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"
