"""The chart in the cluster, installed as its users install it."""

from pathlib import Path

from tools import build
from tools.cache import CLONE
from tools.cluster.kubectl import Kubectl
from tools.errors import ToolError
from tools.shell import run

CHART = CLONE / "charts" / "kserve-lite"
NAMESPACE = "kserve-lite"
# Values with which a service gets a route by the cluster's gateway.
BY_HTTP_ROUTE = "{config: {network: {mode: gateway, gateway: {name: traefik, namespace: gateway}}}}"
BY_INGRESS = "{config: {network: {mode: ingress, ingressClassName: traefik}}}"


class Helm:
    """Helm bound to one kubeconfig; `program` is helm, or helm3."""

    def __init__(self, kubeconfig: Path, program: str = "helm") -> None:
        self.program = program
        self.environment = {
            "KUBECONFIG": str(kubeconfig),
            "HELM_CACHE_HOME": str(kubeconfig.parent / "helm"),
            "HOME": str(kubeconfig.parent),
        }

    def __call__(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 300) -> str:
        """Run helm; return what it printed, raise `ToolError` when it fails."""
        return run(
            [build.program(self.program), *arguments], stdin=stdin, env=self.environment, timeout=timeout
        )


class Release:
    """One release of the chart; `values` is YAML, as in a values file."""

    DEFAULTS = "{}"

    def __init__(
        self, helm: Helm, kubectl: Kubectl, name: str = "kserve-lite", namespace: str = NAMESPACE
    ) -> None:
        self.helm, self.kubectl, self.name, self.namespace = helm, kubectl, name, namespace
        self.values: str | None = None  # those that it runs with, as far as is known

    def have(self, values: str = DEFAULTS) -> None:
        """Change the release that runs to these values, unless it has them.

        The chart stays the same, so there is nothing to do for the hook that brings the CRDs along.
        """
        if values != self.values:
            self.upgrade(values, "--no-hooks")

    def upgrade(self, values: str = DEFAULTS, *options: str, chart: Path = CHART) -> None:
        """Install or upgrade the release to these values and no others; wait until its controller serves."""
        self.values = None
        place = ["--namespace", self.namespace, "--create-namespace", "--wait", "--timeout", "180s"]
        try:
            # Without the last option, Helm takes no values to mean those of the release before.
            command = ["upgrade", "--install", self.name, chart, *place, "--values=-", "--reset-values"]
            self.helm(*command, *options, stdin=values)
        except ToolError as error:
            raise ToolError(f"{error.message}\n{self.describe()}", error.remedy) from error
        self.values = values

    def uninstall(self) -> None:
        """Remove the release and its namespace."""
        self.helm("uninstall", self.name, "--namespace", self.namespace, "--wait", "--ignore-not-found")
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", timeout=120)

    def leader(self) -> str:
        """Return the pod that leads; empty while none does."""
        lease = self.kubectl.get("lease", self.name, f"--namespace={self.namespace}")
        return str(lease["spec"].get("holderIdentity") or "").rpartition("_")[0]

    def kill(self, pod: str) -> None:
        """Take a pod of the controller away without a word, as a node that dies does."""
        self.kubectl("delete", "pod", pod, f"--namespace={self.namespace}", "--grace-period=0", "--force")

    def metrics(self, pod: str) -> str:
        """Return the metrics of one pod of the controller."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8080/proxy/metrics"
        return self.kubectl("get", "--raw", path)

    def log(self, lines: int = 100) -> str:
        """Return the end of what the controller has said."""
        label = f"--selector=app.kubernetes.io/instance={self.name}"
        return self.kubectl("logs", f"--namespace={self.namespace}", label, f"--tail={lines}", "--prefix")

    def describe(self) -> str:
        """Return what explains why the controller does not serve."""
        said = []
        for command in (["get", "all"], ["get", "events"], ["describe", "pods"]):
            said.append(self.kubectl(*command, f"--namespace={self.namespace}"))
        try:
            said.append(self.log())
        except ToolError as error:
            said.append(str(error))
        return "\n".join(said)
