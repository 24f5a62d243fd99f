"""A real cluster with nothing of ours in it, and either Helm."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import client, cluster, kubectl, namespace, neighbours, wait_for
from tests.e2e.release import Helm
from tools.cluster import provider
from tools.cluster.kubectl import Kubectl
from tools.errors import ToolError

__all__ = ["client", "cluster", "kubectl", "namespace", "neighbours", "wait_for"]

NAME, PLACE = "kserve-lite", "kserve-lite"
GROUP = "serving.kserve.io"


@dataclass(frozen=True)
class Session:
    """One Helm, one cluster, and what a person asks them."""

    helm: Helm
    kubectl: Kubectl

    def said(self, *arguments: object) -> str:
        """Run a Helm command that must fail; return its words."""
        with pytest.raises(ToolError) as caught:
            self.helm(*map(str, arguments))
        return caught.value.message

    def services(self) -> dict[str, Any]:
        """Return the InferenceServices of the release's namespace by name."""
        found = self.kubectl.get("inferenceservices", f"--namespace={PLACE}")["items"]
        return {one["metadata"]["name"]: one for one in found}

    def model_pods(self) -> dict[str, int]:
        """Return the pods of models by uid, each with the restarts of its containers."""
        label = "--selector=serving.kserve.io/inferenceservice"
        pods = self.kubectl.get("pods", f"--namespace={PLACE}", label)["items"]
        return {
            pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"])
            for pod in pods
        }

    def crd_versions(self) -> set[str]:
        """Return the versions that the CRDs of our group say they are of."""
        found = self.kubectl.get("customresourcedefinitions")["items"]
        ours = [one["metadata"] for one in found if one["spec"]["group"] == GROUP]
        return {one.get("annotations", {}).get("kserve-lite.io/crd-version", "") for one in ours}


@pytest.fixture(params=["helm3", "helm"])
def session(request: pytest.FixtureRequest, kubectl: Kubectl) -> Iterator[Session]:
    """Return a cluster that never had kserve-lite; it is left like that."""
    session = Session(Helm(provider.KUBECONFIG, request.param), kubectl)
    empty(session)
    yield session
    empty(session)


def empty(session: Session) -> None:
    """Remove releases, what they leave by design, and what a failed one left."""
    for release in json.loads(session.helm("list", "--all-namespaces", "--output=json")):
        session.helm("uninstall", release["name"], "--namespace", release["namespace"], "--wait")
    kubectl = session.kubectl
    for name in (PLACE, "other"):
        kubectl("delete", "namespace", name, "--ignore-not-found", timeout=180)
    names = kubectl("get", "customresourcedefinitions", "--output=name").split()
    if ours := [name for name in names if name.endswith(f".{GROUP}")]:
        kubectl("delete", *ours, timeout=120)
    for kind in ("clusterroles", "clusterrolebindings"):
        kubectl("delete", kind, "--selector=app.kubernetes.io/name=kserve-lite", "--ignore-not-found")
