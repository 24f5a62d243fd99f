"""What an InferenceService comes to."""

import copy
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load, read_text
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.service import resolve

HEAD = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "iris"}}


def service(predictor: dict[str, Any], **spec: Any) -> InferenceService:
    loaded = load({**HEAD, "spec": {"predictor": predictor, **spec}})
    assert isinstance(loaded, InferenceService)
    return loaded


def resolved(predictor: dict[str, Any], **spec: Any) -> Effective:
    effective = resolve(service(predictor, **spec))
    assert isinstance(effective, Effective), effective
    return effective


def refused(predictor: dict[str, Any], **spec: Any) -> dict[str, str]:
    problems = resolve(service(predictor, **spec))
    assert isinstance(problems, list)
    assert all(problem.remedy for problem in problems)
    return {problem.code: f"{problem.path}: {problem.message}" for problem in problems}


def test_a_legacy_key_comes_to_the_same_as_model() -> None:
    uri = "gs://my-bucket/my-sklearn-model"

    legacy = resolved({"sklearn": {"storageUri": uri}})
    model = resolved({"model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri}})

    assert legacy.predictor.container == model.predictor.container
    assert (legacy.hosts, legacy.url) == (model.hosts, model.url)
    assert legacy.predictor.storage[0].path == "spec.predictor.sklearn.storageUri"
    assert model.predictor.storage[0].path == "spec.predictor.model.storageUri"


def test_the_container_has_the_runtimes_arguments_with_the_names_filled_in_then_the_users() -> None:
    effective = resolved({"sklearn": {"storageUri": "gs://b/m", "args": ["--workers=2"]}})

    assert effective.predictor.container["args"] == [
        "--model_name=iris",
        "--model_dir=/mnt/models",
        "--http_port=8080",
        "--workers=2",
    ]
    assert {"name": "INFERENCE_SERVICE_NAME", "value": "iris"} in effective.predictor.container["env"]


def test_a_model_name_among_the_arguments_is_the_name_that_the_probe_asks_for() -> None:
    effective = resolved({"sklearn": {"storageUri": "gs://b/m", "args": ["--model_name", "flowers"]}})

    assert (effective.predictor.model, effective.predictor.probe) == ("flowers", "/v1/models/flowers")


def test_v2_is_asked_for_readiness_in_v2() -> None:
    effective = resolved({"sklearn": {"storageUri": "gs://b/m", "protocolVersion": "v2"}})

    assert effective.predictor.probe == "/v2/models/iris/ready"


def test_a_limit_of_the_users_gets_no_default_request_that_could_be_above_it() -> None:
    effective = resolved({"sklearn": {"storageUri": "gs://b/m", "resources": {"limits": {"memory": "4Gi"}}}})

    assert effective.predictor.container["resources"] == {
        "requests": {"cpu": "100m"},
        "limits": {"memory": "4Gi"},
    }


def test_runtime_version_is_the_tag_of_the_image() -> None:
    effective = resolved({"xgboost": {"storageUri": "gs://b/m", "runtimeVersion": "v0.19.0"}})

    assert effective.predictor.container["image"] == "docker.io/kserve/xgbserver:v0.19.0"


def test_mlserver_gets_the_class_of_the_models_format() -> None:
    effective = resolved(
        {"model": {"modelFormat": {"name": "lightgbm"}, "storageUri": "gs://b/m", "protocolVersion": "v2"}}
    )

    assert {
        "name": "MLSERVER_MODEL_IMPLEMENTATION",
        "value": "mlserver_lightgbm.LightGBMModel",
    } in effective.predictor.container["env"]
    assert {"name": "MLSERVER_MODEL_NAME", "value": "iris"} in effective.predictor.container["env"]


def test_names_and_hosts_are_those_of_kserves_standard_mode_and_the_services_own() -> None:
    effective = resolved({"sklearn": {"storageUri": "gs://b/m"}})

    assert effective.predictor.name == "iris-predictor"
    assert effective.url == "http://iris.default.svc.cluster.local"
    assert effective.hosts[0] == "iris.default.svc.cluster.local"
    assert {"iris.default", "iris-predictor.default.svc.cluster.local", "iris-default.example.com"} <= set(
        effective.hosts
    )


def test_several_storage_uris_are_several_steps() -> None:
    uris = [
        {"uri": "s3://b/m", "mountPath": "/mnt/models"},
        {"uri": "pvc://data/words", "mountPath": "/mnt/words"},
    ]

    steps = resolved({"model": {"modelFormat": {"name": "sklearn"}}, "storageUris": uris}).predictor.storage

    assert [(step.uri, step.mount_path, step.claim) for step in steps] == [
        ("s3://b/m", "/mnt/models", None),
        ("pvc://data/words", "/mnt/words", ("data", "words")),
    ]


def test_a_container_of_the_users_own_finds_its_files_at_the_mount_path() -> None:
    containers = [
        {
            "name": "kserve-container",
            "image": "me/mine:1",
            "env": [{"name": "STORAGE_URI", "value": "s3://b/m"}],
        }
    ]

    predictor = resolved({"containers": containers}).predictor

    assert predictor.storage[0].uri == "s3://b/m"
    assert {"name": "STORAGE_URI", "value": "/mnt/models"} in predictor.container["env"]
    assert predictor.choice is None


def test_a_transformer_is_told_where_the_predictor_is() -> None:
    effective = resolved(
        {"sklearn": {"storageUri": "gs://b/m"}},
        transformer={"containers": [{"name": "t", "image": "me/t:1", "args": ["--http_port=9000"]}]},
    )

    assert effective.transformer is not None
    assert effective.transformer.container["args"] == [
        "--http_port=9000",
        "--model_name",
        "iris",
        "--predictor_host",
        "iris-predictor.default",
    ]


@pytest.mark.parametrize(
    ("predictor", "code", "said"),
    [
        pytest.param(
            {"sklearn": {"storageUri": "ftp://b/m"}},
            "storage_scheme_unknown",
            "spec.predictor.sklearn.storageUri: the scheme ftp:// is not known",
            id="unknown scheme",
        ),
        pytest.param(
            {"sklearn": {"storageUri": "./model"}},
            "storage_scheme_missing",
            "'./model' has no scheme",
            id="a path of no cluster",
        ),
        pytest.param(
            {"sklearn": {"storageUri": "pvc:///x"}},
            "storage_uri_invalid",
            "names no volume claim",
            id="no claim",
        ),
        pytest.param(
            {"sklearn": {}}, "storage_missing", "nothing says where the model files are", id="no storageUri"
        ),
        pytest.param(
            {"model": {"modelFormat": {"name": "sklearnn"}, "storageUri": "gs://b/m"}},
            "runtime_not_found",
            "no runtime serves sklearnn over v1",
            id="unknown format",
        ),
        pytest.param(
            {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://b/m", "runtime": "nope"}},
            "runtime_unfit",
            "spec.predictor.model.runtime: the runtime nope does not exist",
            id="unknown runtime",
        ),
        pytest.param(
            {
                "model": {
                    "modelFormat": {"name": "sklearn"},
                    "storageUri": "gs://b/m",
                    "runtime": "kserve-xgbserver",
                }
            },
            "runtime_unfit",
            "it does not support the model format sklearn",
            id="runtime of another format",
        ),
        pytest.param(
            {"sklearn": {"storageUri": "gs://b/m", "args": ["--x={{.Labels.team}}"]}},
            "template_unknown",
            "the object has no label team",
            id="template",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_with_path_and_remedy(
    predictor: dict[str, Any], code: str, said: str
) -> None:
    assert said in refused(predictor)[code]


def test_a_missing_runtime_names_every_candidate_and_its_reason() -> None:
    said = refused(
        {
            "model": {
                "modelFormat": {"name": "sklearn"},
                "storageUri": "gs://b/m",
                "protocolVersion": "grpc-v1",
            }
        }
    )

    assert "kserve-sklearnserver: it speaks v1, v2, grpc-v2, not grpc-v1" in said["runtime_not_found"]
    assert "kserve-xgbserver: it does not support the model format sklearn" in said["runtime_not_found"]


def test_resolving_leaves_the_users_object_as_it_was() -> None:
    containers = [{"name": "side", "image": "me/side:1", "env": [{"name": "N", "value": "{{.Name}}"}]}]
    given = service(
        {
            "containers": containers,
            "model": {
                "modelFormat": {"name": "sklearn"},
                "storageUri": "gs://b/m",
                "args": ["--workers=2"],
                "env": [{"name": "A", "value": "{{.Namespace}}"}],
                "resources": {"limits": {"cpu": "2"}},
            },
        }
    )
    before = copy.deepcopy(given)

    first, second = resolve(given), resolve(given)

    assert given == before
    assert given.as_yaml() == before.as_yaml()
    assert first == second


def test_the_example_is_the_same_service_with_its_model_in_a_bucket() -> None:
    text = (Path(__file__).parents[2] / "examples/sklearn-iris/isvc.yaml").read_text()

    (seed,) = read_text(text.replace("./my-sklearn-model", "gs://my-bucket/my-sklearn-model")).resources
    assert isinstance(seed, InferenceService)
    effective = resolve(seed)

    assert isinstance(effective, Effective)
    assert effective.hosts[0] == "sklearn-iris.default.svc.cluster.local"
    assert effective.predictor.choice is not None
    assert effective.predictor.choice.best is not None
    assert effective.predictor.choice.best.name == "kserve-sklearnserver"
