"""Everything the host must have, looked at before anything of it is changed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import debian
from tools.cluster.host.node import free_subnets, routes
from tools.cluster.provider import engine_refusals
from tools.errors import ToolError

# What the node does first, tried in namespaces that end with the trial: it names the step that the kernel refuses.
TRIAL = """
set -e
say() { echo "$1"; exit 1; }
mount -t tmpfs trial /mnt || say "mounting a tmpfs"
mkdir -p /mnt/l /mnt/u /mnt/w /mnt/m
mount -t overlay trial -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m || say "the overlay file system"
ip link add trial0 type veth peer name trial1 || say "network devices of type veth"
ip link set lo up || say "network namespaces"
command -v iptables >/dev/null || exit 0
export XTABLES_LOCKFILE=/mnt/lock
iptables -t nat -A OUTPUT -p tcp -m comment --comment trial -j DNAT --to-destination 10.0.0.1 || say "iptables nat"
iptables -t nat -A POSTROUTING -m mark --mark 1 -j MASQUERADE || say "iptables mark and masquerade"
iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT || say "iptables conntrack"
iptables -A OUTPUT -m statistic --mode random --probability 0.5 -j ACCEPT || say "iptables statistic"
"""
NEEDED_BY_TRIAL = ("unshare", "mount", "ip")
CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = frozenset({"cpu", "memory", "pids", "cpuset"})
DISK = 8 << 30
MEMORY = 2 << 30


@dataclass(frozen=True)
class Lack:
    """One thing that is missing, and what to do."""

    what: str
    remedy: str


def require(state: Path) -> None:
    """Raise one error that names everything that is missing for a cluster whose files are in `state`."""
    if lacks := missing(state):
        raise ToolError(
            "this machine cannot be a cluster's host; nothing was changed\n"
            + "\n".join(f"  - {lack.what}" for lack in lacks),
            "\n          ".join(dict.fromkeys(lack.remedy for lack in lacks)),
        )


def missing(state: Path) -> list[Lack]:
    """Return what is missing; the kernel is tried as far as there are commands for it, and only as root on Linux."""
    unfit = list(system(sys.platform, os.geteuid()))
    able = not unfit and all(map(shutil.which, NEEDED_BY_TRIAL))
    return [
        *unfit,
        *commands(debian.CLUSTER, shutil.which),
        *cgroups(CGROUPS),
        *space(shutil.disk_usage(existing(state)).free, available_memory(Path("/proc/meminfo"))),
        *([*kernel(), *network(routes())] if able else ()),
    ]


def system(platform: str, user: int) -> Iterator[Lack]:
    """The host provider needs Linux and root."""
    other = "start a Docker engine and use CLUSTER=kind, or name your own cluster with CLUSTER=existing"
    if platform != "linux":
        yield Lack(f"the host provider needs Linux, this is {platform}", other)
    elif user != 0:
        yield Lack(
            f"the host provider needs root, and no Docker or Podman engine answers{engine_refusals()}",
            f"run it as root; or {other}",
        )


def commands(wanted: Mapping[str, str], find: Callable[[str], str | None]) -> Iterator[Lack]:
    """Every command comes with a Debian package; one apt line installs what is missing."""
    missing = debian.lacking(wanted, find)
    for name in missing:
        yield Lack(f"there is no {name}", debian.apt_line(missing))


def cgroups(top: Path) -> Iterator[Lack]:
    """Both versions of cgroups will do, if the kubelet's controllers are there and may be written."""
    if (top / "cgroup.controllers").exists():
        held = set((top / "cgroup.controllers").read_text().split())
    else:
        held = {path.name for path in top.iterdir()} if top.exists() else set()
    if missing := sorted(CONTROLLERS - held):
        yield Lack(
            f"{top} has no controller {', '.join(missing)}",
            "mount cgroups with them (kernel option cgroup_enable=…)",
        )
    elif not os.access(top, os.W_OK):
        yield Lack(f"{top} cannot be written", "run it outside of an unprivileged container")


def space(disk: int, memory: int) -> Iterator[Lack]:
    """A cluster with this project's images takes about 5 GB of disk and 1.5 GB of memory."""
    if disk < DISK:
        yield Lack(
            f"the clone's disk has {disk >> 20} MiB free, a cluster wants {DISK >> 20}",
            "free some space or clone to a larger disk",
        )
    if memory < MEMORY:
        yield Lack(
            f"{memory >> 20} MiB of memory are available, a cluster wants {MEMORY >> 20}",
            "close other programs",
        )


def kernel() -> Iterator[Lack]:
    """Try in throw-away namespaces what the node will do."""
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--mount-proc",
            "sh",
            "-c",
            TRIAL,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        said = done.stdout.strip() or "namespaces (net, mount, pid, uts, ipc)"
        yield Lack(
            f"the kernel or sandbox refuses {said}: {done.stderr.strip()[-300:]}",
            "load the module it names (modprobe overlay veth iptable_nat xt_conntrack), or run outside the sandbox",
        )


def network(routes: str) -> Iterator[Lack]:
    """One of the networks 10.250.0.0/24 to 10.250.255.0/24 must be free."""
    if next(free_subnets(routes), None) is None:
        yield Lack("every network in 10.250.0.0/16 is routed", "remove a route: `ip route show table all`")


def existing(path: Path) -> Path:
    """Return the nearest folder that exists."""
    return next(parent for parent in (path, *path.parents) if parent.exists())


def available_memory(meminfo: Path) -> int:
    """Return the bytes of memory that new programs may take."""
    fields = dict(line.split(":") for line in meminfo.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) << 10
