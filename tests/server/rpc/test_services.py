"""Health and reflection as their clients use them, also for names that are not known."""

import queue
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tritonclient.grpc import service_pb2 as pb

from kserve_lite_server.grpc.status import Code
from tests.server.models import iris, save
from tests.server.rpc.client import Both, both, follow, refusal
from tests.server.rpc.wire import framed, headers, wire

pytestmark = pytest.mark.slow

HEALTH = "/grpc.health.v1.Health/Check"
UNKNOWN, SERVING, NOT_SERVING = (
    health_pb2.HealthCheckResponse.SERVICE_UNKNOWN,
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
)


def test_the_state_of_an_unknown_name_is_not_found(served: Both) -> None:
    stub = health_pb2_grpc.HealthStub(served.channel)

    code, said, _ = refusal(lambda: stub.Check(health_pb2.HealthCheckRequest(service="no"), timeout=30))

    assert (code, "no" in said) == (grpc.StatusCode.NOT_FOUND, True)


def test_who_watches_is_told_of_every_change_and_of_a_name_that_is_not_known(tmp_path: Path) -> None:
    save(iris(), tmp_path / "a")
    with both(tmp_path) as running:
        stub = health_pb2_grpc.HealthStub(running.channel)
        told: queue.Queue[int] = queue.Queue()
        watches = [
            stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=60) for name in ("a", "no")
        ]
        for watch in watches:
            threading.Thread(target=follow, args=(watch, told), daemon=True).start()
        assert {told.get(timeout=30), told.get(timeout=30)} == {SERVING, UNKNOWN}

        running.stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="a"), timeout=30)
        assert told.get(timeout=30) == NOT_SERVING
        running.stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="a"), timeout=30)
        assert told.get(timeout=30) == SERVING
        for watch in watches:
            watch.cancel()
        assert told.empty()


def test_reflection_answers_every_question_of_a_conversation(served: Both) -> None:
    request = reflection_pb2.ServerReflectionRequest
    extension = reflection_pb2.ExtensionRequest(
        containing_type="google.protobuf.FieldOptions", extension_number=1
    )
    asked = [
        request(list_services=""),
        request(file_by_filename="google/protobuf/descriptor.proto"),
        request(file_by_filename="no.proto"),
        request(file_containing_symbol="inference.ModelInferRequest"),
        request(file_containing_symbol="no.Message"),
        request(file_containing_extension=extension),
        request(all_extension_numbers_of_type="google.protobuf.FieldOptions"),
        request(all_extension_numbers_of_type="no.Message"),
        request(),
    ]
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)

    answers = list(stub.ServerReflectionInfo(iter(asked), timeout=30))

    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "list_services_response",
        "file_descriptor_response",
        "error_response",
        "file_descriptor_response",
        "error_response",
        "error_response",
        "all_extension_numbers_response",
        "error_response",
        "error_response",
    ]
    assert [answer.original_request for answer in answers] == asked
    assert [a.error_response.error_code for a in answers if a.HasField("error_response")] == [5, 5, 5, 5, 3]


def test_a_question_of_health_or_reflection_that_is_no_message_is_refused(served: Both) -> None:
    with wire(served.port) as client:
        for path in (HEALTH, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
            number = client.open(headers(path), flush=False)
            client.send(number, framed(b"\xff\xff"))
            client.send(number, b"", end=True)
            assert client.result(number).status == Code.INVALID_ARGUMENT
