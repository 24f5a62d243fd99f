"""REST V1 against `model.predict`, and its refusals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.server.models import IRIS, PEOPLE, TEXTS
from tests.server.process import Server

CITY_ROWS = [{"age": 20.0, "city": "Rome", "visits": 1}, {"age": None, "city": "Oslo", "visits": 5}]


def predict(server: Server, model: str, instances: Any) -> Any:
    reply = server.post(f"/v1/models/{model}:predict", {"instances": instances})
    assert reply.status == 200, reply.body
    return reply.json["predictions"]


@pytest.mark.parametrize("name", ["iris", "flowers", "named", "gaps", "multi_label"])
@pytest.mark.parametrize("rows", [1, 2, 150])
def test_lists_of_numbers_are_predicted_as_the_model_does(
    server: Server, models: dict[str, Any], name: str, rows: int
) -> None:
    instances = IRIS.data[:rows]
    expected = models[name].predict(
        pd.DataFrame(instances, columns=models[name].feature_names_in_) if name == "named" else instances
    )

    assert predict(server, name, instances.tolist()) == expected.tolist()


@pytest.mark.parametrize("name", ["regressor", "multi_output"])
def test_a_regressor_answers_every_digit(server: Server, models: dict[str, Any], name: str) -> None:
    rows = np.random.default_rng(1).normal(size=(20, 3))

    assert predict(server, name, rows.tolist()) == models[name].predict(rows).tolist()


def test_text_is_one_string_a_row(server: Server, models: dict[str, Any]) -> None:
    assert predict(server, "text", TEXTS) == models["text"].predict(TEXTS).tolist()
    assert predict(server, "text", [[text] for text in TEXTS]) == models["text"].predict(TEXTS).tolist()


@pytest.mark.parametrize(
    "instances",
    [
        pytest.param(CITY_ROWS, id="list of objects"),
        pytest.param([[row] for row in CITY_ROWS], id="list of lists of objects"),
        pytest.param([CITY_ROWS], id="one list of objects"),
        pytest.param({key: [row[key] for row in CITY_ROWS] for key in CITY_ROWS[0]}, id="object of lists"),
        pytest.param(
            [{key: [row[key]] for key in CITY_ROWS[0]} for row in CITY_ROWS], id="list of objects of lists"
        ),
        pytest.param([list(row.values()) for row in CITY_ROWS], id="mixed lists"),
        pytest.param(
            {
                "columns": list(CITY_ROWS[0]),
                "index": [0, 1],
                "data": [list(row.values()) for row in CITY_ROWS],
            },
            id="split",
        ),
        pytest.param([dict(reversed(row.items())) for row in CITY_ROWS], id="columns in another order"),
    ],
)
def test_mixed_columns_come_in_every_usual_form(
    server: Server, models: dict[str, Any], instances: Any
) -> None:
    frame = pd.DataFrame({"age": [20.0, np.nan], "city": ["Rome", "Oslo"], "visits": [1, 5]})

    assert predict(server, "mixed", instances) == models["mixed"].predict(frame).tolist()


def test_a_whole_frame_of_people_is_predicted(server: Server, models: dict[str, Any]) -> None:
    records = PEOPLE.astype(object).where(PEOPLE.notna(), None).to_dict("records")

    assert predict(server, "mixed", records) == models["mixed"].predict(PEOPLE).tolist()


def test_named_rows_are_put_into_the_fitted_order(server: Server, models: dict[str, Any]) -> None:
    row = dict(zip(models["named"].feature_names_in_, IRIS.data[100], strict=True))

    assert predict(server, "named", [dict(reversed(row.items()))]) == [IRIS.target[100]]


@pytest.mark.parametrize("missing", [None, "NaN"])
def test_null_and_the_string_nan_are_missing_values(
    server: Server, models: dict[str, Any], missing: Any
) -> None:
    expected = models["gaps"].predict([[5.1, np.nan, 1.4, 0.2]]).tolist()

    assert predict(server, "gaps", [[5.1, missing, 1.4, 0.2]]) == expected


def test_a_sparse_result_is_written_in_full(server: Server, models: dict[str, Any]) -> None:
    assert predict(server, "sparse", TEXTS) == models["sparse"].transform(TEXTS).toarray().tolist()


def test_infinity_is_written_as_a_string_or_as_null_when_asked(server: Server) -> None:
    rows = [["Infinity", 1, 1, 1]]
    refused = server.post("/v1/models/scaler:predict", {"instances": rows})
    lossless = server.post("/v1/models/scaler:predict", {"instances": [["NaN", 1, 1, 1]]})
    lossy = server.post(
        "/v1/models/scaler:predict", {"instances": [["NaN", 1, 1, 1]], "parameters": {"nan": "null"}}
    )

    assert refused.status == 400
    assert lossless.json["predictions"][0][0] == "NaN"
    assert lossy.json["predictions"][0][0] is None


def test_inputs_is_another_word_for_instances(server: Server) -> None:
    assert server.post("/v1/models/iris:predict", {"inputs": IRIS.data[:1].tolist()}).json == {
        "predictions": [0]
    }


def test_what_is_ignored_is_said(server: Server) -> None:
    reply = server.post(
        "/v1/models/iris:predict", {"instances": IRIS.data[:1].tolist(), "signature_name": "serving_default"}
    )

    assert reply.status == 200
    assert "signature_name" in reply.headers["warning"]


@pytest.mark.parametrize(
    ("model", "body", "said"),
    [
        pytest.param("iris", b"", "not JSON", id="empty"),
        pytest.param("iris", b"{", "not JSON", id="half a JSON"),
        pytest.param("iris", b"[1]", "must be a JSON object, not a list", id="a list"),
        pytest.param("iris", {}, '"instances"', id="no instances"),
        pytest.param("iris", {"instances": []}, "no rows", id="no rows"),
        pytest.param("iris", {"instances": 3}, "not a number", id="a number"),
        pytest.param("iris", {"instances": [[]]}, "rows without values", id="rows of nothing"),
        pytest.param(
            "iris", {"instances": [[1, 2, 3, 4], [1, 2]]}, '"instances"[1] has 2 values', id="ragged"
        ),
        pytest.param(
            "iris", {"instances": [[1, 2, 3, 4], 5]}, '"instances"[1] has a number', id="rows of two kinds"
        ),
        pytest.param("iris", {"instances": [[1, 2]]}, "X has 2 features", id="too few features"),
        pytest.param("iris", {"instances": [1, 2]}, "Expected 2D array", id="no second dimension"),
        pytest.param("iris", {"instances": [["a", 1, 2, 3]]}, "could not convert string", id="a word"),
        pytest.param("iris", {"instances": [[None, 1, 2, 3]]}, "contains NaN", id="null"),
        pytest.param("iris", {"instances": [[1]], "inputs": [[1]]}, "both", id="both keys"),
        pytest.param(
            "iris", {"instances": [[1]], "parameters": []}, "parameters", id="parameters not an object"
        ),
        pytest.param("text", {"instances": [1]}, "row 0 must be a string", id="number for text"),
        pytest.param(
            "mixed", {"instances": [{"age": 1, "city": "Rome"}]}, "column 'visits' is missing", id="no column"
        ),
        pytest.param(
            "mixed",
            {"instances": [{"age": 1, "town": "Rome", "visits": 1}]},
            "no column 'town'",
            id="unknown column",
        ),
        pytest.param(
            "named", {"instances": [{"sepal_lenght": 1}]}, "did you mean 'sepal_length'", id="misspelt column"
        ),
        pytest.param(
            "mixed", {"instances": [CITY_ROWS[0], {"age": 1}]}, "lacks column 'city'", id="uneven records"
        ),
        pytest.param("mixed", {"instances": {"age": [1], "city": []}}, "0 rows", id="uneven columns"),
        pytest.param(
            "mixed", {"instances": [[1, 2]]}, "each row must have 3 values", id="too few mixed values"
        ),
    ],
)
def test_a_wrong_request_is_refused_with_the_place(server: Server, model: str, body: Any, said: str) -> None:
    reply = server.post(f"/v1/models/{model}:predict", body)

    assert reply.status == 400, reply.body
    assert said in reply.json["error"]
    assert set(reply.json) == {"error", "code"}


def test_models_are_listed_and_asked_one_by_one(server: Server) -> None:
    assert set(server.get("/v1/models").json["models"]) >= {"iris", "text"}
    assert server.get("/v1/models/iris").json == {"name": "iris", "ready": True}
    assert server.get("/").json == {"status": "alive"}


def test_an_unknown_model_or_path_is_404_with_an_error(server: Server) -> None:
    for reply in (
        server.get("/v1/models/nope"),
        server.post("/v1/models/nope:predict", {"instances": [[1]]}),
    ):
        assert (reply.status, reply.json["error"]) == (404, "Model with name nope does not exist.")
    assert server.get("/v3").json["code"] == "not_found"


def test_the_wrong_method_is_405_and_names_the_right_one(server: Server) -> None:
    reply = server.get("/v1/models/iris:predict")

    assert (reply.status, reply.headers["allow"], reply.json["code"]) == (405, "POST", "method_not_allowed")


def test_explain_is_501(server: Server) -> None:
    assert server.post("/v1/models/iris:explain", {"instances": [[1]]}).status == 501


def test_a_model_that_breaks_is_500_without_its_inner_life(server: Server) -> None:
    reply = server.post("/v1/models/broken:predict", {"instances": [[1]]})

    assert (reply.status, reply.json["code"]) == (500, "model_failed")
    assert b"secret" not in reply.body
