"""What an operator sees: Prometheus text, one log line a request, traces."""

import json
from typing import Any

import sklearn
from prometheus_client.parser import text_string_to_metric_families

from tests.server.models import iris, save
from tests.server.process import Server, serving, until

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
V2_ROW = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def samples(server: Server) -> dict[tuple[str, str], float]:
    """Values by name and the sorted values of the labels."""
    text = server.get("/metrics").body.decode()
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(server: Server) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    return [line for line in lines if line["logger"] == "kserve_lite_server.request"]


def test_requests_are_counted_by_model_protocol_method_and_code(tmp_path: Any) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris") as server:
        for _ in range(3):
            server.post("/v1/models/iris:predict", ROW)
        server.post("/v2/models/iris/infer", V2_ROW)
        server.post("/v1/models/iris:predict", {"instances": []})
        server.post("/v1/models/other:predict", ROW)
        server.get("/v2/health/live")

        got = samples(server)

    counted = {labels: value for (name, labels), value in got.items() if name == "kserve_lite_requests_total"}
    assert counted == {
        "code=200,method=predict,model_name=iris,protocol=v1": 3,
        "code=400,method=predict,model_name=iris,protocol=v1": 1,
        "code=200,method=infer,model_name=iris,protocol=v2": 1,
        "code=404,method=predict,model_name=,protocol=v1": 1,
    }
    for name in ("preprocess", "predict", "postprocess"):
        assert got[f"request_{name}_seconds_count", "model_name=iris"] >= 4
    assert got["kserve_lite_batch_rows_sum", "model_name=iris"] >= 4
    assert got["kserve_lite_queue_seconds_count", "model_name=iris"] >= 4
    assert got["kserve_lite_request_seconds_count", "model_name=iris,protocol=v1"] == 4
    assert got["kserve_lite_reply_bytes_sum", "model_name=iris"] >= 3 * len('{"predictions":[0]}')
    assert got["kserve_lite_request_bytes_sum", "model_name=iris"] >= 3 * len(json.dumps(ROW))
    assert got["kserve_lite_requests_in_flight", ""] == 1
    assert got["kserve_lite_model_ready", "model_name=iris"] == 1
    assert got["kserve_lite_model_load_seconds", "model_name=iris"] > 0
    info = (
        f"estimator=LogisticRegression,method=predict,model_name=iris,sklearn_version={sklearn.__version__}"
    )
    assert got["kserve_lite_model_info", info] == 1


def test_metrics_are_openmetrics_when_asked(server: Server) -> None:
    reply = server.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.body.endswith(b"# EOF\n")


def test_each_request_is_one_line_and_probes_are_none(tmp_path: Any) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris", "--log_lines_per_second=2") as server:
        server.get("/v2/health/live")
        reply = server.post("/v1/models/iris:predict", ROW, traceparent=TRACE)
        server.post("/v1/models/iris:predict", {"instances": []}, traceparent="00-nonsense")
        until(lambda: len(requests(server)) == 2)
        for _ in range(50):
            server.post("/v1/models/iris:predict", ROW)

    good, bad, *many = requests(server)
    assert (good["model"], good["protocol"], good["status"], good["rows"]) == ("iris", "v1", 200, 1)
    assert good["ms"] > 0
    assert good["trace_id"] == TRACE.split("-")[1]
    assert good["parent_id"] == TRACE.split("-")[2]
    assert reply.headers["traceparent"] == f"00-{good['trace_id']}-{good['span_id']}-01"
    assert (bad["status"], bad["code"]) == (400, "invalid_input")
    assert "trace_id" not in bad
    assert len(many) < 50


def test_lines_are_not_written_when_switched_off(tmp_path: Any) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris", "--enable_latency_logging=false") as server:
        server.post("/v1/models/iris:predict", {"instances": []})

    assert requests(server) == []
