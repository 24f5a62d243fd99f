"""One answer whichever way a model is asked: a table of speakers, models, datatypes and numbers of rows.

A new front door joins by one line in `SPEAKERS`: a function from a server, a model and its columns to the answer.
"""

import json
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest

from tests.server.models import IRIS, PEOPLE, TEXTS
from tests.server.process import Reply, Server
from tests.server.rpc.client import Both, Input, grpc_port, request, tensors
from tests.server.test_v2 import strings

pytestmark = pytest.mark.slow

# Column name and values; the one name "" is a table without names.
Columns = dict[str, np.ndarray]
Answer = tuple[int, Any]
Speaker = Callable[[Server, str, Columns], Answer]

DATATYPES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64", "int8": "INT8",
    "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FP16", "float32": "FP32", "float64": "FP64",
    "object": "BYTES",
}  # fmt: skip


def v1(server: Server, model: str, columns: Columns) -> Answer:
    lists = {name: jsonable(array) for name, array in columns.items()}
    instances = lists.get("", lists)
    reply = server.post(f"/v1/models/{model}:predict", {"instances": instances})
    return reply.status, reply.json.get("predictions")


def flat(server: Server, model: str, columns: Columns) -> Answer:
    return v2(server, model, columns, lambda array: jsonable(array.reshape(-1)))


def nested(server: Server, model: str, columns: Columns) -> Answer:
    return v2(server, model, columns, jsonable)


def raw(server: Server, model: str, columns: Columns) -> Answer:
    """Binary both ways."""
    payloads = [strings(*a.reshape(-1)) if a.dtype == object else a.tobytes() for a in columns.values()]
    inputs = [
        {**tensor(name, array), "parameters": {"binary_data_size": len(payload)}}
        for (name, array), payload in zip(columns.items(), payloads, strict=True)
    ]
    head = json.dumps(
        {"inputs": inputs, "parameters": {**parameters(columns), "binary_data_output": True}}
    ).encode()
    reply = server.post(
        f"/v2/models/{model}/infer", head + b"".join(payloads), Inference_Header_Content_Length=str(len(head))
    )
    if reply.status != 200:
        return reply.status, None
    length = int(reply.headers["inference-header-content-length"])
    (output,) = json.loads(reply.body[:length])["outputs"]
    return 200, unpack(reply.body[length:], output["datatype"]).reshape(output["shape"]).tolist()


def grpc_raw(server: Server, model: str, columns: Columns) -> Answer:
    return over_grpc(server, model, columns, raw=True)


def grpc_typed(server: Server, model: str, columns: Columns) -> Answer:
    """In typed contents, but for FP16, which has none."""
    return over_grpc(server, model, columns, raw=any(a.dtype.name == "float16" for a in columns.values()))


SPEAKERS: dict[str, Speaker] = {
    "v1": v1, "v2 flat": flat, "v2 nested": nested, "v2 raw": raw, "grpc raw": grpc_raw, "grpc typed": grpc_typed,
}  # fmt: skip
STATUSES = {grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.INTERNAL: 500}


def table(rows: Any) -> Columns:
    return {"": np.asarray(rows)}


def people(count: int) -> Columns:
    return {
        "age": PEOPLE["age"].to_numpy()[:count],
        "city": PEOPLE["city"].to_numpy(dtype=object)[:count],
        "visits": PEOPLE["visits"].to_numpy()[:count],
    }


GAPS = np.where(np.arange(600).reshape(150, 4) % 5 == 0, np.nan, IRIS.data)
NUMBERS = np.random.default_rng(3).normal(size=(40, 3))
CASES: dict[str, tuple[str, Callable[[int], Columns]]] = {
    "numeric": ("iris", lambda n: table(IRIS.data[:n])),
    "string labels": ("flowers", lambda n: table(IRIS.data[:n])),
    "text": ("text", lambda n: table(np.array(TEXTS[:n], dtype=object))),
    "mixed": ("mixed", people),
    "regressor": ("regressor", lambda n: table(NUMBERS[:n])),
    "multi-output": ("multi_output", lambda n: table(NUMBERS[:n])),
    "multi-label": ("multi_label", lambda n: table(IRIS.data[:n])),
    "sparse": ("sparse", lambda n: table(np.array(TEXTS[:n], dtype=object))),
    "NaN": ("gaps", lambda n: table(GAPS[:n])),
    "NaN in and out": ("scaler", lambda n: table(GAPS[:n])),
}


@pytest.mark.parametrize("rows", [0, 1, 6])
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("speaker", list(SPEAKERS))
def test_every_way_to_ask_gives_the_models_own_answer(
    server: Server, models: dict[str, Any], speaker: str, case: str, rows: int
) -> None:
    model, make = CASES[case]
    columns = make(rows)

    status, answer = SPEAKERS[speaker](server, model, columns)

    if rows == 0:
        assert status == 400
        return
    assert status == 200
    expected = own_answer(models[model], columns)
    got = np.array(answer, dtype=object if expected.dtype.kind in "UO" else expected.dtype)
    assert got.shape == expected.shape
    assert got.tolist() == expected.tolist() or np.array_equal(got, expected, equal_nan=True)


@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("dtype", [dtype for dtype in DATATYPES if dtype != "object"])
@pytest.mark.parametrize("speaker", list(SPEAKERS))
def test_every_datatype_gives_the_same_label(
    server: Server, models: dict[str, Any], speaker: str, dtype: str, rows: int
) -> None:
    values = np.rint(IRIS.data[::30][:rows]).astype(dtype)

    status, answer = SPEAKERS[speaker](server, "flowers", table(values))

    if rows == 0:
        assert status == 400
    else:
        assert (status, answer) == (200, models["flowers"].predict(values).tolist())


def own_answer(model: Any, columns: Columns) -> np.ndarray:
    rows = columns[""] if "" in columns else pd.DataFrame(columns)
    rows = rows.tolist() if isinstance(rows, np.ndarray) and rows.dtype == object else rows
    result = model.predict(rows) if hasattr(model, "predict") else model.transform(rows)
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result)


def v2(server: Server, model: str, columns: Columns, write: Callable[[np.ndarray], Any]) -> Answer:
    inputs = [{**tensor(name, array), "data": write(array)} for name, array in columns.items()]
    reply: Reply = server.post(
        f"/v2/models/{model}/infer", {"inputs": inputs, "parameters": parameters(columns)}
    )
    if reply.status != 200:
        return reply.status, None
    (output,) = reply.json["outputs"]
    data = np.array(output["data"], dtype=object if output["datatype"] == "BYTES" else None)
    return 200, data.reshape(output["shape"]).tolist()


def over_grpc(server: Server, model: str, columns: Columns, *, raw: bool) -> Answer:
    inputs = [Input(name or "x", DATATYPES[array.dtype.name], array) for name, array in columns.items()]
    message = request(model, inputs, raw=raw, parameters=parameters(columns))
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port(server)}") as channel:
        try:
            response = Both(server, channel, 0).infer(message)
        except grpc.RpcError as error:
            return STATUSES[error.code()], None
    ((_, shape, elements),) = tensors(response).values()
    floats = [float(item) if response.outputs[0].datatype.startswith("FP") else item for item in elements]
    return 200, np.array(floats, dtype=object).reshape(shape).tolist()


def parameters(columns: Columns) -> dict[str, str]:
    return {} if "" in columns else {"content_type": "pd"}


def tensor(name: str, array: np.ndarray) -> dict[str, Any]:
    return {"name": name or "x", "shape": list(array.shape), "datatype": DATATYPES[array.dtype.name]}


def jsonable(array: np.ndarray) -> Any:
    return (
        np.where(pd.isna(array), None, array.astype(object)).tolist()
        if array.dtype.kind == "f"
        else array.tolist()
    )


def unpack(payload: bytes, datatype: str) -> np.ndarray:
    if datatype != "BYTES":
        return np.frombuffer(payload, next(dtype for dtype, name in DATATYPES.items() if name == datatype))
    items, position = [], 0
    while position < len(payload):
        end = position + 4 + int.from_bytes(payload[position : position + 4], "little")
        items.append(payload[position + 4 : end].decode())
        position = end
    return np.array(items, dtype=object)
