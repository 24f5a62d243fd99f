"""A real API server, with the real CRDs of Gateway API, Istio and KEDA, takes every recorded child as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from kserve_lite.resolve.pin import PIN
from tests.render.golden import cases
from tools import build

Kubectl = Callable[..., str]
NAMESPACES = ("default", "flowers")


@pytest.fixture(scope="module")
def crds() -> str:
    """The CRDs of the kinds that are not Kubernetes' own."""
    return "\n---\n".join(build.crds(name) for name in ("gateway-api", "istio-api", "keda"))


@pytest.fixture
def ready(kubectl: Kubectl, crds: str) -> Kubectl:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=crds)
    for kind in (
        "httproutes.gateway.networking.k8s.io",
        "virtualservices.networking.istio.io",
        "scaledobjects.keda.sh",
    ):
        kubectl("wait", "--for=condition=Established", f"crd/{kind}", "--timeout=60s")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flowers"}}
    kubectl("apply", "-f", "-", stdin=json.dumps(namespace))
    return kubectl


def recorded(case: Path) -> list[dict[str, object]]:
    """Return the children that a golden file holds."""
    found = [one for one in YAML(typ="safe").load_all((case / "children.yaml").read_text()) if one]
    for one in found:
        (one["metadata"].get("annotations") or {}).pop(PIN, None)
    return found


def test_the_api_server_knows_every_field_of_every_recorded_child(ready: Kubectl) -> None:
    # Names repeat between cases, and one dry run at a time would take minutes: each gets the name of its case.
    objects = []
    for number, case in enumerate(cases()):
        for one in recorded(case):
            metadata = one["metadata"]
            assert isinstance(metadata, dict)
            objects.append({**one, "metadata": {**metadata, "name": f"c{number}-{metadata['name']}"}})

    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    said = ready("create", "--dry-run=server", "--validate=strict", "-f", "-", "-o", "name", stdin=listed)

    kinds = {line.partition("/")[0] for line in said.splitlines()}
    assert len(said.splitlines()) == len(objects)
    assert {
        "httproute.gateway.networking.k8s.io",
        "virtualservice.networking.istio.io",
        "scaledobject.keda.sh",
        "ingress.networking.k8s.io",
    } <= kinds
