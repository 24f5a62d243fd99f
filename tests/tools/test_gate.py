"""The gate runs real commands; here they are small ones."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cache import CLONE
from tools.errors import ToolError
from tools.gate.__main__ import choose
from tools.gate.run import Gate
from tools.gate.sections import SECTIONS, Section
from tools.wait import wait_for


def shell(name: str, script: str, minutes: float = 1, **more: object) -> Section:
    return Section(name, ("sh", "-c", script), minutes, **more)  # type: ignore[arg-type]


def test_the_last_line_counts(capfd: pytest.CaptureFixture[str]) -> None:
    assert Gate().run([shell("one", "echo said"), shell("two", "true")])

    out = capfd.readouterr().out
    assert "──── one: sh -c echo said\nsaid\n──── one: passed" in out
    assert out.splitlines()[-1] == "2 passed, 0 failed"


def test_a_failed_section_fails_the_gate_but_not_what_does_not_need_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    sections = [shell("images", "exit 3"), shell("e2e", "true", needs=("images",)), shell("helm", "true")]

    assert not Gate().run(sections)

    out = capfd.readouterr().out
    assert "images: failed: exit status 3" in out
    assert "e2e: not run: needs images" in out
    assert out.splitlines()[-1] == "1 passed, 2 failed"


def test_a_section_that_hangs_is_ended_with_its_children(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pids = tmp_path / "pids"
    hanging = shell(
        "hangs", f"trap '' TERM; sleep 999 & echo $! $$ >{pids}; wait; wait; sleep 999", minutes=0.02
    )

    assert not Gate(grace=0.2).run([hanging, shell("next", "true")])

    out = capfd.readouterr().out
    assert "hangs: failed: not done after 0.0 min" in out
    assert "next: passed" in out
    left = pids.read_text().split()
    # The signal that nothing resists is sent by then; the kernel may take its time to obey.
    wait_for("its processes end", lambda: not any(map(running, left)), timeout=10, remedy="see above")


def test_nothing_is_started_when_the_time_of_the_gate_is_up_but_what_was_made_is_undone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    making = shell("make", f"touch {made}; sleep 9", undo=shell("undo", f"rm {made}"))

    assert not Gate(minutes=0.01, grace=5).run([making, shell("late", "true")])

    assert "late: not run: the gate's time is up" in capfd.readouterr().out
    assert not made.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_gate_undoes_what_it_made(tmp_path: Path, number: signal.Signals) -> None:
    made = tmp_path / "made"
    script = f"""
import signal
from tools.gate import __main__ as gate
from tools.gate.sections import Section
signal.signal({int(number)}, signal.SIG_DFL)  # also when the tests run under nohup or in the background
undo = Section("undo", ("rm", {str(made)!r}), 1)
making = Section("make", ("sh", "-c", "echo made >{made}; exec sleep 99"), 1, undo=undo)
gate.SECTIONS = (making, Section("next", ("true",), 1))
gate.main([])
"""
    gate = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=CLONE)
    while not made.exists() or not made.read_text():
        assert gate.poll() is None

    gate.send_signal(number)
    out, _ = gate.communicate(timeout=60)

    assert "make: interrupted" in out
    assert "next: not run: interrupted" in out
    assert out.splitlines()[-1] == "1 passed, 2 failed"
    assert not made.exists()


def test_every_section_is_a_target_of_the_makefile_and_needs_earlier_ones() -> None:
    targets = re.findall(r"^([a-z0-9%-]+):", (CLONE / "Makefile").read_text(), re.MULTILINE)
    patterns = [re.compile(target.replace("%", ".+")) for target in targets]

    for number, section in enumerate(SECTIONS):
        assert set(section.needs) <= {earlier.name for earlier in SECTIONS[:number]}
        if section.command[0] == "make":
            assert any(pattern.fullmatch(section.command[1]) for pattern in patterns)


def test_the_gate_and_its_tools_need_nothing_but_python() -> None:
    modules = ("tools.__main__", "tools.gate.__main__", "tools.cluster.__main__", "tools.images.__main__")

    subprocess.run([sys.executable, "-S", "-c", f"import {', '.join(modules)}"], cwd=CLONE, check=True)


def test_an_unknown_section_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match="setup, lint, verify"):
        choose(["lints"])


def test_chosen_sections_keep_the_order_of_the_gate() -> None:
    assert [section.name for section in choose(["verify", "lint"])] == ["lint", "verify"]


def test_a_landing_waits_for_its_own_sections_and_all_means_every_one() -> None:
    assert choose([]) == [section for section in SECTIONS if section.landing]
    assert choose(["all"]) == list(SECTIONS)


def running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
