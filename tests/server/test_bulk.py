"""Large numeric bodies are read as small ones are: the same array, or the same refusal."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kserve_lite_server.errors import ServeError
from kserve_lite_server.protocol import bulk, v1, v2

ROWS = np.random.default_rng(4).normal(size=(700, 4)).tolist()


def usual_and_bulk(decode: Any, body: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reading comes to without the short way, and with it whatever the size."""
    found = []
    for smallest in (1 << 62, 0):
        monkeypatch.setattr(bulk, "SMALLEST", smallest)
        try:
            found.append(decode(body))
        except ServeError as error:
            found.append((error.code, error.message))
    return found


def same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) or isinstance(other, tuple):
        return bool(one == other)
    arrays = [
        getattr(call, "rows", None) if hasattr(call, "rows") else call.inputs[0].array
        for call in (one, other)
    ]
    if any(not isinstance(array, np.ndarray) for array in arrays):
        return type(arrays[0]) is type(arrays[1])
    first, second = arrays
    alike = first.dtype == second.dtype and first.shape == second.shape
    return alike and (first.dtype == object or first.tobytes() == second.tobytes())


def test_rows_and_tensors_of_numbers_take_the_short_way() -> None:
    body = json.dumps({"instances": ROWS}).encode()
    tensor = {
        "name": "x",
        "shape": [700, 4],
        "datatype": "FP64",
        "data": [value for row in ROWS for value in row],
    }
    request = v2.decode(json.dumps({"id": "mine", "inputs": [tensor]}).encode())

    assert len(body) > bulk.SMALLEST
    rows = bulk.read_rows(body)
    assert rows is not None
    assert rows.tolist() == ROWS
    assert (request.id, request.inputs[0].name) == ("mine", "x")
    assert request.inputs[0].array.tolist() == ROWS
    assert bulk.read_tensor(json.dumps({"inputs": [tensor]}).encode()) is not None


@pytest.mark.parametrize(
    "rows",
    [
        [[1.5, 2], [3]],
        [[1.5, 2], 3],
        [[1.5], [[2]]],
        [[[1.5]], [[2.5]]],
        [],
        [[]],
        [[], []],
        [[1, 2], [3, 4]],
        [[1.0, 2.0]],
        [[1.5, None]],
        [[1.5, "NaN"]],
        [[1.5, "["]],
        [[1.5, True]],
        [[True, False]],
        [1.5, 2.5],
        ["a", "b"],
        [{"a": 1.5}],
        {"a": [1.5]},
        [[1.5, 2**53 + 1]],
        [[1.5, 2**63]],
        [[1.5, 2**64]],
        [[1.5, -0.0]],
        [[2**53 + 1, 1]],
        None,
        1.5,
    ],
    ids=str,
)
def test_odd_rows_are_read_or_refused_alike(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for request in (
        {"instances": rows},
        {"instances": rows, "parameters": {}},
        {"inputs": rows},
        {"instances": rows, "a": [1]},
    ):
        usual, short = usual_and_bulk(v1.decode, json.dumps(request).encode(), monkeypatch)
        assert same(usual, short), (usual, short)


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [[1.5]], "instances": [[2.5]]}',
        b'{"instances": [[1.5]]} x',
        b'{"instances": [[1.5, NaN]]}',
        b"[[1.5]]",
        b'{"instances": [[1.5, 1e400]]}',
        b'{"instances": [[01.5]]}',
        b'{"instances": [[1.5]',
        b"\xff" * 40,
        b'{"\\u0069nstances": [[1.5]]}',
        b'{"instances": [[1.5, -0, 0.5]]}',
        b' {"instances" : [ [1.5 ] , [ 2.5] ] } ',
    ],
    ids=str,
)
def test_odd_text_is_read_or_refused_alike(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, short = usual_and_bulk(v1.decode, body, monkeypatch)
    if isinstance(usual, tuple) and usual[0] == "invalid_json":
        assert short[0] == "invalid_json"
    else:
        assert same(usual, short), (usual, short)


TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 2]}


@pytest.mark.parametrize(
    "tensor",
    [
        TENSOR,
        {**TENSOR, "data": [[1.5, 2]]},
        {**TENSOR, "shape": [2, 2]},
        {**TENSOR, "shape": [-1, 2]},
        {**TENSOR, "shape": []},
        {**TENSOR, "shape": 2},
        {**TENSOR, "shape": [0, 2], "data": []},
        {**TENSOR, "datatype": "FP32"},
        {**TENSOR, "datatype": "fp64"},
        {**TENSOR, "name": ""},
        {**TENSOR, "name": 3},
        {**TENSOR, "name": "["},
        {**TENSOR, "data": [1.5, None]},
        {**TENSOR, "data": [1.5, "NaN"]},
        {**TENSOR, "parameters": {}},
        {**TENSOR, "more": 1},
        {"name": "x"},
        [],
        None,
        {**TENSOR, "data": [1, 2]},
        {**TENSOR, "shape": [True, 2]},
        {**TENSOR, "shape": [1.0, 2]},
    ],
    ids=str,
)
def test_odd_tensors_are_read_or_refused_alike(tensor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for request in (
        {"inputs": [tensor]},
        {"inputs": [tensor, tensor]},
        {"inputs": [tensor], "id": 3},
        {"inputs": [tensor], "outputs": []},
        {"inputs": [tensor], "parameters": {"nan": "null"}},
    ):
        usual, short = usual_and_bulk(v2.decode, json.dumps(request).encode(), monkeypatch)
        assert same(usual, short), (usual, short)


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.lists(NUMBERS | st.none() | st.lists(NUMBERS, max_size=2), max_size=4), max_size=4))
def test_any_rows_are_read_or_refused_alike(rows: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        usual, short = usual_and_bulk(v1.decode, json.dumps({"instances": rows}).encode(), patch)
    assert same(usual, short), (usual, short)
