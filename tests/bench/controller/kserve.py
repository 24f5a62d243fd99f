"""KServe's manager as the peer: built from its Go module, in Standard mode without a gateway, over our CRDs.

Its webhooks are not registered: they would only make it slower.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from kserve_lite.controller.runtime.kube import Kind, Kube
from tests.bench.controller.process import Process, answers, wait
from tests.certificates import self_signed
from tools.apiserver import free_port
from tools.build import program

CHILDREN = 2
"""A Deployment and a Service; ours makes a second Service, which has the address of the seed's curl."""
NAMESPACE = "kserve"
SIDECAR = {
    "image": "none",
    "memoryRequest": "100Mi",
    "memoryLimit": "1Gi",
    "cpuRequest": "100m",
    "cpuLimit": "1",
}
CONFIG: dict[str, Any] = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    "ingress": {"disableIngressCreation": True, "ingressDomain": "example.com", "urlScheme": "http",
                "ingressGateway": "none/none", "domainTemplate": "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}"},
    **dict.fromkeys(("storageInitializer", "logger", "batcher", "agent", "router"), SIDECAR),
    **{name: {} for name in ("credentials", "explainers", "security", "metricsAggregator", "service")},
    "localModel": {"enabled": False},
}  # fmt: skip


async def install(kube: Kube) -> None:
    """Create what its manager reads at its start."""
    spaces = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await kube.apply(spaces, space, "bench", force=True)
    meta = {"name": "inferenceservice-config", "namespace": NAMESPACE}
    data = {name: json.dumps(value) for name, value in CONFIG.items()}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    await kube.apply(Kind("", "v1", "ConfigMap", "configmaps"), settings, "bench", force=True)


class Manager(Process):
    """A process of it on loopback; its files are in `folder`."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.kubeconfig = kubeconfig
        self.folder = folder

    def start(self) -> Manager:
        """Start it and return at once; `ready` waits."""
        certificates = self.folder / "k8s-webhook-server" / "serving-certs"
        certificates.mkdir(parents=True)
        self_signed(certificates, "tls", subject="localhost")
        self.port, metrics, webhook = free_port(), free_port(), free_port()
        command = [str(program("kserve-manager")), f"--metrics-addr=127.0.0.1:{metrics}", f"--webhook-port={webhook}",
                   f"--health-probe-addr=127.0.0.1:{self.port}"]  # fmt: skip
        own = {"KUBECONFIG": str(self.kubeconfig), "POD_NAMESPACE": NAMESPACE, "TMPDIR": str(self.folder)}
        self.log = self.folder / "manager.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **own}
            )
        return self

    def ready(self) -> None:
        """Wait until it works."""
        wait(lambda: answers(self, f"http://127.0.0.1:{self.port}/readyz") is not None, 120)
