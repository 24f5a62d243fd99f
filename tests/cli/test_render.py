"""`kserve-lite render`: children, settings, runtimes, notices, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.cli import main
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.installed import manifest

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris}
spec: {predictor: {minReplicas: 0, sklearn: {storageUri: "pvc://models/iris"}}}
"""


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["render", *arguments, "--output", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "isvc.yaml"
    path.write_text(SERVICE)
    return str(path)


def test_children_are_printed_and_what_has_no_effect_is_said(
    capsys: pytest.CaptureFixture[str], file: str
) -> None:
    assert main(["render", file]) == 0

    said = capsys.readouterr()
    assert said.out.count("\nkind: ") == 3
    assert "spec.predictor.minReplicas" in said.err
    assert "[scale_to_zero]" in said.err


def test_settings_runtimes_and_the_namespace_count(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    runtime = manifest(BUILT_IN[0])
    runtime["spec"]["containers"][0] |= {"image": "mirror/sklearnserver:9"}
    (tmp_path / "runtime.json").write_text(json.dumps(runtime))
    (tmp_path / "config.yaml").write_text("network: {mode: ingress, domain: models.example.org}\n")

    children = rendered(
        capsys, file, "--runtimes", str(tmp_path / "runtime.json"), "--config", str(tmp_path / "config.yaml"),
        "--namespace", "flowers",
    )  # fmt: skip

    by_kind = {one["kind"]: one for one in children}
    image = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
    hosts = [rule["host"] for one in children if one["kind"] == "Ingress" for rule in one["spec"]["rules"]]
    assert image == "mirror/sklearnserver:9"
    assert "iris-flowers.models.example.org" in hosts
    assert {one["metadata"]["namespace"] for one in children} == {"flowers"}


AROUND = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: readers, namespace: flowers, annotations: {serving.kserve.io/s3-region: eu-central-1}}
secrets: [{name: keys}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: readers, namespace: elsewhere}
secrets: [{name: theirs}]
---
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterStorageContainer
metadata: {name: vault}
spec:
  container: {name: storage-initializer, image: "me/fetch:1"}
  supportedUriFormats: [{prefix: "vault://"}]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris}
spec: {predictor: {serviceAccountName: readers, sklearn: {storageUri: "URI"}}}
"""


def initializer(children: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the init container of the one Deployment."""
    (deployment,) = [one for one in children if one["kind"] == "Deployment"]
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["initContainers"][0]
    return found


def test_the_service_account_of_the_files_opens_the_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(AROUND.replace("URI", "s3://models/iris"))

    found = initializer(rendered(capsys, str(tmp_path / "all.yaml"), "--namespace", "flowers"))

    assert {one["name"] for one in found["volumeMounts"]} >= {"storage-secret-keys"}
    assert "theirs" not in json.dumps(found)
    assert {"name": "AWS_DEFAULT_REGION", "value": "eu-central-1"} in found["env"]


def test_a_storage_container_of_the_files_fetches_what_it_claims(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(AROUND.replace("URI", "vault://iris"))

    found = initializer(rendered(capsys, str(tmp_path / "all.yaml"), "--namespace", "flowers"))

    assert found["image"] == "me/fetch:1"
    assert found["args"] == ["vault://iris", "/mnt/models"]


def test_a_service_account_that_the_api_server_would_refuse_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = AROUND.replace("secrets: [{name: keys}]", "secrets: [keys]").replace("URI", "s3://models/iris")
    (tmp_path / "all.yaml").write_text(text)

    assert main(["render", str(tmp_path / "all.yaml")]) == 1

    assert "secrets" in capsys.readouterr().err


def test_the_resolved_service_says_why_other_runtimes_were_passed_over(
    capsys: pytest.CaptureFixture[str], file: str
) -> None:
    (resolved,) = rendered(capsys, file, "--resolved")

    assert resolved["predictor"]["runtime"] == "kserve-sklearnserver"
    assert "kserve-xgbserver" in resolved["predictor"]["passedOver"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(SERVICE.replace("pvc://models/iris", "./model"), "storage_scheme_missing", id="a path"),
        pytest.param(SERVICE.replace("sklearn:", "sklearm:"), "unknown_field", id="a typo"),
        pytest.param(
            "{apiVersion: v1, kind: Secret, metadata: {name: s}}", "nothing_to_render", id="nothing"
        ),
    ],
)
def test_what_cannot_be_rendered_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, code: str
) -> None:
    path = tmp_path / "isvc.yaml"
    path.write_text(text)

    assert main(["render", str(path)]) == 1
    assert f"[{code}]" in capsys.readouterr().err


def test_a_setting_that_does_not_exist_is_named_with_its_line(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("network:\n  mod: ingress\n")

    assert main(["render", file, "--config", str(tmp_path / "config.yaml")]) == 1
    assert "config.yaml:2" in capsys.readouterr().err


GRAPH = """\
---
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: chain}
spec: {nodes: {root: {routerType: Sequence, steps: [{serviceName: iris}]}}}
"""
MANY = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: many}
spec: {predictor: {model: {modelFormat: {name: sklearn}}}}
---
apiVersion: serving.kserve.io/v1alpha1
kind: TrainedModel
metadata: {name: rose}
spec: {inferenceService: many, model: {storageUri: "s3://b/rose", framework: sklearn, memory: 1Mi}}
"""


def test_a_graph_is_rendered_with_the_services_beside_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(SERVICE + GRAPH)

    children = rendered(capsys, str(tmp_path / "all.yaml"))
    (config_map,) = (one for one in children if one["kind"] == "ConfigMap")
    assert "http://iris.default.svc.cluster.local" in config_map["data"]["graph.json"]
    assert [one["metadata"]["name"] for one in children if one["kind"] == "Deployment"] == [
        "iris-predictor",
        "chain",
    ]

    _, resolved = rendered(capsys, str(tmp_path / "all.yaml"), "--resolved")
    assert (resolved["name"], resolved["url"]) == ("chain", "http://chain.default.svc.cluster.local")


def test_a_graph_without_its_services_names_the_one_that_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "graph.yaml").write_text(GRAPH)

    assert main(["render", str(tmp_path / "graph.yaml")]) == 1
    said = capsys.readouterr().err
    assert "[service_not_found]" in said
    assert "graph.yaml:5" in said


def test_the_models_of_a_server_are_rendered_as_its_list(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "many.yaml").write_text(MANY)

    config_map = rendered(capsys, str(tmp_path / "many.yaml"))[0]
    assert (config_map["kind"], config_map["metadata"]["name"]) == ("ConfigMap", "modelconfig-many-0")
    assert '"rose"' in config_map["data"]["models.json"]
