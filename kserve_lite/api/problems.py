"""What is wrong with a user's input: one shape for the command line, the status of an object, events and logs."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where something was written; `line` and `column` count from 1 and are 0 when only the file is known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One fault: what (`code`, stable), where (`path` as the user writes it, `where` in a file), why, the way out."""

    code: str
    path: str
    message: str
    remedy: str = ""
    where: Place | None = None

    def __str__(self) -> str:
        """Return the one sentence that every layer shows."""
        place = f"{self.where}: " if self.where else ""
        path = f"{self.path}: " if self.path else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{path}{self.message}{remedy} [{self.code}]"

    def as_dict(self) -> dict[str, object]:
        """Return the fields as JSON types, for `--output json`."""
        return asdict(self)


class InvalidObject(Exception):
    """Raised where one valid object is needed; carries every problem found, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
