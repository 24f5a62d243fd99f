"""Run sections one after another: a failed one fails the gate, not the sections that do not need it."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tools.cache import CLONE
from tools.gate.sections import Section

MINUTES = 84.0  # all sections together: a hosted runner ends a job at 90, and then nothing is brought down
GRACE = 60.0  # seconds between asking a section to end and ending it
PASSED = "passed"


def run(sections: Sequence[Section], minutes: float = MINUTES, grace: float = GRACE) -> bool:
    """Run sections and undo them whatever happened; print a table that ends on the count; tell whether all passed."""
    started = time.monotonic()
    end = started + minutes * 60
    verdicts: dict[str, str] = {}
    seconds: dict[str, float] = {}

    def step(section: Section, end: float) -> None:
        """Note what becomes of one section, and how long it takes."""
        begun = time.monotonic()
        verdicts[section.name] = "interrupted"
        verdicts[section.name] = judge(section, verdicts, end, grace)
        seconds[section.name] = time.monotonic() - begun

    try:
        for section in sections:
            step(section, end)
    except KeyboardInterrupt as stop:
        print(f"\ninterrupted {stop}", flush=True)
    finally:
        for undo in [section.undo for section in sections if section.undo and section.name in verdicts]:
            step(undo, time.monotonic() + undo.minutes * 60)
        table(verdicts, seconds, time.monotonic() - started)
    return all(verdict == PASSED for verdict in verdicts.values())


def judge(section: Section, verdicts: Mapping[str, str], end: float, grace: float) -> str:
    """Run one section, unless what it needs has failed or `end` has come; return what became of it."""
    failed = [name for name in section.needs if verdicts.get(name, PASSED) != PASSED]
    if failed:
        verdict = f"not run: needs {', '.join(failed)}"
    elif (left := end - time.monotonic()) <= 0:
        verdict = "not run: the gate's time is up"
    else:
        print(f"\n──── {section.name}: {' '.join(section.command)}", flush=True)
        verdict = command(section.command, min(section.minutes * 60, left), grace)
    print(f"──── {section.name}: {verdict}", flush=True)
    return verdict


def command(words: Sequence[str], seconds: float, grace: float) -> str:
    """Run a command with everything that it starts, for `seconds` at most; return what became of it."""
    process = subprocess.Popen(words, cwd=CLONE, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"failed: not done after {seconds / 60:.1f} min"
    finally:
        finish(process, grace)
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


def table(verdicts: Mapping[str, str], seconds: Mapping[str, float], total: float) -> None:
    """Print a line a section, and the count."""
    print("\n──── the gate", flush=True)
    for name, verdict in verdicts.items():
        print(f"{name:16} {seconds.get(name, 0):6.0f} s  {verdict}")
    passed = sum(verdict == PASSED for verdict in verdicts.values())
    print(f"{'total':16} {total:6.0f} s")
    print(f"{passed} passed, {len(verdicts) - passed} failed", flush=True)
