"""PID 1 of the node: lay out its disk and network, start its services, and keep them running.

Run only by `node.Node.start`, in namespaces of its own: everything it mounts and configures is seen by the node alone.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tools.shell import run
from tools.wait import wait_for

NAME = "node0"
# The node weighs as much as this many processes of the host: as one it would starve on a busy machine.
WEIGHT = 32


def main() -> None:
    """Become the node; return never."""
    state, subnet = Path(sys.argv[1]), sys.argv[2]
    plan = json.loads((state / "plan.json").read_text())
    mount_disks(state)
    set_name(subnet)
    set_network(subnet)
    make_cgroups(plan["cgroup"])
    for path, text in plan["files"].items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    os.environ["PATH"] = ":".join([*plan["path"], os.environ["PATH"]])
    Path("/opt/cni/bin").mkdir(parents=True, exist_ok=True)
    for plugin in plan["cni_plugins"]:
        (Path("/opt/cni/bin") / Path(plugin).name).symlink_to(plugin)
    services = Services(plan["services"])
    services.start("containerd")
    wait_for("containerd answers", containerd_answers, timeout=60, remedy="read log/containerd.log")
    for step in plan["steps"]:
        print("running", " ".join(step), flush=True)
        run(step)
    services.keep()


def mount_disks(state: Path) -> None:
    """Give the node its own /etc, /var, /opt and /run; the host's stay as they are."""
    run(["mount", "--make-rprivate", "/"])
    for name in ("var", "opt"):
        (state / name).mkdir(exist_ok=True)
        run(["mount", "--bind", state / name, f"/{name}"])
    for name in ("etc", "etc-work"):
        (state / name).mkdir(exist_ok=True)
    layers = f"lowerdir=/etc,upperdir={state}/etc,workdir={state}/etc-work"
    run(["mount", "-t", "overlay", "etc", "-o", layers, "/etc"])
    run(["mount", "-t", "tmpfs", "run", "/run"])
    for path in ("/var/log", "/var/tmp", "/var/lib", "/var/run"):
        Path(path).mkdir(parents=True, exist_ok=True)
    run(
        ["mount", "--make-rshared", "/"]
    )  # mounts of pods are seen by the container runtime, in this namespace only


def set_name(subnet: str) -> None:
    """Name the node, and let names resolve without the host's resolver."""
    socket.sethostname(NAME)
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{subnet}.1 {NAME}\n")
    for path in (Path("/etc/hostname"), Path("/etc/resolv.conf")):
        path.unlink(missing_ok=True)  # may be a link to a file that only the host has
    Path("/etc/hostname").write_text(f"{NAME}\n")
    # The host's end refuses at once: outside names fail quickly instead of timing out.
    Path("/etc/resolv.conf").write_text(f"nameserver {subnet}.254\n")


def set_network(subnet: str) -> None:
    """Configure the node's end of the cable, which `Node.start` lays."""
    eth0 = Path("/proc/sys/net/ipv4/conf/eth0")
    wait_for(
        "the cable to the host is laid", eth0.exists, timeout=30, remedy="`make cluster` again", every=0.05
    )
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{subnet}.1/24", "dev", "eth0"])
    run(["ip", "link", "set", "eth0", "up"])
    run(["ip", "route", "add", "default", "via", f"{subnet}.254"])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def make_cgroups(name: str) -> None:
    """Make the node's cgroup in every hierarchy: the kubelet puts pods below it, PID 1 goes into a child."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        controllers = (top / "cgroup.controllers").read_text().split()
        (top / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in controllers))
        (top / name).mkdir(exist_ok=True)
        (top / name / "cpu.weight").write_text(str(100 * WEIGHT))
        enter_cgroup(top / name)
        return
    for hierarchy in top.iterdir():
        if hierarchy.is_dir() and not hierarchy.is_symlink() and hierarchy.name != "unified":
            (hierarchy / name).mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (hierarchy / setting).exists():
                    (hierarchy / name / setting).write_text((hierarchy / setting).read_text())
    (top / "cpu" / name / "cpu.shares").write_text(str(1024 * WEIGHT))
    enter_cgroup(top / "cpu" / name)


def enter_cgroup(group: Path) -> None:
    """Put this process, and so every service of the node, into a child of the node's cgroup."""
    (group / "node").mkdir(exist_ok=True)
    (group / "node" / "cgroup.procs").write_text(str(os.getpid()))


def containerd_answers() -> bool:
    """Tell whether containerd's socket is served."""
    return subprocess.run(["ctr", "version"], capture_output=True, check=False).returncode == 0


class Services:
    """Processes that are started again when they end, whatever ended them."""

    def __init__(self, commands: Mapping[str, list[str]]) -> None:
        self.commands = commands
        self.running: dict[int, str] = {}

    def start(self, name: str) -> None:
        """Start one service; what it prints goes to its own log file."""
        with open(f"/var/log/{name}.log", "ab") as log:
            process = subprocess.Popen(self.commands[name], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.running[process.pid] = name
        print(f"{name} is process {process.pid}", flush=True)

    def keep(self) -> None:
        """Start what is not running, reap what ended, for ever: PID 1 inherits every orphan of the node."""
        for name in self.commands.keys() - self.running.values():
            self.start(name)
        while True:
            pid, status = os.waitpid(-1, 0)
            if name := self.running.pop(pid, ""):
                print(f"{name} ended: {os.waitstatus_to_exitcode(status)}", flush=True)
                time.sleep(1)  # a service that cannot start must not take the whole processor
                self.start(name)


if __name__ == "__main__":
    main()
