"""Compression and CloudEvents around requests of both protocols."""

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pytest
import zstandard

from tests.server.models import IRIS
from tests.server.process import Server

BODY = json.dumps({"instances": IRIS.data.tolist()}).encode()
EVENT = {"specversion": "1.0", "id": "7", "source": "here", "type": "ask"}
INFER = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}
READERS: dict[str, Any] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
WRITERS: dict[str, Any] = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("encoding", list(WRITERS))
def test_compressed_requests_and_replies(server: Server, models: dict[str, Any], encoding: str) -> None:
    reply = server.post(
        "/v1/models/scaler:predict",
        WRITERS[encoding](BODY),
        Content_Encoding=encoding,
        Accept_Encoding=encoding,
    )

    assert (reply.status, reply.headers["content-encoding"]) == (200, encoding)
    predictions = json.loads(READERS[encoding](reply.body))["predictions"]
    assert np.array_equal(predictions, models["scaler"].transform(IRIS.data))


def test_the_client_decides_whether_and_how_a_reply_is_compressed(server: Server) -> None:
    plain = server.post("/v1/models/scaler:predict", BODY, Accept_Encoding="br, gzip;q=0")
    preferred = server.post("/v1/models/scaler:predict", BODY, Accept_Encoding="gzip;q=0.5, zstd")

    assert "content-encoding" not in plain.headers
    assert preferred.headers["content-encoding"] == "zstd"


@pytest.mark.parametrize("encoding", list(WRITERS))
def test_a_body_that_is_not_what_it_says_is_400(server: Server, encoding: str) -> None:
    for body in (b"no such thing", WRITERS[encoding](BODY)[:-9]):
        reply = server.post("/v1/models/iris:predict", body, Content_Encoding=encoding)
        assert reply.status == 400, reply.body


def test_an_unknown_encoding_is_415(server: Server) -> None:
    assert server.post("/v1/models/iris:predict", BODY, Content_Encoding="br").status == 415


def test_an_event_in_headers_is_answered_by_one(server: Server) -> None:
    headers = {f"ce-{name}": value for name, value in EVENT.items()}
    reply = server.ask("POST", "/v1/models/iris:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]}, **headers)

    assert reply.json == {"predictions": [0]}
    assert reply.headers["ce-type"] == "io.kserve.inference.response"
    assert reply.headers["ce-source"] == "io.kserve.inference.iris"
    assert reply.headers["ce-id"] not in ("", "7")
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "data"),
    [("/v1/models/iris:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]}), ("/v2/models/iris/infer", INFER)],
)
def test_a_structured_event_is_answered_by_one(server: Server, path: str, data: Any) -> None:
    reply = server.ask("POST", path, {**EVENT, "data": data}, Content_Type="application/cloudevents+json")

    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/cloudevents+json"
    assert reply.json["specversion"] == "1.0"
    assert reply.json["data"].keys() >= ({"predictions"} if path.startswith("/v1") else {"outputs"})


def test_an_event_that_lacks_an_attribute_is_refused(server: Server) -> None:
    reply = server.post(
        "/v1/models/iris:predict", {"instances": []}, ce_specversion="1.0", ce_id="1", ce_source="x"
    )

    assert (reply.status, reply.json["code"]) == (400, "invalid_event")
    assert "ce-type" in reply.json["error"]
