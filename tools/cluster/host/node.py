"""The node: a process that is PID 1 of its own PID, mount, network, IPC and host name namespaces.

Containers, mounts, routes and packet filter rules of the cluster exist only in these namespaces, so that they go when
PID 1 goes. What the kernel keeps outside of them, the cgroups and the files, lies under names of the node's own.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.cache import CLONE
from tools.cluster.provider import STATE, identity
from tools.errors import ToolError
from tools.shell import run
from tools.wait import wait_for

INIT = "tools.cluster.host.init"
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Node:
    """The node of one clone; another clone's node has other names and another network."""

    state: Path = STATE / "host"

    @property
    def id(self) -> str:
        """Return what tells this clone's node from another's."""
        return identity(self.state)

    @property
    def link(self) -> str:
        """Return the name of the host's end of the cable to the node."""
        return f"ksl-{self.id}"

    @property
    def cgroup(self) -> str:
        """Return the cgroup under which all pods are."""
        return f"kserve-lite-{self.id}"

    def pid(self) -> int | None:
        """Return PID 1 of the node as the host sees it: the kernel's table is the only record that cannot be stale."""
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and self._is_init(process):
                return int(process.name)
        return None

    def _is_init(self, process: Path) -> bool:
        with suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            if INIT in words and str(self.state) in words:
                ids = next(
                    line for line in (process / "status").read_text().splitlines() if line[:6] == "NSpid:"
                )
                return ids.split()[-1] == "1"
        return False

    def start(self, subnet: str) -> None:
        """Start PID 1 in new namespaces and lay the cable: `subnet` is the first three numbers of a /24."""
        (self.state / "log").mkdir(parents=True, exist_ok=True)
        command = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc"]
        with open(self.state / "log" / "node.log", "ab") as log:
            subprocess.Popen(
                [*command, sys.executable, "-m", INIT, str(self.state), subnet],
                cwd=CLONE,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        remedy = f"read {self.state}/log/node.log"
        wait_for("the node's first process starts", lambda: self.pid() is not None, timeout=20, remedy=remedy)
        run(
            ["ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.pid())]
        )
        run(["ip", "address", "add", f"{subnet}.254/24", "dev", self.link])
        run(["ip", "link", "set", self.link, "up"])

    def stop(self) -> None:
        """End the node with everything in it, and remove its cgroups and files."""
        if (pid := self.pid()) is not None:
            for guest in guests(pid):
                with suppress(ProcessLookupError):
                    os.kill(guest, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)
        remedy = "`make cluster-status` shows what is left"
        wait_for("the node's processes end", lambda: self.pid() is None, timeout=30, remedy=remedy)
        if self._has_link():  # the kernel frees a network namespace some time after its last process
            with suppress(ToolError):
                run(["ip", "link", "delete", self.link])
        wait_for("the node's cgroups are empty", self._remove_cgroups, timeout=30, remedy=remedy)
        shutil.rmtree(self.state, ignore_errors=True)
        if self.state.exists():
            raise ToolError(
                f"{self.state} cannot be removed", "look for mounts below it in /proc/self/mounts"
            )

    def _has_link(self) -> bool:
        return Path(f"/sys/class/net/{self.link}").exists()

    def _remove_cgroups(self) -> bool:
        for path in self._cgroups():
            for folder, _, _ in os.walk(path, topdown=False):
                with suppress(OSError):  # busy until the kernel has reaped the last process; tried again
                    Path(folder).rmdir()
        return not self._cgroups()

    def _cgroups(self) -> list[Path]:
        hierarchies = [
            CGROUPS,
            *(path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()),
        ]
        return [path for hierarchy in hierarchies if (path := hierarchy / self.cgroup).exists()]

    def traces(self) -> list[str]:
        """Return everything of the node that exists on the host now, a line each."""
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        return [
            *([f"process {self.pid()}"] if self.pid() else []),
            *([f"network link {self.link}"] if self._has_link() else []),
            *(f"cgroup {path}" for path in self._cgroups()),
            *(f"mount {line.split()[1]}" for line in mounts if f" {self.state}" in line),
            *([f"files {self.state}"] if self.state.exists() else []),
        ]

    def inside(self, command: Sequence[str | Path], *, files: bool = True) -> list[str]:
        """Return the command that runs `command` in the node's network and, with `files`, its view of the disk."""
        pid = self.pid()
        if pid is None:
            raise ToolError("the cluster's node is not running", "`make cluster`")
        views = ["--net", "--mount", "--pid", "--uts", "--ipc"] if files else ["--net"]
        return ["nsenter", "--target", str(pid), *views, "--", *(str(part) for part in command)]


def guests(init: int) -> list[int]:
    """Return the processes of the host that have entered the node's network: they outlive PID 1 and keep it alive."""

    def space(pid: int | str, kind: str) -> str:
        """Return the name of the kernel namespace that a process is in."""
        with suppress(OSError):
            return os.readlink(f"/proc/{pid}/ns/{kind}")
        return ""

    ids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    network, own = space(init, "net"), space(init, "pid")
    return [pid for pid in ids if space(pid, "net") == network and space(pid, "pid") not in ("", own)]


def routes() -> str:
    """Return the routes of this host."""
    return run(["ip", "-4", "route", "show", "table", "all"])


def free_subnets(routes: str) -> Iterator[str]:
    """Yield the first three numbers of /24 networks that no route mentions."""
    return (f"10.250.{third}" for third in range(256) if f"10.250.{third}." not in routes)
