"""Run sections one after another: a failed one fails the gate, not the sections that do not need it."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from tools.cache import CLONE
from tools.gate.sections import Section

MINUTES = 84.0  # all sections together: a hosted runner ends a job at 90, and then nothing is undone
GRACE = 60.0  # seconds between asking a section to end and ending it
PASSED = "passed"


@dataclass
class Gate:
    """One run: what became of each section so far, and when it must end."""

    minutes: float = MINUTES
    grace: float = GRACE
    stop: Event = field(default_factory=Event)  # set by a signal: nothing more is started, all is undone
    verdicts: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, sections: Sequence[Section]) -> bool:
        """Run sections, undo them whatever happened, print a table that ends on the count; tell whether all passed."""
        started = time.monotonic()
        for section in sections:
            self._step(section, started + self.minutes * 60, self.stop)
        for section in sections:
            if section.undo and section.name in self.seconds:
                self._step(section.undo, time.monotonic() + section.undo.minutes * 60, Event())
        self._table(time.monotonic() - started)
        return all(verdict == PASSED for verdict in self.verdicts.values())

    def _step(self, section: Section, end: float, stop: Event) -> None:
        """Run one section, unless what it needs has failed or `end` or `stop` has come."""
        begun = time.monotonic()
        if failed := [name for name in section.needs if self.verdicts.get(name, PASSED) != PASSED]:
            verdict = f"not run: needs {', '.join(failed)}"
        elif stop.is_set():
            verdict = "not run: interrupted"
        elif begun > end:
            verdict = "not run: the gate's time is up"
        else:
            print(f"\n──── {section.name}: {' '.join(section.command)}", flush=True)
            verdict = command(section.command, min(begun + section.minutes * 60, end), self.grace, stop)
            self.seconds[section.name] = time.monotonic() - begun
        print(f"──── {section.name}: {verdict}", flush=True)
        self.verdicts[section.name] = verdict

    def _table(self, total: float) -> None:
        print("\n──── the gate")
        for name, verdict in self.verdicts.items():
            print(f"{name:16} {self.seconds.get(name, 0):6.0f} s  {verdict}")
        passed = sum(verdict == PASSED for verdict in self.verdicts.values())
        print(
            f"{'total':16} {total:6.0f} s\n{passed} passed, {len(self.verdicts) - passed} failed", flush=True
        )


def command(words: Sequence[str], end: float, grace: float, stop: Event) -> str:
    """Run a command, and end it with everything that it started at `end` or `stop`; return what became of it."""
    begun = time.monotonic()
    process = subprocess.Popen(words, cwd=CLONE, stdin=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not stop.is_set() and time.monotonic() < end:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    status = process.poll()
    finish(process, grace)
    if status is None:
        return "interrupted" if stop.is_set() else f"failed: not done after {(end - begun) / 60:.1f} min"
    return PASSED if status == 0 else f"failed: exit status {status}"


def finish(process: subprocess.Popen[bytes], grace: float) -> None:
    """End what is left of a section: first asked, then made to."""
    if process.poll() is None:
        signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal every process of a section that has not left its session."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
