"""The committed stubs are what the description generates, and the description is the wire format that others speak."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from tritonclient.grpc import service_pb2 as triton

SERVER = Path(__file__).parents[3] / "server"
PROTO = Path("kserve_lite_server/grpc/open_inference.proto")
# KServe's fields in messages that are empty in Triton's layout.
KSERVE = {
    "RepositoryModelLoadResponse": {1: "model_name", 2: "isLoaded"},
    "RepositoryModelUnloadResponse": {1: "model_name", 2: "isUnloaded"},
}


def protoc(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{SERVER}", *arguments, str(PROTO)], check=True
    )


def test_the_committed_stubs_are_what_make_generate_writes(tmp_path: Path) -> None:
    protoc(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}")

    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2.py*"))
    assert [path.name for path in written] == ["open_inference_pb2.py", "open_inference_pb2.pyi"]
    for path in written:
        assert (SERVER / path).read_text() == (tmp_path / path).read_text()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Our description in a pool of its own: a process can hold one message of a name only."""
    path = tmp_path_factory.mktemp("descriptors") / "set"
    protoc(f"--descriptor_set_out={path}")
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(path.read_bytes()).file:
        pool.Add(file)
    return pool.FindFileByName(str(PROTO))


def fields(message: Descriptor) -> dict[int, tuple[str, int, int, str | None, str | None]]:
    return {
        field.number: (
            field.name,
            field.type,
            field.label,
            field.message_type and field.message_type.full_name,
            field.containing_oneof and field.containing_oneof.name,
        )
        for field in message.fields
    }


def messages(message: Descriptor) -> dict[str, Descriptor]:
    nested = (found for inner in message.nested_types for found in messages(inner).items())
    return {message.full_name: message, **dict(nested)}


def test_every_field_has_the_number_and_the_type_that_tritonclient_knows(ours: Any) -> None:
    compared = 0
    for name, message in ours.message_types_by_name.items():
        theirs = messages(triton.DESCRIPTOR.message_types_by_name[name])
        for full_name, inner in messages(message).items():
            known = fields(theirs[full_name])
            for number, field in fields(inner).items():
                if number in KSERVE.get(name, {}):
                    assert field[0] == KSERVE[name][number]
                    assert number not in known
                else:
                    assert known[number] == field
                    compared += 1

    assert compared > 80


def test_every_call_has_the_messages_that_tritonclient_sends(ours: Any) -> None:
    (service,) = ours.services_by_name.values()
    theirs = triton.DESCRIPTOR.services_by_name[service.name]

    assert service.full_name == theirs.full_name == "inference.GRPCInferenceService"
    for method in service.methods:
        known = theirs.methods_by_name[method.name]
        assert (method.input_type.full_name, method.output_type.full_name) == (
            known.input_type.full_name,
            known.output_type.full_name,
        )
