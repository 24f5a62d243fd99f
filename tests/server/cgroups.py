"""A control group with limits of memory and processor time, as a container gets one; needs root."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds


@contextmanager
def limited(memory: int, cpus: float) -> Iterator[Sequence[str]]:
    """Yield the head of a command that runs its tail within `memory` bytes and `cpus` processors."""
    folders: list[Path] = []
    try:
        for folder, settings in _groups(memory, cpus).items():
            folder.mkdir()
            folders.append(folder)
            for name, value in settings.items():
                (folder / name).write_text(str(value))
    except OSError as error:
        for folder in folders:
            folder.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    joins = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in folders)
    try:
        yield ["sh", "-c", f'{joins}; exec "$@"', "sh"]
    finally:
        for folder in folders:
            folder.rmdir()


def _groups(memory: int, cpus: float) -> dict[Path, dict[str, object]]:
    name, quota = f"kserve-lite-{os.getpid()}", int(cpus * PERIOD)
    if (CGROUPS / "cgroup.controllers").exists():
        return {CGROUPS / name: {"memory.max": memory, "memory.swap.max": 0, "cpu.max": f"{quota} {PERIOD}"}}
    return {
        CGROUPS / "memory" / name: {"memory.limit_in_bytes": memory},
        CGROUPS / "cpu" / name: {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": quota},
    }
