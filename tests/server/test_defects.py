"""One test for each defect of the inventory that our server must not have (D1 to D24; gRPC's are in `rpc/`)."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kserve_lite_server.cpus import available_cpus
from tests.server.models import iris, save
from tests.server.process import Server, serving, until
from tests.server.test_limits import memory
from tests.server.test_load import in_background, seconds

ROW = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
V1 = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
V2 = {"inputs": [ROW]}


def test_d01_string_labels_answer_over_v2_too(server: Server) -> None:
    output = server.post("/v2/models/flowers/infer", V2).json["outputs"][0]

    assert (output["datatype"], output["data"]) == ("BYTES", ["setosa"])


@pytest.mark.parametrize("instances", [[[1, 2]], [1], [[1, 2, 3, 4], [1]], [], None], ids=str)
def test_d02_a_client_mistake_is_400_never_500(server: Server, instances: Any) -> None:
    assert (
        server.post(
            "/v1/models/iris:predict", {"instances": instances} if instances is not None else {}
        ).status
        == 400
    )


def test_d03_v2_errors_are_an_error_object(server: Server) -> None:
    reply = server.post("/v2/models/iris/infer", {"inputs": [{"name": "x"}]})

    assert reply.status == 400
    assert isinstance(reply.json["error"], str)


def test_d04_a_slow_predict_holds_up_neither_probes_nor_the_next_predict(server: Server) -> None:
    started = time.monotonic()
    first, _ = in_background(seconds(server, 1.5))
    second, _ = in_background(seconds(server, 1.5))
    assert server.get("/v2/health/live").status == 200
    assert time.monotonic() - started < 1.4
    first.join()
    second.join()

    assert time.monotonic() - started < 2.9


def test_d05_d06_d24_two_workers_start_once_and_share_one_registry(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--workers=2", "--model_name=iris") as server:
        until(lambda: server.log().count("serving iris on") == 2)
        server.post("/v2/repository/models/iris/unload")
        statuses = {server.post("/v1/models/iris:predict", V1).status for _ in range(20)}
        began = server.log().count("began")

    assert statuses == {404}
    assert began == 2


def test_d07_a_transformers_flags_are_read_and_said_to_have_no_effect(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--predictor_host=elsewhere", "--predictor_protocol", "v2") as server:
        assert server.post("/v1/models/model:predict", V1).status == 200
        assert "--predictor_host has no effect" in server.log()


def test_d08_d09_explain_is_501_and_echoes_no_header(server: Server) -> None:
    reply = server.post("/v1/models/iris:explain", V1, Authorization="Bearer secret")

    assert reply.status == 501
    assert "secret" not in str(reply.headers) + reply.body.decode()


def test_d11_outputs_and_versions_are_honoured(server: Server) -> None:
    asked = {**V2, "outputs": [{"name": "predict_proba"}]}

    assert [output["name"] for output in server.post("/v2/models/iris/infer", asked).json["outputs"]] == [
        "predict_proba"
    ]
    assert server.post("/v2/models/iris/versions/1/infer", asked).json["model_version"] == "1"


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", ""]
)
def test_d12_json_is_read_under_any_content_type(server: Server, content_type: str) -> None:
    headers = {"Content_Type": content_type} if content_type else {}

    assert server.post("/v1/models/iris:predict", V1, **headers).json == {"predictions": [0]}
    assert server.post("/v2/models/iris/infer", V2, **headers).status == 200


def test_d13_gzip_is_read_and_written(server: Server) -> None:
    body = gzip.compress(json.dumps({"instances": [[1, 2, 3, 4]] * 200}).encode())
    reply = server.post("/v1/models/scaler:predict", body, Content_Encoding="gzip", Accept_Encoding="gzip")

    assert reply.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(reply.body))["predictions"]) == 200


def test_d14_readiness_is_false_without_a_model(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris") as server:
        server.post("/v2/repository/models/iris/unload")

        assert server.get("/v2/health/ready").status == 503


def test_d15_metadata_comes_from_the_estimator(server: Server) -> None:
    metadata = server.get("/v2/models/iris").json

    assert metadata["platform"]
    assert metadata["inputs"]
    assert metadata["outputs"]


def test_d16_flat_records_are_rows(server: Server) -> None:
    reply = server.post("/v1/models/mixed:predict", {"instances": [{"age": 20, "city": "Rome", "visits": 1}]})

    assert reply.status == 200


def test_d17_a_bad_model_does_not_keep_the_others_from_serving(tmp_path: Path) -> None:
    save(iris(), tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/model.pkl").write_bytes(b"junk")
    with serving(tmp_path) as server:
        assert server.post("/v1/models/good:predict", V1).status == 200
        assert "not a whole pickle" in server.get("/v1/models/bad").json["error"]


def test_d18_nan_survives_both_ways(server: Server) -> None:
    answer = server.post("/v1/models/scaler:predict", {"instances": [["NaN", 1, 1, 1]]}).json["predictions"]

    assert np.isnan(float(answer[0][0]))


def test_d19_a_binary_reply_says_its_type_and_length(server: Server) -> None:
    reply = server.post("/v2/models/iris/infer", {**V2, "parameters": {"binary_data_output": True}})

    assert reply.headers["content-type"] == "application/octet-stream"
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert "transfer-encoding" not in reply.headers


@pytest.mark.parametrize(("length", "payload"), [("x", bytes(32)), (None, bytes(7)), (None, bytes(40))])
def test_d20_a_broken_binary_body_is_400(server: Server, length: str | None, payload: bytes) -> None:
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": 32}}
    head = json.dumps({"inputs": [tensor]}).encode()

    reply = server.post(
        "/v2/models/iris/infer", head + payload, Inference_Header_Content_Length=length or str(len(head))
    )

    assert reply.status == 400


def test_d21_get_on_predict_is_405_whether_the_model_exists_or_not(server: Server) -> None:
    assert {server.get(f"/v1/models/{name}:predict").status for name in ("iris", "nope")} == {405}


def test_d22_iris_is_served_in_less_memory_than_kserves_229_megabytes(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris") as server:
        assert server.post("/v1/models/iris:predict", V1).status == 200

        assert memory(server) < 200


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"cpu.max": "10000 100000"}, 1, id="a tenth of one, cgroup v2"),
        pytest.param({"cpu.max": "max 100000"}, None, id="no quota"),
        pytest.param(
            {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1, id="one, cgroup v1"
        ),
    ],
)
def test_d23_the_quota_of_either_cgroup_version_counts(
    tmp_path: Path, files: dict[str, str], expected: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert available_cpus(tmp_path) == (expected or available_cpus(tmp_path / "none"))
