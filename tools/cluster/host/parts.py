"""What the node is made of: its files, its services and its images, all decided before anything is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tools import build, cache
from tools.catalogue import families, find
from tools.cluster.host import archive
from tools.cluster.host.node import Node
from tools.shell import run

FILES = Path(__file__).parent / "files"
# Where each file of `files/` belongs on the node.
PLACES = {
    "containerd.toml": "/etc/containerd/config.toml",
    "network.conflist": "/etc/cni/net.d/10-node.conflist",
    "kubeadm.yaml": "/etc/kubernetes/kubeadm.yaml",
    "kube-proxy.yaml": "/etc/kubernetes/kube-proxy.yaml",
}
PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "kubelet", "kubeadm", "kube-proxy", "kubectl")
CNI_PLUGINS = ("ptp", "loopback", "host-local", "portmap")
STEPS = ("certs all", "kubeconfig all", "etcd local", "control-plane all", "kubelet-start")
CAP_SYS_RESOURCE = 1 << 24


@dataclass(frozen=True)
class Image:
    """An image that holds one program."""

    reference: str
    program: str
    path: str = "/usr/local/bin"  # where the pod's command expects it


def images() -> list[Image]:
    """Return the images of the control plane and the addons, named as kubeadm's manifests name them."""
    kubernetes = families()["kubernetes"].version
    return [
        *(
            Image(f"registry.k8s.io/{name}:v{kubernetes}", name)
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        Image(f"registry.k8s.io/etcd:{families()['etcd'].version}-0", "etcd"),
        Image(f"registry.k8s.io/coredns/coredns:v{families()['coredns'].version}", "coredns", "/"),
        Image(
            f"registry.k8s.io/metrics-server/metrics-server:v{families()['metrics-server'].version}",
            "metrics-server",
        ),
        Image(f"docker.io/library/traefik:v{families()['traefik'].version}", "traefik"),
    ]


def archives() -> list[Path]:
    """Return the images as archives, written once a build of their programs."""
    return [pause_archive(), *(program_archive(image) for image in images())]


def program_archive(image: Image) -> Path:
    """Return the archive of one program's image."""
    family, _ = find(image.program)
    target = cache.home() / "images" / f"{image.program}-{family.digest}.tar"
    with cache.locked(target):
        if not target.exists():
            program = build.program(image.program)
            inside = f"{image.path.rstrip('/')}/{image.program}"
            archive.write(target, image.reference, {inside: program}, [inside])
    return target


def pause_archive() -> Path:
    """Return the archive of the program that holds a pod's namespaces: one C file of Kubernetes."""
    family = families()["kubernetes"]
    target = cache.home() / "images" / f"pause-{family.digest}.tar"
    with cache.locked(target):
        if not target.exists():
            program = target.with_suffix("")
            source = build.source("kubernetes") / "build" / "pause" / "linux" / "pause.c"
            run(
                ["gcc", "-Os", "-static", "-DVERSION=node", "-o", program, source],
                remedy="install gcc and libc6-dev",
            )
            archive.write(target, "registry.k8s.io/pause:node", {"/pause": program}, ["/pause"])
    return target


def plan(node: Node, subnet: str) -> dict[str, object]:
    """Return everything that PID 1 of the node needs to know."""
    programs = {name: build.program(name) for name in PROGRAMS}
    values = {
        "subnet": subnet,
        "cgroup": node.cgroup,
        "kubernetes": families()["kubernetes"].version,
        "restrict_oom": str(not capable(CAP_SYS_RESOURCE)).lower(),
    }
    imports = [
        ["ctr", "--namespace", "k8s.io", "images", "import", "--local", str(path)] for path in archives()
    ]
    phases = [
        ["kubeadm", "init", "phase", *step.split(), "--config", PLACES["kubeadm.yaml"]] for step in STEPS
    ]
    return {
        "cgroup": node.cgroup,
        "path": sorted({str(path.parent) for path in programs.values()}),
        "files": {
            place: Template((FILES / name).read_text()).substitute(values) for name, place in PLACES.items()
        },
        "cni_plugins": [str(build.program(name)) for name in CNI_PLUGINS],
        "steps": [*imports, *phases],
        "services": services(),
    }


def services() -> Mapping[str, list[str]]:
    """Return the processes of the node that are no pods."""
    return {
        "containerd": ["containerd"],
        "kubelet": [
            "kubelet",
            "--config=/var/lib/kubelet/config.yaml",
            "--kubeconfig=/etc/kubernetes/kubelet.conf",
            "--hostname-override=node0",
        ],
        "kube-proxy": ["kube-proxy", f"--config={PLACES['kube-proxy.yaml']}"],
    }


def capable(capability: int) -> bool:
    """Tell whether this process has a capability; many sandboxes withhold some from root."""
    return holds(Path("/proc/self/status").read_text(), capability)


def holds(status: str, capability: int) -> bool:
    """Tell whether a process of that status has a capability in force."""
    held = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(held, 16) & capability)
