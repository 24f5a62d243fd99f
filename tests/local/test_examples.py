"""Every example is served from its own YAML, and answers what its model predicts."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from tests.local.harness import Serve, serving

FOLDERS = {
    "sklearn-iris": "sklearn-iris/my-sklearn-model",
    "which-dataset": "text/model",
    "diabetes-risk": "mixed-columns/model",
    "iris-species": "string-labels/model",
    "diabetes": "regression/model",
    "linnerud": "multi-output/model",
}


@pytest.fixture(scope="module")
def all_examples(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    files = sorted(examples.glob("*/isvc.yaml"))
    with serving(*files, cache=tmp_path_factory.mktemp("cache")) as serve:
        serve.all_serve()
        yield serve


def test_the_iris_example_is_the_readers_own_manifest_but_for_the_uri(examples: Path) -> None:
    wanted = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: sklearn-iris}
spec: {predictor: {sklearn: {storageUri: "gs://my-bucket/my-sklearn-model"}}}
"""
    written = (examples / "sklearn-iris" / "isvc.yaml").read_text()

    assert written == wanted.replace("gs://my-bucket/", "./")


def rows(examples: Path, name: str) -> list[Any]:
    request = (examples / FOLDERS[name]).parent / "request.json"
    instances: list[Any] = json.loads(request.read_text())["instances"]
    return instances


def predicted(examples: Path, name: str, instances: Any) -> Any:
    model = joblib.load(examples / FOLDERS[name] / "model.joblib")
    return model.predict(instances).tolist()


@pytest.mark.parametrize("name", ["sklearn-iris", "which-dataset", "iris-species", "diabetes", "linnerud"])
def test_an_example_answers_what_its_model_predicts(all_examples: Serve, examples: Path, name: str) -> None:
    instances = rows(examples, name)

    status, answer = all_examples.ask(
        f"/v1/models/{name}:predict", {"instances": instances}, Host=f"{name}.default"
    )

    assert (status, answer) == (200, {"predictions": predicted(examples, name, instances)})


def test_mixed_columns_are_read_as_a_list_of_rows_and_as_lists_by_column(
    all_examples: Serve, examples: Path
) -> None:
    instances = rows(examples, "diabetes-risk")
    expected = {"predictions": predicted(examples, "diabetes-risk", pd.DataFrame(instances))}
    by_column = {name: [row[name] for row in instances] for name in instances[0]}

    for body in ({"instances": instances}, {"instances": by_column}):
        assert all_examples.ask("/v1/models/diabetes-risk:predict", body, Host="diabetes-risk.default") == (
            200,
            expected,
        )


def test_the_printed_curl_lines_work_as_printed(all_examples: Serve) -> None:
    for line in all_examples.listening()["try"]:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
        answer = json.loads(done.stdout)
        assert "predictions" in answer or answer.get("ready"), (line, answer)


def test_one_name_in_two_namespaces_is_told_apart_by_the_host(all_examples: Serve, examples: Path) -> None:
    body = {"instances": rows(examples, "iris-species")}

    refused, said = all_examples.ask("/v1/models/iris-species:predict", body)
    status, answer = all_examples.ask(
        "/v1/models/iris-species:predict", body, Host="iris-species-flowers.example.com"
    )

    assert (refused, said["code"]) == (409, "ambiguous_service")
    assert (status, answer) == (200, {"predictions": predicted(examples, "iris-species", body["instances"])})


def test_the_url_of_the_cluster_answers_by_curls_resolve(all_examples: Serve) -> None:
    host = "sklearn-iris.default.svc.cluster.local"

    done = subprocess.run(
        [
            *("curl", "-s", "--resolve", f"{host}:{all_examples.port}:127.0.0.1"),
            *("-H", "Content-Type: application/json", "-d", '{"instances": [[5.1, 3.5, 1.4, 0.2]]}'),
            f"http://{host}:{all_examples.port}/v1/models/sklearn-iris:predict",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout == '{"predictions":[0]}'


def test_a_wrong_request_is_the_servers_own_answer(all_examples: Serve) -> None:
    status, answer = all_examples.ask("/v1/models/sklearn-iris:predict", {"instances": [[1, 2]]})

    assert status == 400
    assert answer.keys() == {"error", "code"}
