"""Health, metadata, repository, limits and the end of a server, as gRPC clients see them."""

import queue
import re
import signal
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from tests.server.models import IRIS, iris, save, slow
from tests.server.process import refused, serving, until
from tests.server.rpc.client import Both, Input, both, follow, refusal, request, tensors

pytestmark = pytest.mark.slow

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
ROW = Input("x", "FP64", IRIS.data[:1])
HANG = request("model", [Input("x", "FP64", np.array([[-1.0]]))], raw=True)  # until the file `go` appears


def health(running: Both, service: str = "") -> Any:
    stub = health_pb2_grpc.HealthStub(running.channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status


def test_tritonclient_finds_everything_it_asks_for(served: Both) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}") as client:
        metadata = client.get_model_metadata("iris", as_json=True)
        rows = triton.InferInput("x", [150, 4], "FP64")
        rows.set_data_from_numpy(IRIS.data)
        result = client.infer("iris", [rows], request_id="r1", compression_algorithm="gzip")

        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("iris")
        assert client.is_model_ready("iris", "1")
        assert client.get_server_metadata().name == "kserve-lite"
        assert result.as_numpy("output-0").tolist() == iris().predict(IRIS.data).tolist()
        assert result.get_response().id == "r1"
        assert metadata["inputs"][0] == {"name": "input-0", "datatype": "FP64", "shape": ["-1", "4"]}
        assert {output["name"] for output in metadata["outputs"]} >= {"output-0", "predict_proba"}


def test_tritonclients_calls_under_way_together_are_answered_each_by_its_own(served: Both) -> None:
    answers: queue.Queue[Any] = queue.Queue()
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}") as client:
        for number in range(8):
            rows = triton.InferInput("x", [1, 4], "FP64")
            rows.set_data_from_numpy(IRIS.data[number * 20 : number * 20 + 1])
            client.async_infer(
                "iris",
                [rows],
                lambda result, error: answers.put(error or result),
                request_id=str(number),
                client_timeout=30,
            )
        got = [answers.get(timeout=30) for _ in range(8)]

    expected = iris().predict(IRIS.data[::20]).tolist()
    assert {answer.get_response().id: answer.as_numpy("output-0")[0] for answer in got} == {
        str(number): label for number, label in enumerate(expected)
    }


async def test_tritonclients_asyncio_client_is_answered(served: Both) -> None:
    rows = triton.InferInput("x", [150, 4], "FP64")
    rows.set_data_from_numpy(IRIS.data)
    async with triton_aio.InferenceServerClient(f"127.0.0.1:{served.port}") as client:
        assert await client.is_model_ready("iris")
        result = await client.infer("iris", [rows])

    assert result.as_numpy("output-0").tolist() == iris().predict(IRIS.data).tolist()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda client: client.get_model_config("iris"), id="configuration"),
        pytest.param(lambda client: client.get_inference_statistics("iris"), id="statistics"),
        pytest.param(lambda client: client.get_system_shared_memory_status(), id="shared memory"),
        pytest.param(lambda client: client.get_trace_settings("iris"), id="traces"),
        pytest.param(lambda client: client.get_log_settings(), id="log"),
    ],
)
def test_what_only_triton_has_is_unimplemented(served: Both, call: Any) -> None:
    with (
        triton.InferenceServerClient(f"127.0.0.1:{served.port}") as client,
        pytest.raises(triton.InferenceServerException) as refusal,
    ):
        call(client)

    assert refusal.value.status() == "StatusCode.UNIMPLEMENTED"


def test_metadata_is_what_rest_tells(served: Both) -> None:
    for model in ("iris", "text", "mixed", "multi_label"):
        told = served.stub.ModelMetadata(pb.ModelMetadataRequest(name=model), timeout=30)
        rest = served.rest.get(f"/v2/models/{model}").json
        for ours, theirs in ((told.inputs, rest["inputs"]), (told.outputs, rest["outputs"])):
            assert [(t.name, t.datatype, list(t.shape)) for t in ours] == [
                (t["name"], t["datatype"], t["shape"]) for t in theirs
            ]
        assert (told.platform, list(told.versions)) == (rest["platform"], rest["versions"])


def test_reflection_lists_and_describes_the_services(served: Both) -> None:
    database = ProtoReflectionDescriptorDatabase(served.channel)

    assert set(database.get_services()) == {
        "inference.GRPCInferenceService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    described = database.FindFileContainingSymbol("inference.GRPCInferenceService")
    assert "ModelInfer" in {method.name for method in described.service[0].method}


def test_a_model_is_unloaded_and_loaded_in_tritons_layout(tmp_path: Path) -> None:
    """D10: KServe's gRPC answers INTERNAL to every load and unload."""
    save(iris(), tmp_path / "a")
    save(iris(), tmp_path / "b")
    with both(tmp_path) as running, triton.InferenceServerClient(f"127.0.0.1:{running.port}") as client:
        client.unload_model("a")

        assert refusal(lambda: running.infer(request("a", [ROW], raw=True)))[0] is grpc.StatusCode.NOT_FOUND
        assert running.rest.get("/v1/models").json == {"models": ["b"]}
        assert (health(running, "a"), health(running, "b"), health(running)) == (
            NOT_SERVING,
            SERVING,
            SERVING,
        )
        index = {model.name: model for model in client.get_model_repository_index().models}
        assert (index["a"].state, index["a"].reason) == ("UNAVAILABLE", "unloaded")

        client.load_model("a")

        assert tensors(running.infer(request("a", [ROW], raw=True)))["output-0"][2] == [0]
        assert health(running, "a") == SERVING
        with pytest.raises(triton.InferenceServerException, match="Model with name nope does not exist"):
            client.load_model("nope")


def test_a_load_that_fails_says_why_and_health_and_readiness_follow(tmp_path: Path) -> None:
    save(iris(), tmp_path / "a")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/model.joblib").write_bytes(b"no pickle")
    with both(tmp_path) as running:
        load = pb.RepositoryModelLoadRequest(model_name="bad")
        code, sentence, trailer = refusal(lambda: running.stub.RepositoryModelLoad(load, timeout=30))

        assert code is grpc.StatusCode.UNAVAILABLE
        assert "model.joblib" in sentence
        assert trailer["error-code"].startswith("model_")
        assert not running.stub.ModelReady(pb.ModelReadyRequest(name="bad"), timeout=30).ready
        assert not running.stub.ServerReady(pb.ServerReadyRequest(), timeout=30).ready
        assert (health(running), health(running, "bad"), health(running, "a")) == (
            NOT_SERVING,
            NOT_SERVING,
            SERVING,
        )
        assert (
            refusal(lambda: running.infer(request("bad", [ROW], raw=True)))[0] is grpc.StatusCode.UNAVAILABLE
        )


def test_d10_kserves_layout_of_load_and_unload_is_read_and_answered(tmp_path: Path) -> None:
    """KServe has the model's name in field 1, and answers with the name and a flag."""
    save(iris(), tmp_path / "a")
    save(iris(), tmp_path / "b")
    name = b"\x0a\x01a"  # field 1: "a"
    with both(tmp_path) as running:
        service = "/inference.GRPCInferenceService"

        assert (
            running.channel.unary_unary(f"{service}/RepositoryModelUnload")(name, timeout=30)
            == name + b"\x10\x01"
        )
        assert running.rest.get("/v1/models").json == {"models": ["b"]}
        assert (
            running.channel.unary_unary(f"{service}/RepositoryModelLoad")(name, timeout=30)
            == name + b"\x10\x01"
        )
        assert running.rest.get("/v1/models").json == {"models": ["a", "b"]}


def test_a_message_of_9_mb_is_answered_and_refused_where_the_limit_is_lower(tmp_path: Path) -> None:
    save(iris(), tmp_path / "model")
    rows = np.tile(IRIS.data, (2000, 1))
    message = request("model", [Input("x", "FP64", rows)], raw=True)
    assert message.ByteSize() > 9_000_000

    with both(tmp_path) as running:
        assert tensors(running.infer(message))["output-0"][1] == (300_000,)
    with both(tmp_path, "--grpc_max_receive_message_length=8388608") as running:
        assert refusal(lambda: running.infer(message))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert health(running) == SERVING


def test_a_deadline_ends_the_call_and_what_waited_is_never_run(tmp_path: Path) -> None:
    with hanging(tmp_path, "--max_asyncio_workers=1") as running:
        first = running.stub.ModelInfer.future(HANG, timeout=60)
        until((tmp_path / "begun").exists)
        (tmp_path / "begun").unlink()

        code, _, _ = refusal(lambda: running.infer(HANG, timeout=0.5))
        cancelled = running.stub.ModelInfer.future(HANG, timeout=60)
        cancelled.cancel()
        rest = running.rest.get("/v2/health/live")
        (tmp_path / "go").touch()

        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert rest.status == 200
        assert tensors(first.result())["output-0"][2] == [0]
        quick = request("model", [Input("x", "FP64", np.array([[0.0]]))], raw=True)
        assert tensors(running.infer(quick))["output-0"][2] == [0]
        assert not (tmp_path / "begun").exists()


def test_the_servers_own_deadline_is_deadline_exceeded_too(tmp_path: Path) -> None:
    with hanging(tmp_path, "--request_timeout=0.5") as running:
        code, sentence, trailer = refusal(lambda: running.infer(HANG))

        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert trailer["error-code"] == "deadline_exceeded"
        assert "--request_timeout" in sentence
        (tmp_path / "go").touch()


def test_a_full_queue_is_resource_exhausted_and_health_still_answers(tmp_path: Path) -> None:
    flags = ("--max_asyncio_workers=1", "--max_queue_size=7", "--max_threads=1")
    with hanging(tmp_path, *flags) as running, ThreadPoolExecutor(9) as clients:
        calls = [clients.submit(running.infer, HANG, 60) for _ in range(9)]
        refusals = as_completed(calls)
        code, _, trailer = refusal(next(refusals).result)

        assert (code, trailer["error-code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "queue_full")
        assert int(trailer["retry-after"]) > 0
        assert health(running) == SERVING
        (tmp_path / "go").touch()
        assert sum(call.exception() is None for call in calls) == 8


def test_sigterm_turns_health_first_answers_what_runs_and_ends_with_0(tmp_path: Path) -> None:
    with hanging(tmp_path) as running:
        states: queue.Queue[int] = queue.Queue()
        watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
        threading.Thread(target=follow, args=(watch, states), daemon=True).start()
        assert states.get(timeout=30) == SERVING
        call = running.stub.ModelInfer.future(HANG, timeout=60)
        until((tmp_path / "begun").exists)

        running.rest.process.send_signal(signal.SIGTERM)

        assert states.get(timeout=30) == NOT_SERVING
        assert not call.done()
        (tmp_path / "go").touch()
        assert tensors(call.result())["output-0"][2] == [0]
        assert running.rest.process.wait(30) == 0


def test_a_taken_port_is_refused_with_the_flag(served: Both, model_root: Path) -> None:
    status, said = refused(
        f"--model_dir={model_root}", "--host=127.0.0.1", "--enable_grpc=true", f"--grpc_port={served.port}"
    )

    assert status == 1
    assert f"port {served.port} for gRPC is in use" in said
    assert "--grpc_port" in said
    assert "[port_taken]" in said


def test_two_workers_share_the_port_and_the_repository(tmp_path: Path) -> None:
    save(iris(), tmp_path / "a")
    save(iris(), tmp_path / "b")
    with both(tmp_path, "--workers=2") as running:
        running.stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="a"), timeout=30)

        for _ in range(20):  # a connection each, so that both workers are asked
            with grpc.insecure_channel(
                f"127.0.0.1:{running.port}", [("grpc.use_local_subchannel_pool", 1)]
            ) as channel:
                fresh = Both(running.rest, channel, running.port)
                assert (
                    refusal(lambda fresh=fresh: fresh.infer(request("a", [ROW], raw=True)))[0].name
                    == "NOT_FOUND"
                )
                assert tensors(fresh.infer(request("b", [ROW], raw=True)))["output-0"][2] == [0]


def hanging(folder: Path, *flags: str) -> Any:
    """A server whose model hangs until the file `go` appears."""
    save(slow(), folder / "model")
    return both(folder / "model", *flags, env={"SLOW_PLACE": str(folder)})


def test_calls_are_counted_and_logged_as_requests_over_rest_are(tmp_path: Path) -> None:
    save(iris(), tmp_path / "model")
    trace = ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    with both(tmp_path) as running:
        running.stub.ModelInfer(request("model", [ROW], raw=True), timeout=30, metadata=[trace])
        refusal(lambda: running.infer(request("model", [], raw=True)))

        def counted() -> bool:
            metrics = running.rest.get("/metrics").body.decode()
            counter = 'kserve_lite_requests_total{code="%d",method="ModelInfer",model_name="model",protocol="grpc"} 1.0'
            return counter % 200 in metrics and counter % 400 in metrics

        until(counted)
        until(lambda: "gRPC /inference.GRPCInferenceService/ModelInfer 400" in running.rest.log())
        assert '"trace_id":"' + "a" * 32 in running.rest.log()


def test_an_address_of_ipv6_is_said_as_clients_write_it_and_answers_both_protocols(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--host=::1", "--enable_grpc=true", "--grpc_port=0") as server:
        port = re.search(r"serving gRPC on (\[::1\]:\d+)", server.log())
        assert port, server.log()
        with grpc.insecure_channel(port[1]) as channel:
            answer = GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest(), timeout=10)
        with urllib.request.urlopen(f"http://[::1]:{server.port}/v2/health/live", timeout=10) as page:
            status = page.status

    assert (answer.live, status) == (True, 200)
