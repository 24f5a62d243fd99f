"""What Argo CD says of our objects' health: its own rules for InferenceServices, ours for the other kinds."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.conftest import CLONE
from tools.build import program

SNIPPET = CLONE / "examples" / "gitops" / "argocd" / "argocd-cm.yaml"


def health(tmp_path: Path, obj: dict[str, Any]) -> tuple[str, str]:
    """Return status and message as Argo CD finds them, with the snippet of our guide."""
    file = tmp_path / "object.yaml"
    file.write_text(yaml.safe_dump(obj))
    done = subprocess.run(
        [
            program("argocd"),
            "admin",
            "settings",
            "resource-overrides",
            "health",
            file,
            "--argocd-cm-path",
            SNIPPET,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ARGOCD_BINARY_NAME": "argocd", "HOME": str(tmp_path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = re.search(r"STATUS: (\w+)\nMESSAGE: ?(.*)", done.stdout)
    assert said is not None, done.stdout
    return said[1], said[2].strip()


def ready(kind: str, status: str, seen: int = 1, version: str = "v1alpha1", **more: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "reason": "Cause", "message": "what stands in the way"}
    return {
        "apiVersion": f"serving.kserve.io/{version}",
        "kind": kind,
        "metadata": {"name": "one", "generation": 1},
        "status": {"observedGeneration": seen, "conditions": [condition], **more},
    }


@pytest.mark.parametrize("kind", ["InferenceGraph", "TrainedModel"])
@pytest.mark.parametrize(
    ("status", "seen", "expected"),
    [
        pytest.param("True", 1, ("Healthy", ""), id="ready"),
        pytest.param("False", 1, ("Degraded", "what stands in the way"), id="failed"),
        pytest.param("Unknown", 1, ("Progressing", "what stands in the way"), id="on its way"),
        pytest.param(
            "True",
            0,
            ("Progressing", "the controller has not looked at its last change yet"),
            id="of an older spec",
        ),
    ],
)
def test_readiness_is_health(
    tmp_path: Path, kind: str, status: str, seen: int, expected: tuple[str, str]
) -> None:
    assert health(tmp_path, ready(kind, status, seen)) == expected


@pytest.mark.parametrize("kind", ["InferenceGraph", "TrainedModel"])
def test_what_nobody_has_looked_at_is_on_its_way(tmp_path: Path, kind: str) -> None:
    bare = {key: value for key, value in ready(kind, "True").items() if key != "status"}
    assert health(tmp_path, bare) == ("Progressing", "the controller has not looked at it yet")


@pytest.mark.parametrize("kind", ["ServingRuntime", "ClusterServingRuntime"])
@pytest.mark.parametrize(("disabled", "expected"), [(False, "Healthy"), (True, "Suspended")])
def test_a_runtime_is_healthy_unless_disabled(
    tmp_path: Path, kind: str, disabled: bool, expected: str
) -> None:
    obj = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": kind, "metadata": {"name": "one"}}
    assert health(tmp_path, {**obj, "spec": {"disabled": disabled}})[0] == expected


@pytest.mark.parametrize(
    ("status", "transition", "expected"),
    [
        pytest.param("True", "UpToDate", "Healthy", id="answers"),
        pytest.param("Unknown", "InProgress", "Progressing", id="on its way"),
        pytest.param("False", "BlockedByFailedLoad", "Degraded", id="does not load"),
        pytest.param("False", "InvalidSpec", "Degraded", id="is refused"),
    ],
)
def test_argos_own_rules_read_our_status_of_a_service(
    tmp_path: Path, status: str, transition: str, expected: str
) -> None:
    service = ready(
        "InferenceService", status, version="v1beta1", modelStatus={"transitionStatus": transition}
    )
    assert health(tmp_path, service)[0] == expected
