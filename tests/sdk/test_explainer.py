"""The explainer that needs no code: its shares are exact where that can be known, and it refuses what it cannot do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from kserve_lite_server.errors import ServeError
from kserve_lite_server.explain import shapley, table
from kserve_lite_server.explain.explainer import Settings, SettingsError
from tests.sdk.process import Running, program
from tests.server.models import IRIS

WEIGHTS = np.array([2.0, -1.0, 0.0])


def test_the_shares_of_a_linear_model_are_its_weights_times_the_distance() -> None:
    background = np.array([[1.0, 1.0, 1.0]])
    row = np.array([3.0, 5.0, 9.0])
    walks = shapley.plan(row, background, 3, np.random.default_rng(0))

    shares, base, value = shapley.shares(walks, walks.rows @ WEIGHTS + 7)

    np.testing.assert_allclose(shares, WEIGHTS * (row - background[0]))
    assert (base, value) == (8.0, 8.0)


def test_the_shares_add_up_whatever_the_model_is() -> None:
    random = np.random.default_rng(1)
    background = random.normal(size=(20, 5))
    row = random.normal(size=5)
    walks = shapley.plan(row, background, 8, random)

    shares, base, value = shapley.shares(walks, np.sin(walks.rows).prod(axis=2))

    assert value == pytest.approx(np.sin(row).prod())
    assert shares.sum() == pytest.approx(value - base)


def test_two_features_that_do_the_same_get_the_same_share() -> None:
    walks = shapley.plan(np.ones(2), np.zeros((1, 2)), 1, np.random.default_rng(0))

    shares, _, _ = shapley.shares(walks, walks.rows.max(axis=2))

    np.testing.assert_allclose(shares, [0.5, 0.5])


@pytest.mark.parametrize(
    ("name", "text", "names", "rows"),
    [
        pytest.param(
            "background.csv", "a,b\n1,x\n2,y\n", ("a", "b"), [[1.0, "x"], [2.0, "y"]], id="named, mixed"
        ),
        pytest.param("background.csv", "1,2\n3,4\n", None, [[1.0, 2.0], [3.0, 4.0]], id="numbers alone"),
        pytest.param("background.json", "[[1, 2]]", None, [[1, 2]], id="rows"),
        pytest.param("background.json", '{"instances": [{"a": 1}]}', ("a",), [[1.0]], id="a request"),
    ],
)
def test_background_rows_are_read(tmp_path: Path, name: str, text: str, names: Any, rows: Any) -> None:
    (tmp_path / name).write_text(text)

    found = table.read_folder(tmp_path)

    assert found is not None
    assert (found.names, found.rows.tolist()) == (names, rows)


@pytest.mark.parametrize("text", [pytest.param("a,b\n1\n", id="ragged"), pytest.param("a,b\n", id="no rows")])
def test_background_rows_that_cannot_be_read_name_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "background.csv").write_text(text)

    with pytest.raises(ServeError, match=r"background\.csv cannot be read"):
        table.read_folder(tmp_path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param(
            {"sample": "3"}, "config.sample is not known; known are samples, seed, max_rows", id="unknown"
        ),
        pytest.param({"samples": "many"}, "config.samples is 'many'", id="no number"),
        pytest.param({"samples": "0"}, "config.samples is '0'", id="none"),
    ],
)
def test_a_wrong_setting_is_named(config: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.read(config)


@pytest.fixture(scope="module")
def explainer(predictor: Running) -> Iterator[Running]:
    flags = (f"--predictor_host=127.0.0.1:{predictor.port}", "--predictor_protocol=v2", "--config=samples=4")
    with program("-m kserve_lite_server.explain", *flags) as running:
        yield running


def test_a_classifier_is_explained_by_the_probability_of_its_class(explainer: Running) -> None:
    rows = [IRIS.data[0].tolist(), IRIS.data[100].tolist()]
    background = {"background": IRIS.data[::10].tolist()}

    status, said, _ = explainer.ask("/v1/models/m:explain", {"instances": rows, "parameters": background})

    assert (status, said["method"]["of"]) == (200, "predict_proba")
    first, second = said["explanations"]
    assert (first["class"], second["class"]) == (0, 2)
    for one in (first, second):
        assert sum(one["attributions"].values()) == pytest.approx(one["value"] - one["base"])
    assert max(first["attributions"], key=first["attributions"].get) in (
        "feature_2",
        "feature_3",
    )  # the petals


def test_the_v2_form_gives_the_same_as_tensors(explainer: Running) -> None:
    rows = [IRIS.data[0].tolist(), IRIS.data[100].tolist()]
    _, v1, _ = explainer.ask("/v1/models/m:explain", {"instances": rows})
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP64", "data": rows}

    status, said, _ = explainer.ask("/v2/models/m/explain", {"id": "1", "inputs": [tensor]})

    outputs = {output["name"]: output for output in said["outputs"]}
    assert (status, outputs["attributions"]["shape"]) == (200, [2, 4])
    v1_shares = [list(one["attributions"].values()) for one in v1["explanations"]]
    np.testing.assert_allclose(np.array(outputs["attributions"]["data"]).reshape(2, 4), v1_shares)
    assert outputs["class"]["data"] == ["0", "2"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"instances": [[1, 2, 3, 4]]}, "nothing to compare one row with", id="one row"),
        pytest.param({"instances": ["text"]}, "rows of features", id="text"),
        pytest.param({"rows": []}, 'needs "instances"', id="no rows"),
        pytest.param({"instances": [[1, 2, 3, 4]] * 51}, "at most 50 are explained", id="too many"),
        pytest.param(
            {"instances": [[1, 2, 3, 4]], "parameters": {"background": [[1, 2]]}},
            "has 2 features",
            id="another width",
        ),
    ],
)
def test_what_cannot_be_explained_is_a_400_with_the_remedy(explainer: Running, body: Any, words: str) -> None:
    status, said, _ = explainer.ask("/v1/models/m:explain", body)

    assert status == 400
    assert words in said["error"]


def test_a_refusal_of_the_predictor_is_passed_on(explainer: Running) -> None:
    status, said, headers = explainer.ask("/v1/models/m:explain", {"instances": [[1, 2], [3, 4]]})

    assert (status, said["code"], headers["error-step"]) == (400, "invalid_input", "predictor")


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_regression_on_named_columns_is_explained_exactly(tmp_path: Path, protocol: str) -> None:
    import pandas as pd

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["age", "income", "noise"])
    model = LinearRegression().fit(frame, frame.to_numpy() @ WEIGHTS)
    joblib.dump(model, tmp_path / "model.joblib")
    (tmp_path / "background.csv").write_text("noise,age,income\n0,0,0\n")
    flags = (f"--model_dir={tmp_path}", "--host=127.0.0.1")
    with program("-m kserve_lite_server", *flags) as predictor:
        host = f"--predictor_host=127.0.0.1:{predictor.port}"
        with program(
            "-m kserve_lite_server.explain",
            host,
            f"--predictor_protocol={protocol}",
            f"--background={tmp_path}",
        ) as explainer:
            rows = [{"age": 3.0, "income": 2.0, "noise": 5.0}]
            status, said, _ = explainer.ask("/v1/models/m:explain", {"instances": rows})

    assert (status, said["method"]["of"]) == (200, "predict")
    (one,) = said["explanations"]
    assert one["attributions"] == pytest.approx({"age": 6.0, "income": -2.0, "noise": 0.0}, abs=1e-9)
    assert json.dumps(one)
