"""grpc.reflection.v1alpha: which services there are and what their messages look like, for grpcurl and its like."""

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2 as pb

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc.incoming import Sent
from kserve_lite_server.grpc.status import GOOD, Code
from kserve_lite_server.grpc.stream import Method, Stream

REFLECTION = "grpc.reflection.v1alpha.ServerReflection"


class Reflection:
    """Describes services that this process knows the descriptors of."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = sorted(services)
        self._pool = Default()

    def methods(self) -> dict[str, Method]:
        """What a connection routes calls to."""
        return {f"/{REFLECTION}/ServerReflectionInfo": lambda stream: Conversation(self, stream)}

    def answer(self, request: Any) -> Any:
        """The answer to one question."""
        kind = request.WhichOneof("message_request")
        response = pb.ServerReflectionResponse(valid_host=request.host, original_request=request)
        try:
            self._fill(response, kind, request)
        except KeyError:
            response.error_response.error_code = Code.NOT_FOUND
            response.error_response.error_message = f"{kind} {getattr(request, kind)!s:.200} is not known"
        return response

    def _fill(self, response: Any, kind: str | None, request: Any) -> None:
        pool = self._pool
        if kind == "list_services":
            for name in self._services:
                response.list_services_response.service.add(name=name)
        elif kind == "file_by_filename":
            _describe(response, pool.FindFileByName(request.file_by_filename))
        elif kind == "file_containing_symbol":
            _describe(response, pool.FindFileContainingSymbol(request.file_containing_symbol))
        elif kind == "file_containing_extension":
            asked = request.file_containing_extension
            message = pool.FindMessageTypeByName(asked.containing_type)
            extension = pool.FindExtensionByNumber(message, asked.extension_number)
            _describe(response, pool.FindFileContainingSymbol(extension.full_name))
        elif kind == "all_extension_numbers_of_type":
            name = request.all_extension_numbers_of_type
            found = pool.FindAllExtensions(pool.FindMessageTypeByName(name))
            numbers = response.all_extension_numbers_response
            numbers.base_type_name = name
            numbers.extension_number.extend(sorted(extension.number for extension in found))
        else:
            response.error_response.error_code = Code.INVALID_ARGUMENT
            response.error_response.error_message = "the question is not known"


class Conversation:
    """One stream of questions and answers."""

    patience: float | None = None

    def __init__(self, reflection: Reflection, stream: Stream) -> None:
        self._answer: Callable[[Any], Any] = reflection.answer
        self._stream = stream

    def received(self, message: Sent) -> None:
        """Answer a question."""
        try:
            request = pb.ServerReflectionRequest.FromString(message.read())
        except DecodeError:
            raise invalid(f"the bytes are no {pb.ServerReflectionRequest.DESCRIPTOR.full_name}") from None
        self._stream.send(self._answer(request).SerializeToString())

    def finish(self) -> None:
        """There are no more questions."""
        self._stream.end(GOOD)

    def refuse(self, error: ServeError) -> None:
        """End with an error."""
        self._stream.fail(error)

    def cancel(self) -> None:
        """Nobody asks any more."""


def _describe(response: Any, file: Any) -> None:
    """Give a file and all that it needs."""
    files, found = [file], {file.name: file}
    while files:
        for needed in files.pop().dependencies:
            if needed.name not in found:
                found[needed.name] = needed
                files.append(needed)
    for one in found.values():
        proto = descriptor_pb2.FileDescriptorProto()
        one.CopyToProto(proto)
        response.file_descriptor_response.file_descriptor_proto.append(proto.SerializeToString())
