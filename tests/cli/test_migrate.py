"""What KServe's objects need before they are taken over."""

import json
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.cli import main


def service(predictor: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "iris", "namespace": "flowers", "uid": "1", "managedFields": [], **metadata},
        "spec": {"predictor": predictor},
    }


MODEL = {
    "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://b/m", "runtime": "kserve-sklearnserver"}
}
LIVE = {"deploymentMode": "RawDeployment", "url": "http://iris-flowers.example.com", "observedGeneration": 1}


def migrated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, code: int, *objects: dict[str, Any]
) -> list[Any]:
    file = tmp_path / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    assert main(["migrate", str(file), "--output", "json"]) == code
    found: list[Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_live_service_of_kserves_is_taken_over_and_told_what_will_be_different(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (one,) = migrated(capsys, tmp_path, 0, {**service(MODEL), "status": LIVE})

    assert one["needed"] == []
    assert any("pods are replaced once" in text for text in one["different"])
    assert any("no HorizontalPodAutoscaler" in text for text in one["different"])
    assert any("before at http://iris-flowers.example.com" in text for text in one["different"])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param(service(MODEL, finalizers=["inferenceservice.finalizers"]), "finalizer", id="finalizer"),
        pytest.param(service({**MODEL, "logger": {"mode": "all"}}), "logger_unsupported", id="logger"),
        pytest.param(service({**MODEL, "canaryTrafficPercent": 10}), "canary_unsupported", id="canary"),
        pytest.param(
            service(MODEL, annotations={"serving.kserve.io/deploymentMode": "Serverless"}),
            "deployment_mode",
            id="Knative",
        ),
        pytest.param(
            service({"model": {"modelFormat": {"name": "vLLM"}, "storageUri": "gs://b/m"}}),
            "runtime_not_found",
            id="no runtime",
        ),
    ],
)
def test_what_stands_against_a_service_is_named_with_its_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, changed: dict[str, Any], code: str
) -> None:
    (one,) = migrated(capsys, tmp_path, 1, changed)

    assert [problem["code"] for problem in one["needed"]] == [code]
    assert all(problem["remedy"] for problem in one["needed"])


def test_objects_of_others_are_left_out_and_the_sum_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        json.dumps(service(MODEL))
        + '\n---\n{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}'
    )

    assert main(["migrate", str(file)]) == 0
    assert "1 objects: 1 can be taken over, 0 must be changed first" in capsys.readouterr().out


def test_a_cluster_that_cannot_be_reached_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))

    assert main(["migrate", "--kubeconfig", str(file)]) == 1
    assert "cluster_unreachable" in capsys.readouterr().err
