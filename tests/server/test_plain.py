"""The short way of reading and writing gives what the long way gives, or leaves it to it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol import plain, v1, v2
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.protocol.datatypes import DTYPES
from kserve_lite_server.protocol.inference import to_call, to_response
from kserve_lite_server.protocol.v2 import InferRequest

SCALARS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.sampled_from(["NaN", "a", ""]),
)
ROWS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=12)
MATRICES = st.integers(0, 3).flatmap(
    lambda width: st.lists(st.lists(st.floats(-9, 9) | st.integers(0, 3), min_size=width, max_size=width))
)
RESULTS = st.sampled_from([dtype for dtype in DTYPES.values() if not dtype.hasobject]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


def same(one: Any, other: Any) -> bool:
    return (
        isinstance(one, np.ndarray)
        and isinstance(other, np.ndarray)
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.tobytes() == other.tobytes()
    )


@given(
    st.dictionaries(st.sampled_from(["instances", "inputs", "parameters", "more"]), ROWS | MATRICES)
    | MATRICES.map(lambda rows: {"instances": rows})
)
def test_what_the_short_way_reads_of_v1_the_long_way_reads_as_well(request_body: Any) -> None:
    body = json.dumps(request_body).encode()

    rows = plain.read_v1(body)

    if rows is not None:
        call = v1.decode(body)
        assert same(rows, call.rows)
        assert (call.parameters, call.ignored) == ({}, ())


@given(
    st.sampled_from(["x", "", 7, None]),
    st.lists(st.integers(-1, 3) | st.booleans(), max_size=3),
    st.sampled_from([*DTYPES, "fp64", "FP63", 8]),
    MATRICES | ROWS,
    st.dictionaries(st.sampled_from(["id", "outputs", "parameters", "more"]), SCALARS, max_size=1),
    st.sampled_from([None, ["x"], ["y"]]),
)
def test_what_the_short_way_reads_of_v2_the_long_way_reads_as_well(
    name: Any, shape: list[int], datatype: Any, data: Any, more: dict[str, Any], features: list[str] | None
) -> None:
    body = json.dumps(
        {"inputs": [{"name": name, "shape": shape, "datatype": datatype, "data": data}], **more}
    ).encode()

    read = plain.read_v2(body, features)

    if read is not None:
        request = v2.decode(body)
        call: Call = to_call(request, ("predict",), "predict", features)
        assert same(read[0], call.rows)
        assert read[1] == request.id
        assert (request.parameters, request.outputs, call.ignored) == ({}, [], ())


@given(
    st.lists(st.integers(-1, 3) | st.booleans(), max_size=3),
    st.sampled_from([*DTYPES, "fp64", "FP63", 8]),
    st.binary(max_size=40),
    st.sampled_from([0, 0, 0, 1, -1]),
    st.dictionaries(st.sampled_from(["id", "outputs", "parameters", "more"]), SCALARS, max_size=1),
)
def test_what_the_short_way_reads_of_raw_bytes_the_long_way_reads_as_well(
    shape: list[int], datatype: Any, raw: bytes, off: int, more: dict[str, Any]
) -> None:
    size = {"binary_data_size": len(raw) + off}
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "parameters": size}
    head = json.dumps({"inputs": [tensor], **more}).encode()

    read = plain.read_v2_binary(head + raw, len(head), None)

    if read is not None:
        request = v2.decode(head + raw, len(head))
        call: Call = to_call(request, ("predict",), "predict", None)
        assert same(read[0], call.rows)
        assert read[1] == request.id
        assert (request.parameters, request.outputs, call.ignored) == ({}, [], ())


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "FP16", "INT64", "UINT8"])
def test_raw_measures_take_the_short_way(datatype: str) -> None:
    rows = np.ones((2, 3), DTYPES[datatype])
    size = {"binary_data_size": rows.nbytes}
    tensor = {"name": "x", "shape": [2, 3], "datatype": datatype, "parameters": size}
    head = json.dumps({"inputs": [tensor]}).encode()

    read = plain.read_v2_binary(head + rows.tobytes(), len(head), None)

    assert read is not None
    assert same(read[0], rows)


@given(RESULTS)
def test_what_the_short_way_writes_the_long_way_writes_byte_for_byte(result: Any) -> None:
    written = plain.write_v1(result), plain.write_v2(result, "m", None, "7")

    if written[0] is not None:
        response = to_response(InferRequest((), id="7"), {"predict": result}, "predict", "m")
        assert written == (
            v1.encode(result, "string"),
            v2.encode(response, InferRequest((), id="7"), "string")[0],
        )


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "column"}, {"name": 1}, {"datatype": "FP63"}, {"datatype": "fp64"}, {"datatype": None},
        {"datatype": "INT64"}, {"datatype": "FP32"}, {"shape": [3]}, {"shape": [1, -2]}, {"shape": []},
        {"shape": [True, 2]}, {"shape": "2"}, {"data": []}, {"data": [[1.5], [2.5]]}, {"data": ["1", "2"]},
        {"data": [1.5, None]}, {"data": 1.5}, {"parameters": {}}, {"extra": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_tensor_out_of_the_ordinary_is_left_to_the_long_way(change: dict[str, Any]) -> None:
    usual = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 2.5]}
    bodies = [json.dumps({"inputs": [tensor]}).encode() for tensor in (usual, {**usual, **change})]

    read, left = (plain.read_v2(body, ["column"]) for body in bodies)

    assert read is not None
    assert left is None


@pytest.mark.parametrize("dtype", ["FP64", "FP32", "INT64", "BOOL"])
def test_the_usual_rows_take_the_short_way(dtype: str) -> None:
    data = np.ones((2, 3), DTYPES[dtype]).tolist()
    tensor = {"name": "x", "shape": [2, 3], "datatype": dtype, "data": data}

    if dtype != "FP32":  # JSON's numbers are FP64; the long way narrows them
        assert plain.read_v2(json.dumps({"inputs": [tensor]}).encode(), None) is not None
    assert plain.read_v1(json.dumps({"instances": data}).encode()) is not None
    assert plain.write_v1(np.ones(2, DTYPES[dtype])) is not None


@pytest.mark.parametrize("body", [b"", b"[", b"[1]", b"{}", b'{"instances": []}', b'{"instances": [[]]}'])
def test_what_is_no_request_is_left_to_the_long_way_which_refuses_it(body: bytes) -> None:
    assert plain.read_v1(body) is None
    with pytest.raises(ServeError):
        v1.decode(body)
