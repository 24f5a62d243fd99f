"""What every cluster of this project has beyond Kubernetes: metrics for autoscaling, and a gateway."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from tools import build
from tools.catalogue import families
from tools.cluster.kubectl import Kubectl, ready
from tools.errors import ToolError
from tools.wait import wait_for

MANIFESTS = Path(__file__).parent / "manifests"
PROGRAMS = ("metrics-server", "traefik")  # whose images the cluster must have
NAMESPACES = ("kube-system", "gateway")


def apply(kubectl: Kubectl) -> None:
    """Apply the addons and wait until they serve."""
    kubectl.apply(build.crds("gateway-api"))
    for path in sorted(MANIFESTS.iterdir()):
        versions = {name.replace("-", "_"): family.version for name, family in families().items()}
        kubectl.apply(Template(path.read_text()).substitute(versions))
    wait(kubectl, timeout=180)


def wait(kubectl: Kubectl, timeout: float) -> None:
    """Wait until every pod of the system is Ready, the metrics API answers and the gateway listens."""
    remedy = "`make cluster-status`, then `kubectl describe pod` with KUBECONFIG=.cache/cluster/kubeconfig"
    wait_for(
        "system pods are Ready",
        lambda: all_ready(kubectl, NAMESPACES),
        timeout=timeout,
        remedy=remedy,
        every=1,
    )
    wait_for("the metrics API answers", lambda: measures(kubectl), timeout=timeout, remedy=remedy, every=1)
    wait_for("the gateway listens", lambda: listens(kubectl), timeout=timeout, remedy=remedy, every=1)


def all_ready(kubectl: Kubectl, namespaces: Sequence[str]) -> bool:
    """Tell whether each namespace has pods and all of them are Ready."""
    return not any(kubectl.unready_pods(namespace) for namespace in namespaces)


def measures(kubectl: Kubectl) -> bool:
    """Tell whether the metrics API answers."""
    try:
        kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes")
    except ToolError:
        return False
    return True


def listens(kubectl: Kubectl) -> bool:
    """Tell whether the gateway's controller has taken it up."""
    return ready(kubectl.get("gateway", "traefik", "--namespace=gateway"), "Programmed")
