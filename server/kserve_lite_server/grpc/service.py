"""inference.GRPCInferenceService: every call as a function from its message to its answer."""

import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from kserve_lite_server import __version__
from kserve_lite_server.engine.engine import Answer
from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc import messages
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.errors import abort
from kserve_lite_server.grpc.pool import Pool
from kserve_lite_server.http.context import Context
from kserve_lite_server.protocol import inference
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.repository.repository import State
from kserve_lite_server.sklearn.describe import describe
from kserve_lite_server.sklearn.model import Model

log = logging.getLogger(__name__)

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
NAME: str = DESCRIPTOR.full_name
EXTENSIONS = ["model_repository"]


class Service:
    """Answers the calls of one server process by the same repository and engine as REST."""

    def __init__(self, context: Context, pool: Pool) -> None:
        self._context = context
        self._pool = pool
        self._running = 0
        self._ended = threading.Condition()

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return what grpcio routes calls to: one handler for each method of the description."""
        methods = {method.name: self._handler(method) for method in DESCRIPTOR.methods}
        return grpc.method_handlers_generic_handler(NAME, methods)

    def _handler(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[bytes, Message]":
        """Decode in the handler: grpcio would answer INTERNAL to bytes that are no message."""
        message = GetMessageClass(method.input_type)
        answer: Callable[[Any, grpc.ServicerContext], Message] = getattr(self, _snake(method.name))

        def handle(data: bytes, rpc: grpc.ServicerContext) -> Message:
            with self._ended:
                self._running += 1
            try:
                return answer(_parsed(message, data), rpc)
            except ServeError as error:
                abort(rpc, error)
            except CancelledError:
                rpc.abort(grpc.StatusCode.CANCELLED, "the client cancelled the call")
            except Exception:
                log.exception("%s failed", method.full_name)
                abort(rpc, ServeError("internal", "the server failed; its log says why"))
            finally:
                with self._ended:
                    self._running -= 1
                    self._ended.notify_all()

        return grpc.unary_unary_rpc_method_handler(handle, response_serializer=_bytes)

    def idle(self, seconds: float) -> bool:
        """Wait until no call runs; False when that took longer."""
        with self._ended:
            return self._ended.wait_for(lambda: not self._running, seconds)

    def server_live(self, request: pb.ServerLiveRequest, rpc: grpc.ServicerContext) -> Message:
        """The process answers."""
        return pb.ServerLiveResponse(live=True)

    def server_ready(self, request: pb.ServerReadyRequest, rpc: grpc.ServicerContext) -> Message:
        """Every registered model answers and the process is not going down."""
        return pb.ServerReadyResponse(ready=self._context.ready)

    def model_ready(self, request: pb.ModelReadyRequest, rpc: grpc.ServicerContext) -> Message:
        """One model answers; an unknown one is an error, one that is not ready is not."""
        try:
            self._context.repository.model(request.name, request.version or None)
        except ServeError as error:
            if error.code != "model_not_ready":
                raise
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    def server_metadata(self, request: pb.ServerMetadataRequest, rpc: grpc.ServicerContext) -> Message:
        """Name, version, extensions."""
        return pb.ServerMetadataResponse(name="kserve-lite", version=__version__, extensions=EXTENSIONS)

    def model_metadata(self, request: pb.ModelMetadataRequest, rpc: grpc.ServicerContext) -> Message:
        """What the model takes and gives."""
        model = describe(self._context.repository.model(request.name, request.version or None))
        response = pb.ModelMetadataResponse(
            name=model["name"], versions=model["versions"], platform=model["platform"]
        )
        for tensors, described in ((response.inputs, model["inputs"]), (response.outputs, model["outputs"])):
            for tensor in described:
                tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        return response

    def model_infer(self, request: pb.ModelInferRequest, rpc: grpc.ServicerContext) -> Message:
        """Tensors in, tensors out."""
        version = request.model_version or None
        model = self._context.repository.model(request.model_name, version)
        asked = messages.decode(request)
        signature = model.signature
        call = inference.to_call(asked, signature.methods, model.method, signature.features)
        answer = self._context.engine.now(model, call)
        if answer is None:
            answer = self._wait(model, call, rpc)
        response = inference.to_response(asked, answer, model.method, model.name, version, signature.classes)
        if call.ignored:
            rpc.set_trailing_metadata((("warning", f"ignored: {', '.join(call.ignored)}"),))
        return messages.encode(response, asked, raw=bool(request.raw_input_contents))

    def repository_index(self, request: pb.RepositoryIndexRequest, rpc: grpc.ServicerContext) -> Message:
        """Every model with its state, and why it does not serve."""
        response = pb.RepositoryIndexResponse()
        for entry in self._context.repository.entries:
            if not request.ready or entry.state is State.READY:
                response.models.add(
                    name=entry.name,
                    version=entry.model.version if entry.model else "",
                    state=State.UNAVAILABLE if entry.state is State.UNLOADED else entry.state,
                    reason=entry.reason,
                )
        return response

    def repository_model_load(
        self, request: pb.RepositoryModelLoadRequest, rpc: grpc.ServicerContext
    ) -> Message:
        """Load, or load again; the old model serves until the new one can."""
        name = _model_name(request)
        with self._pool.waiting():
            self._context.control.load(name)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    def repository_model_unload(
        self, request: pb.RepositoryModelUnloadRequest, rpc: grpc.ServicerContext
    ) -> Message:
        """Stop serving a model."""
        name = _model_name(request)
        with self._pool.waiting():
            self._context.control.unload(name)
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)

    def _wait(self, model: Model, call: Call, rpc: grpc.ServicerContext) -> Answer:
        """Ask a slow model for as long as the client waits; a call that nobody waits for is dropped."""
        asked = self._context.engine.begin(model, call, rpc.time_remaining())
        if not rpc.add_callback(asked.cancel):
            asked.cancel()  # the client was gone before
        with self._pool.waiting():
            return asked.wait()


def _parsed(message: type[Message], data: bytes) -> Message:
    try:
        return message.FromString(data)
    except DecodeError:
        raise invalid(f"the bytes are no {message.DESCRIPTOR.full_name}") from None


def _model_name(request: pb.RepositoryModelLoadRequest | pb.RepositoryModelUnloadRequest) -> str:
    """The model's name in Triton's layout; in KServe's, which has it where Triton has the repository's."""
    for parameter in request.parameters:
        if (
            parameter != "unload_dependents"
        ):  # Triton's client always sends it; a model here has no dependents
            raise invalid(
                f"parameter {parameter!r} is not supported: a model is loaded from its own folder as it is"
            )
    return request.model_name or request.repository_name


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()
