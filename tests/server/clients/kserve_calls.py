"""Every call of the clients in PyPI's `kserve`, made against a running server; run by an interpreter that has it.

`python kserve_calls.py REST_URL GRPC_ADDRESS` prints one JSON object: the call's name, and what it returned or raised.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])
WORDS = np.array(["good fine great", "bad awful poor"], dtype=object)
DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip


def tensor(values: np.ndarray, datatype: str, binary: bool, name: str = "x") -> Any:
    item = InferInput(name, list(values.shape), datatype)
    item.set_data_from_numpy(values, binary_data=binary)
    return item


def request(model: str, *tensors: Any, **more: Any) -> Any:
    return InferRequest(model_name=model, infer_inputs=list(tensors), request_id="mine", **more)


def people(binary: bool) -> Any:
    columns = [
        tensor(np.array([20.0, 50.0]), "FP64", binary, "age"),
        tensor(np.array(["Rome", "Bonn"], dtype=object), "BYTES", binary, "city"),
        tensor(np.array([1, 4]), "INT64", binary, "visits"),
    ]
    return request("mixed", *columns, parameters={"content_type": "pd"})


def values(response: Any) -> Any:
    found = {output.name: np.asarray(output.as_numpy()) for output in response.outputs}
    return {name: [text(item) for item in array.reshape(-1).tolist()] for name, array in found.items()}


def text(item: Any) -> Any:
    return item.decode() if isinstance(item, bytes) else item


def rest_calls(url: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    v1, v2 = (InferenceRESTClient(RESTConfig(protocol=name)) for name in ("v1", "v2"))
    seen: dict[str, str] = {}

    async def infer(model: str, data: Any) -> Any:
        return values(await v2.infer(url, data, model_name=model))

    async def identified() -> Any:
        answer = await v2.infer(url, request("iris", tensor(ROWS, "FP64", False)), model_name="iris")
        return [answer.id, answer.model_name]

    async def headers() -> Any:
        await v1.infer(url, {"instances": ROWS.tolist()}, model_name="iris", response_headers=seen)
        return seen["content-type"]

    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "v1 live": lambda: v1.is_server_live(url),
        "v1 model ready": lambda: v1.is_model_ready(url, "iris"),
        "v1 unknown model ready": lambda: v1.is_model_ready(url, "nope"),
        "v1 infer": lambda: v1.infer(url, {"instances": ROWS.tolist()}, model_name="iris"),
        "v1 wrong width": lambda: v1.infer(url, {"instances": [[1, 2]]}, model_name="iris"),
        "v1 explain": lambda: v1.explain(url, "iris", {"instances": ROWS.tolist()}),
        "v1 response headers": headers,
        "v2 live": lambda: v2.is_server_live(url),
        "v2 ready": lambda: v2.is_server_ready(url),
        "v2 model ready": lambda: v2.is_model_ready(url, "iris"),
        "v2 unknown model ready": lambda: v2.is_model_ready(url, "nope"),
        "v2 id": identified,
        "v2 several outputs": lambda: infer(
            "iris",
            request(
                "iris",
                tensor(ROWS, "FP64", True),
                request_outputs=[RequestedOutput("predict_proba", {"binary_data": True}), RequestedOutput("predict")],
            ),
        ),
    }  # fmt: skip
    for binary in (False, True):
        kind = "binary" if binary else "json"
        calls[f"v2 {kind} text"] = lambda binary=binary: infer(
            "text", request("text", tensor(WORDS, "BYTES", binary))
        )
        calls[f"v2 {kind} columns"] = lambda binary=binary: infer("mixed", people(binary))
        calls[f"v2 {kind} out"] = lambda binary=binary: infer(
            "flowers",
            request("flowers", tensor(ROWS, "FP64", binary), parameters={"binary_data_output": binary}),
        )
        for datatype, dtype in DTYPES.items():
            if binary or datatype != "FP16":  # the client itself refuses FP16 in JSON
                calls[f"v2 {kind} {datatype}"] = lambda binary=binary, datatype=datatype, dtype=dtype: infer(
                    "flowers", request("flowers", tensor(np.rint(ROWS).astype(dtype), datatype, binary))
                )
    return calls


def grpc_calls(address: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    client = InferenceGRPCClient(address)

    async def infer(data: Any) -> Any:
        return values(await client.infer(data, headers=(("x-request-id", "mine"),)))

    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "grpc live": client.is_server_live,
        "grpc ready": client.is_server_ready,
        "grpc model ready": lambda: client.is_model_ready("iris"),
        "grpc unknown model ready": lambda: client.is_model_ready("nope"),
        "grpc unknown model": lambda: infer(request("nope", tensor(ROWS, "FP64", True))),
        "grpc wrong width": lambda: infer(request("iris", tensor(ROWS[:, :2].copy(), "FP64", True))),
    }
    for binary in (False, True):
        kind = "raw" if binary else "typed"
        calls[f"grpc {kind} text"] = lambda binary=binary: infer(
            request("text", tensor(WORDS, "BYTES", binary))
        )
        calls[f"grpc {kind} columns"] = lambda binary=binary: infer(people(binary))
        for datatype, dtype in DTYPES.items():
            if binary or datatype != "FP16":
                calls[f"grpc {kind} {datatype}"] = lambda binary=binary, datatype=datatype, dtype=dtype: (
                    infer(request("flowers", tensor(np.rint(ROWS).astype(dtype), datatype, binary)))
                )
    return calls


async def outcome(call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await call()
    except httpx.HTTPStatusError as error:
        return {"status": error.response.status_code, "error": str(error)}
    except grpc.RpcError as error:
        return {"status": error.code().name, "error": error.details()}
    except Exception as error:  # a client that cannot read the answer is what this looks for
        return {"status": "client", "error": f"{type(error).__name__}: {error}"}


async def main(url: str, address: str) -> None:
    calls = rest_calls(url) | grpc_calls(address)
    print(json.dumps({name: await outcome(call) for name, call in calls.items()}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
