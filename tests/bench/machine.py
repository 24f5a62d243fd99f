"""What the figures were measured on: they mean nothing without it."""

import os
import platform
from pathlib import Path

from tests.bench.cases import Case, Server
from tests.bench.environments import versions
from tests.bench.measure import Cores


def cores() -> Cores:
    """Return one core for the servers and another for the load; None where the machine cannot give two."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1]) if len(usable) > 1 else Cores(None, None)


def description() -> str:
    """Return processor, cores, memory, system and Python in one line."""
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{processor()}, {os.cpu_count()} cores, {memory()}, {system}, Python {platform.python_version()}"


def processor() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def memory() -> str:
    """Return the size of main memory."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GiB"


def software(case: Case) -> str:
    """Return each server of the case with the versions that matter."""
    return "; ".join(named_versions(server) for server in case.servers)


def named_versions(server: Server) -> str:
    """Return a server's name and the versions of its packages."""
    installed = versions(server.environment, server.packages)
    return f"{server.name}: " + ", ".join(f"{package} {version}" for package, version in installed.items())
