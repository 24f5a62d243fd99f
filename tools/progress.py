"""Say on stderr what is being done and for how long: one changing line on a terminal, else two plain ones."""

import sys
import time
from types import TracebackType
from typing import Self


class Progress:
    """A piece of work that takes long enough to be watched."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started = time.monotonic()
        self.shown = 0.0
        self.steps = 0
        self.terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._say(f"{self.title} …", final=not self.terminal)
        return self

    def step(self, what: str) -> None:
        """Note one finished step, such as a compiled package; shown at most five times a second."""
        self.steps += 1
        now = time.monotonic()
        if self.terminal and now - self.shown > 0.2:
            self.shown = now
            self._say(f"{self.title} … {self.steps}, {now - self.started:.0f} s  {what[:60]}", final=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = "done" if kind is None else "failed"
        self._say(f"{self.title}: {outcome} in {time.monotonic() - self.started:.0f} s", final=True)

    def _say(self, line: str, *, final: bool) -> None:
        start = "\r\033[K" if self.terminal else ""
        print(f"{start}{line}", end="\n" if final else "", file=sys.stderr, flush=True)
