"""Spans arrive at a collector as its own protocol decodes them, with the ids that the reply and the log carry."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.models import IRIS, iris, save
from tests.server.process import serving, until
from tests.server.rpc.client import Input, both
from tests.server.rpc.client import request as infer_request

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


class Collector:
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.services: set[str] = set()
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    attributes = {a.key: a.value.string_value for a in group.resource.attributes}
                    collector.services.add(attributes["service.name"])
                    collector.spans.extend(span for scope in group.scope_spans for span in scope.spans)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


def test_every_protocol_writes_a_span_in_the_callers_trace(tmp_path: Path, collector: Collector) -> None:
    save(iris(), tmp_path)
    parent = f"00-{TRACE}-{PARENT}-01"
    with both(tmp_path, "--model_name=iris", env=collector.environment) as served:
        hot = served.rest.post("/v1/models/iris:predict", ROW, traceparent=parent)
        bad = served.rest.post("/v2/models/iris/infer", {"inputs": []}, traceparent=parent)
        request = infer_request("iris", [Input("x", "FP64", np.array(IRIS.data[:2]))], raw=True)
        served.stub.ModelInfer(request, metadata=(("traceparent", parent),), timeout=30)
        served.rest.get("/v2/health/live", traceparent=parent)
        until(lambda: len(collector.spans) >= 3)

    spans = {span.name: span for span in collector.spans}
    assert spans.keys() == {
        "POST /v1/models/{model}:predict", "POST /v2/models/{model}/infer", "inference.GRPCInferenceService/ModelInfer",
    }  # fmt: skip
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in spans.values()} == {(TRACE, PARENT)}
    assert collector.services == {"kserve-lite-server"}
    good = spans["POST /v1/models/{model}:predict"]
    assert hot.headers["traceparent"] == f"00-{TRACE}-{good.span_id.hex()}-01"
    assert attributes(good)["kserve_lite.model"] == "iris"
    assert attributes(good)["kserve_lite.rows"] == 1
    assert 0 < good.end_time_unix_nano - good.start_time_unix_nano < 30e9
    refused = attributes(spans["POST /v2/models/{model}/infer"])
    assert (bad.status, refused["http.response.status_code"]) == (400, 400)
    assert refused["error.type"] == "invalid_input"
    assert attributes(spans["inference.GRPCInferenceService/ModelInfer"])["rpc.method"] == "ModelInfer"


def test_a_request_without_a_trace_begins_one_that_the_log_names(
    tmp_path: Path, collector: Collector
) -> None:
    save(iris(), tmp_path)
    environment = {**collector.environment, "OTEL_SERVICE_NAME": "flowers"}
    with serving(tmp_path, "--model_name=iris", env=environment) as server:
        server.post("/v1/models/iris:predict", ROW, x_request_id="mine")
        assert server.stop() == 0  # what has not been sent yet is sent at the end

    (span,) = collector.spans
    line = next(json.loads(line) for line in server.lines if "POST /v1" in line)
    assert (line["trace_id"], line["span_id"]) == (span.trace_id.hex(), span.span_id.hex())
    assert line["request_id"] == "mine"
    assert (collector.services, span.parent_span_id) == ({"flowers"}, b"")


def test_what_the_caller_does_not_sample_is_not_sent(tmp_path: Path, collector: Collector) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--model_name=iris", env=collector.environment) as server:
        reply = server.post("/v1/models/iris:predict", ROW, traceparent=f"00-{TRACE}-{PARENT}-00")
        assert server.stop() == 0

    assert reply.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert collector.spans == []


@pytest.mark.slow
def test_a_protocol_that_is_not_spoken_is_said_and_the_server_serves(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with serving(tmp_path, "--model_name=iris", env=environment) as server:
        assert server.post("/v1/models/iris:predict", ROW).status == 200

    assert (
        "no spans are sent: OTLP over grpc is not supported; set OTEL_EXPORTER_OTLP_PROTOCOL" in server.log()
    )
