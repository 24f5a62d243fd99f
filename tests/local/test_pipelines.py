"""Transformers and explainers on a laptop: processes beside the predictor, one gateway before them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import joblib
import pandas as pd
import pytest

from tests.local.harness import Serve, isvc, run, serving

pytestmark = pytest.mark.slow

WORKING = """\
from kserve import Model, ModelServer, model_server

class Doubled(Model):
    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    def postprocess(self, result, headers=None):
        return {"predictions": [2 * one for one in result["predictions"]]}

if __name__ == "__main__":
    arguments, _ = model_server.parser.parse_known_args()
    ModelServer().start([Doubled(arguments.model_name)])
"""


@pytest.fixture(scope="module")
def pipelines(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    files = [examples / name / "isvc.yaml" for name in ("text-cleaning", "feature-lookup", "explained")]
    with serving(*files, cache=tmp_path_factory.mktemp("cache")) as serve:
        serve.all_serve()
        yield serve


def test_text_is_cleaned_before_it_is_predicted(pipelines: Serve, examples: Path) -> None:
    body = json.loads((examples / "text-cleaning/request.json").read_text())

    status, answer = pipelines.ask("/v1/models/clean-text:predict", body)
    _, direct = pipelines.ask("/v1/models/clean-text:predict", body, Host="clean-text-predictor.default")

    assert (status, answer) == (200, {"predictions": ["iris", "wine"]})
    assert len(direct["predictions"]) == 2


def test_the_same_transformer_answers_over_v2(pipelines: Serve) -> None:
    tensor = {"name": "t", "shape": [1], "datatype": "BYTES", "data": ["<b>PETAL</b> length and sepal width"]}

    status, answer = pipelines.ask("/v2/models/clean-text/infer", {"id": "a", "inputs": [tensor]})

    assert (status, answer["id"], answer["outputs"][0]["data"]) == (200, "a", ["iris"])


def test_features_are_looked_up_by_key(pipelines: Serve, examples: Path) -> None:
    body = json.loads((examples / "feature-lookup/request.json").read_text())

    status, answer = pipelines.ask("/v1/models/iris-by-plant:predict", body)
    refused, said = pipelines.ask("/v1/models/iris-by-plant:predict", {"instances": [{"plant": "p-9"}]})

    assert (status, answer) == (200, {"predictions": [0, 2]})
    assert refused == 400
    assert "there is no plant 'p-9'" in said["error"]


def test_an_explanation_adds_up_to_the_prediction(pipelines: Serve, examples: Path) -> None:
    body = json.loads((examples / "explained/request.json").read_text())
    model = joblib.load(examples / "explained/model/model.joblib")

    _, predicted = pipelines.ask("/v1/models/explained:predict", body)
    status, said = pipelines.ask("/v1/models/explained:explain", body)

    (one,) = said["explanations"]
    assert status == 200
    assert one["value"] == pytest.approx(predicted["predictions"][0])
    assert one["value"] == pytest.approx(model.predict(pd.DataFrame(body["instances"]))[0])
    assert sum(one["attributions"].values()) == pytest.approx(one["value"] - one["base"])
    assert list(one["attributions"]) == ["age", "sex", "bmi", "bp"]


def test_the_predictor_itself_hands_explanations_on(pipelines: Serve, examples: Path) -> None:
    body = json.loads((examples / "explained/request.json").read_text())

    status, said = pipelines.ask("/v1/models/explained:explain", body, Host="explained-predictor.default")

    assert (status, said["method"]["type"]) == (200, "permutation")


def test_a_service_without_an_explainer_says_so(pipelines: Serve) -> None:
    status, said = pipelines.ask("/v1/models/clean-text:explain", {"instances": ["x"]})

    assert (status, said["code"]) == (501, "not_implemented")


def with_transformer(folder: Path, model: Path, **container: object) -> Path:
    service = json.loads(isvc("doubled", model))
    service["spec"]["transformer"] = {
        "containers": [{"name": "kserve-container", "image": "me/t:1", **container}]
    }
    file = folder / "isvc.yaml"
    file.write_text(json.dumps(service))
    return file


def test_a_command_runs_in_the_folder_of_its_manifest_and_again_when_its_code_changes(
    iris: Path, tmp_path: Path
) -> None:
    (iris / "transformer.py").write_text(WORKING)
    file = with_transformer(iris, iris / "my-sklearn-model", command=["python", "transformer.py"])
    rows = {"instances": [[6.7, 3.0, 5.2, 2.3]]}
    with serving(file, "--watch", cache=tmp_path / "cache") as serve:
        serve.listening()
        assert serve.ask("/v1/models/doubled:predict", rows) == (200, {"predictions": [4]})
        seen = len(serve.events)
        (iris / "transformer.py").write_text(WORKING.replace("2 *", "3 *"))
        serve.phase("default/doubled", "Ready", after=seen)

        assert serve.ask("/v1/models/doubled:predict", rows) == (200, {"predictions": [6]})


def test_a_transformer_that_fails_to_start_is_named_with_its_last_line(iris: Path, tmp_path: Path) -> None:
    (iris / "transformer.py").write_text("import nothing_of_that_name\n")
    file = with_transformer(iris, iris / "my-sklearn-model", command=["python", "transformer.py"])

    done = run("serve", file, cache=tmp_path / "cache")

    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "the transformer ended with code 1" in said
    assert "No module named 'nothing_of_that_name'" in said


def test_what_only_a_container_engine_could_run_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = with_transformer(tmp_path, Path("/m"))

    done = run("serve", file, cache=tmp_path / "cache")

    assert done.returncode == 1
    assert "spec.transformer" in done.stderr
    assert "[runtime_not_local]" in done.stderr
    assert "write its command" in done.stderr


def test_a_config_map_that_is_nowhere_is_refused_with_the_remedy(examples: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(examples / "text-cleaning", tmp_path / "text-cleaning"))
    file = folder / "isvc.yaml"
    file.write_text(file.read_text().split("---")[0])

    done = run("serve", file, cache=tmp_path / "cache")

    assert done.returncode == 1
    assert "--mount clean-text-code=FOLDER" in done.stderr
