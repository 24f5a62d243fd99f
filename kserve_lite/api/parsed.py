"""A document that was read: its plain value and where each part of it was written.

Apart from the reader of YAML, so that who gets objects from an API server need not load one.
"""

from dataclasses import dataclass, field
from typing import Any

from kserve_lite.api.paths import parent
from kserve_lite.api.problems import Place, Problem


@dataclass
class Parsed:
    """One document: its plain value and the place of every path in it."""

    value: Any
    places: dict[str, Place]
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: str) -> Place:
        """Return where `path` stands, or the nearest written place above it."""
        while path not in self.places:
            path = parent(path)
        return self.places[path]
