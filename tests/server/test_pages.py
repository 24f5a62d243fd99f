"""What people read: the page, the model's own OpenAPI, the sample that works."""

from typing import Any

import jsonschema_rs
import pytest

from tests.server.models import GOOD
from tests.server.process import Server, serving

SERVABLE = [name for name in GOOD if name not in ("slow", "broken")]


def test_a_browser_gets_a_page_that_needs_nothing_from_elsewhere(server: Server) -> None:
    page = server.get("/", Accept="text/html,application/xhtml+xml")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"http://" not in page.body.replace(b"${", b"")
    assert b"https://" not in page.body
    assert server.get("/").json == {"status": "alive"}


def test_each_model_has_its_page_and_its_openapi(server: Server) -> None:
    assert server.get("/v2/models/mixed/docs").headers["content-type"].startswith("text/html")
    assert server.get("/v2/models/nope/docs").status == 404
    for path in ("/v2/models/mixed/openapi.json", "/v2/models/mixed/versions/1/docs/dataplane.json"):
        document = server.get(path).json
        assert "/v1/models/mixed:predict" in document["paths"]
        assert "/v1/models/iris:predict" not in document["paths"]
    assert {"/v1/models/mixed:predict", "/v2/models/iris/infer"} <= server.get("/openapi.json").json[
        "paths"
    ].keys()


def test_docs_is_there_only_when_switched_on(server: Server, model_root: Any) -> None:
    assert server.get("/docs").status == 404
    with serving(model_root / "iris", "--enable_docs_url=true") as other:
        assert other.get("/docs").status == 200


@pytest.mark.parametrize("name", SERVABLE)
def test_the_sample_request_of_every_model_is_answered(server: Server, name: str) -> None:
    sample = server.get(f"/v2/models/{name}").json["parameters"]["sample_request"]

    reply = server.post(f"/v1/models/{name}:predict", sample)

    assert reply.status == 200, reply.body
    assert len(reply.json["predictions"]) == 1


@pytest.mark.parametrize("name", SERVABLE)
def test_a_request_made_from_the_metadata_is_answered_as_the_metadata_says(server: Server, name: str) -> None:
    metadata = server.get(f"/v2/models/{name}").json
    inputs = []
    for tensor in metadata["inputs"]:
        shape = [1, *tensor["shape"][1:]]
        data = ["Rome" if tensor["datatype"] == "BYTES" else 1.0] * (shape[1] if len(shape) > 1 else 1)
        inputs.append({"name": tensor["name"], "shape": shape, "datatype": tensor["datatype"], "data": data})

    reply = server.post(f"/v2/models/{name}/infer", {"inputs": inputs})

    assert reply.status == 200, reply.body
    own = metadata["outputs"][: len(reply.json["outputs"])]
    assert [(o["name"], o["datatype"], o["shape"][1:]) for o in reply.json["outputs"]] == [
        (o["name"], o["datatype"], o["shape"][1:]) for o in own
    ]


def test_answers_are_as_the_openapi_document_says(server: Server) -> None:
    document = server.get("/v2/models/flowers/openapi.json").json
    infer = document["paths"]["/v2/models/flowers/infer"]["post"]
    body = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}

    request_schema = infer["requestBody"]["content"]["application/json"]["schema"]
    reply_schema = infer["responses"]["200"]["content"]["application/json"]["schema"]

    jsonschema_rs.validate(request_schema, body)
    jsonschema_rs.validate(reply_schema, server.post("/v2/models/flowers/infer", body).json)


def test_routes_of_language_models_are_not_there(server: Server) -> None:
    for path in ("/v2/models/iris/generate", "/v2/models/iris/infer_stream", "/openai/v1/completions"):
        assert server.post(path, {}).status == 404
