"""One transformer, written for PyPI's kserve, on it and on our SDK: the same answers over V1, V2 and gRPC."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient import grpc as triton
from tritonclient.grpc import service_pb2 as pb

from tests.bench import environments
from tests.sdk.process import Running, program

MILLIMETRES = [[51.0, 35.0, 14.0, 2.0], [67.0, 30.0, 52.0, 23.0]]
PROTOCOLS = ("v1", "v2", "grpc-v2")


def transformers(python: Path, predictor: Running, stack: ExitStack) -> dict[str, Running]:
    """The transformer once a protocol of its predictor."""
    hosts = {"v1": predictor.port, "v2": predictor.port, "grpc-v2": predictor.grpc_port}
    return {
        protocol: stack.enter_context(
            program(
                "scaler.py",
                f"--predictor_host=127.0.0.1:{port}",
                f"--predictor_protocol={protocol}",
                python=python,
            )
        )
        for protocol, port in hosts.items()
    }


@pytest.fixture(scope="module")
def ours(predictor: Running) -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        yield transformers(Path(sys.executable), predictor, stack)


def answers(running: dict[str, Running]) -> dict[str, Any]:
    """What the transformer says to one question in every protocol, without what differs by chance."""
    _, v1, headers = running["v1"].predict("m", MILLIMETRES)
    found: dict[str, Any] = {"v1": v1, "header": headers["x-scaled"]}
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP64", "data": MILLIMETRES}
    for protocol in ("v2", "grpc-v2"):
        status, v2, headers = running[protocol].ask("/v2/models/m/infer", {"id": "7", "inputs": [tensor]})
        found[f"rest to {protocol}"] = (status, v2, headers["x-scaled"])
        found[f"grpc to {protocol}"] = over_grpc(running[protocol])
    return found


def over_grpc(running: Running) -> Any:
    asked = triton.InferInput("x", [2, 4], "FP64")
    asked.set_data_from_numpy(np.array(MILLIMETRES))
    with triton.InferenceServerClient(f"127.0.0.1:{running.grpc_port}") as client:
        answer = client.infer("m", [asked], request_id="8")
    message = answer.get_response()
    (output,) = message.outputs
    species = output.parameters["species"].string_param
    # In raw bytes or in typed contents: the protocol leaves that to the server.
    values = list(output.contents.int64_contents) or answer.as_numpy(output.name).tolist()
    return message.id, message.model_name, values, output.name, species


def test_a_transformer_of_kserve_runs_unmodified_on_our_sdk(ours: dict[str, Running]) -> None:
    found = answers(ours)

    assert found["v1"] == {"predictions": ["setosa", "virginica"], "unit": "mm"}
    assert found["header"] == "yes"
    for way in ("rest to v2", "rest to grpc-v2"):
        status, v2, _ = found[way]
        assert (status, v2["id"], v2["outputs"][0]["data"]) == (200, "7", [0, 2])
        assert v2["outputs"][0]["parameters"]["species"] == "setosa"
    for way in ("grpc to v2", "grpc to grpc-v2"):
        assert found[way] == ("8", "m", [0, 2], "output-0", "setosa")


@pytest.mark.slow
def test_the_same_program_answers_the_same_on_pypis_kserve(
    ours: dict[str, Running], predictor: Running
) -> None:
    environments.build("kserve")
    with ExitStack() as stack:
        theirs = transformers(environments.python_of("kserve"), predictor, stack)
        assert answers(theirs) == answers(ours)


@pytest.mark.slow
def test_where_kserve_is_installed_it_is_found_before_ours(tmp_path: Path) -> None:
    import subprocess

    environments.build("kserve")
    python = environments.python_of("kserve")
    compat = importlib.util.find_spec("kserve")
    assert compat is not None
    assert compat.origin is not None
    site = next((environments.CACHE / "kserve").glob("lib/*/site-packages"))
    pth = tmp_path / "ours.pth"
    pth.write_text(str(Path(compat.origin).parents[1]))
    code = f"import site; site.addpackage({str(tmp_path)!r}, 'ours.pth', None); import kserve; print(kserve.__file__)"

    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)

    assert Path(done.stdout.strip()).is_relative_to(site)


def test_a_refusal_of_the_transformer_itself_is_a_400_in_every_protocol(ours: dict[str, Running]) -> None:
    status, body, _ = ours["v1"].ask("/v1/models/m:predict", {"rows": []})
    assert (status, body) == (400, {"error": "no instances", "code": "invalid_input"})

    wrong = pb.ModelInferRequest(model_name="m")
    with grpc.insecure_channel(f"127.0.0.1:{ours['v2'].grpc_port}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as refused:
            call(wrong)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
