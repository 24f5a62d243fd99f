"""Anything may arrive: no 5xx, no hang, no growth, and the server lives (bounded length; the same cases each run)."""

import contextlib
import http.client
import json
import socket
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol import cloudevents, compression, v1, v2
from kserve_lite_server.protocol.datatypes import DTYPES
from kserve_lite_server.protocol.inference import to_call
from tests.server.process import Server
from tests.server.test_limits import memory

pytestmark = pytest.mark.slow

PURE = settings(max_examples=300, deadline=None, derandomize=True)
LIVE = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

HEADERS = [
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "accept-encoding",
    "accept",
    "traceparent",
    "ce-specversion",
    "content-type",
    "expect",
    "connection",
    "inference-header-content-length",
    "upgrade",
]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
names = st.sampled_from(["x", "age", "city", "visits", "output-0", "predict_proba", ""])
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": names | scalars,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | scalars,
        "datatype": st.sampled_from([*DTYPES, "BF16", "fp64"]) | scalars,
        "data": st.lists(scalars, max_size=6) | values,
        "parameters": st.dictionaries(
            st.sampled_from(["content_type", "binary_data_size"]), scalars, max_size=2
        )
        | scalars,
    },
)
infer_bodies = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=3) | values},
    optional={
        "id": scalars,
        "outputs": st.lists(st.fixed_dictionaries({"name": names}) | values, max_size=3) | scalars,
        "parameters": st.dictionaries(st.sampled_from(["nan", "content_type"]), scalars) | scalars,
    },
)


def written(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, default=str).encode() if _finite(value) else b'{"inputs": NaN}'


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@PURE
@given(st.binary(max_size=60) | values.map(written) | values.map(lambda value: written({"instances": value})))
def test_v1_decodes_or_refuses(body: bytes) -> None:
    with contextlib.suppress(ServeError):
        assert v1.decode(body).count > 0


@PURE
@given(infer_bodies.map(written), st.binary(max_size=40), st.none() | st.integers(0, 400))
def test_v2_decodes_or_refuses(head: bytes, payload: bytes, length: int | None) -> None:
    with contextlib.suppress(ServeError):
        request = v2.decode(head + payload if length is not None else head, length)
        assert to_call(request, ("predict", "predict_proba"), "predict", None).count > 0


@PURE
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd", "br", "gzip, zstd", ",", ""]))
def test_compressed_bodies_are_read_or_refused(body: bytes, encoding: str) -> None:
    with contextlib.suppress(ServeError):
        assert len(compression.decompress(body, encoding, 1000)) <= 1000


@PURE
@given(
    st.dictionaries(
        st.sampled_from(["ce-specversion", "ce-id", "ce-type", "ce-source", "content-type"]),
        st.text(max_size=40),
    ),
    st.binary(max_size=60) | values.map(written),
    st.booleans(),
)
def test_events_are_read_or_refused(headers: dict[str, str], body: bytes, structured: bool) -> None:
    if structured:
        headers["content-type"] = cloudevents.STRUCTURED
    with contextlib.suppress(ServeError):
        cloudevents.unwrap(headers, body)


@LIVE
@given(model=st.sampled_from(["iris", "text", "mixed", "gaps", "multi_output", "named"]), body=values)
def test_no_v1_body_is_the_servers_fault(server: Server, model: str, body: Any) -> None:
    reply = server.post(f"/v1/models/{model}:predict", written({"instances": body}))

    assert reply.status in (200, 400), reply.body
    assert (reply.status == 200) == ("predictions" in orjson.loads(reply.body))


@LIVE
@given(model=st.sampled_from(["iris", "text", "mixed", "flowers"]), body=infer_bodies)
def test_no_v2_body_is_the_servers_fault(server: Server, model: str, body: Any) -> None:
    assert server.post(f"/v2/models/{model}/infer", written(body)).status in (200, 400)


@LIVE
@given(
    size=st.integers(-1, 64) | st.text(max_size=3),
    payload=st.binary(max_size=64),
    shift=st.integers(-4, 4),
    datatype=st.sampled_from(list(DTYPES)),
)
def test_no_binary_body_is_the_servers_fault(
    server: Server, size: Any, payload: bytes, shift: int, datatype: str
) -> None:
    tensor = {"name": "x", "shape": [1, 4], "datatype": datatype, "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()

    reply = server.post(
        "/v2/models/iris/infer", head + payload, Inference_Header_Content_Length=str(len(head) + shift)
    )

    assert reply.status in (200, 400), reply.body


@LIVE
@given(
    name=st.sampled_from(HEADERS),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
)
def test_no_header_is_the_servers_fault(server: Server, name: str, value: str) -> None:
    body = b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'
    length = b"" if name in ("content-length", "transfer-encoding") else b"Content-Length: %d\r\n" % len(body)
    head = b"POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\n" + length

    with server.connect() as connection:
        connection.settimeout(2)
        connection.sendall(head + f"{name}: {value}\r\n\r\n".encode("latin-1") + body)
        connection.shutdown(socket.SHUT_WR)
        status = first_status(connection)

    assert status is None or status < 500, (name, value)
    assert server.get("/v2/health/live").status == 200


@LIVE
@given(st.binary(max_size=200))
def test_what_is_not_http_harms_nobody(server: Server, noise: bytes) -> None:
    with server.connect() as connection:
        connection.settimeout(2)
        connection.sendall(noise)
        connection.shutdown(socket.SHUT_WR)
        status = first_status(connection)

    assert status is None or status < 500
    assert server.get("/v2/health/live").status == 200


def test_a_thousand_wrong_requests_leave_no_memory_behind(server: Server) -> None:
    def wrong(count: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for number in range(count):
            body = json.dumps({"instances": [[number] * (number % 7)], f"key{number}": 1}).encode()
            connection.request(
                "POST", f"/v1/models/{'iris' if number % 2 else 'nope' + str(number)}:predict", body
            )
            connection.getresponse().read()
        connection.close()

    wrong(300)
    before = memory(server)
    wrong(1000)

    assert memory(server) - before < 5


def first_status(connection: socket.socket) -> int | None:
    """The status of the reply; None when the connection ends, or nothing comes, without one."""
    received = b""
    try:
        while b"\r\n" not in received and (chunk := connection.recv(4096)):
            received += chunk
    except (TimeoutError, ConnectionResetError):
        return None
    return int(received.split()[1]) if received.startswith(b"HTTP/1.1 ") else None


@pytest.mark.parametrize("name", ["a/b", "..", "%2e%2e", "a%00b", "x" * 5000, "ü", "a:b"])
def test_a_strange_model_name_is_404(server: Server, name: str) -> None:
    from urllib.parse import quote

    path = f"/v1/models/{quote(name, safe='%/.:')}"

    assert server.get(path).status == 404
    assert server.post(f"/v2/repository/models/{quote(name, safe='%/.:')}/load").status == 404
