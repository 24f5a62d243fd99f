"""inference.GRPCInferenceService: every call as a function from its message to its answer."""

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
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
from kserve_lite_server.http.observe import RequestLog, Seen, read_trace
from kserve_lite_server.protocol import inference
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.repository.repository import State
from kserve_lite_server.sklearn.describe import describe
from kserve_lite_server.sklearn.model import Model

log = logging.getLogger(__name__)

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
NAME: str = DESCRIPTOR.full_name
EXTENSIONS = ["model_repository"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call: its connection to the client, and what is seen of it for logs and metrics."""

    rpc: grpc.ServicerContext
    seen: Seen


class Service:
    """Answers the calls of one server process by the same repository and engine as REST."""

    def __init__(self, context: Context, pool: Pool) -> None:
        self._context = context
        self._pool = pool
        settings = context.settings
        self._log = RequestLog(
            context.metrics, settings.enable_latency_logging, settings.log_lines_per_second
        )
        self._running = 0
        self._ended = threading.Condition()

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return what grpcio routes calls to: one handler for each method of the description."""
        methods = {method.name: self._handler(method) for method in DESCRIPTOR.methods}
        return grpc.method_handlers_generic_handler(NAME, methods)

    def _handler(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[bytes, Message]":
        """Decode in the handler: grpcio would answer INTERNAL to bytes that are no message."""
        message = GetMessageClass(method.input_type)
        answer: Callable[[Any, Incoming], Message] = getattr(self, _snake(method.name))

        path, protocol = f"/{NAME}/{method.name}", "grpc" if method.name == "ModelInfer" else ""

        def handle(data: bytes, rpc: grpc.ServicerContext) -> Message:
            incoming = Incoming(rpc, Seen("gRPC", path, protocol, received=len(data)))
            status, code, sent, started = 499, "", 0, time.perf_counter()
            self._begun()
            try:
                response = answer(_parsed(message, data), incoming)
                status, sent = 200, response.ByteSize()
                return response
            except ServeError as error:
                status, code = error.status, error.code
                abort(rpc, error)
            except CancelledError:
                rpc.abort(grpc.StatusCode.CANCELLED, "the client cancelled the call")
            except Exception:
                log.exception("%s failed", path)
                status, code = 500, "internal"
                abort(rpc, ServeError(code, "the server failed; its log says why"))
            finally:
                trace = read_trace(_traceparent(rpc))
                self._log.ended(incoming.seen, status, code, sent, time.perf_counter() - started, trace)
                self._over()

        return grpc.unary_unary_rpc_method_handler(handle, response_serializer=_bytes)

    def _begun(self) -> None:
        self._log.began()
        with self._ended:
            self._running += 1

    def _over(self) -> None:
        with self._ended:
            self._running -= 1
            self._ended.notify_all()

    def idle(self, seconds: float) -> bool:
        """Wait until no call runs; False when that took longer."""
        with self._ended:
            return self._ended.wait_for(lambda: not self._running, seconds)

    def server_live(self, request: pb.ServerLiveRequest, call: Incoming) -> Message:
        """The process answers."""
        return pb.ServerLiveResponse(live=True)

    def server_ready(self, request: pb.ServerReadyRequest, call: Incoming) -> Message:
        """Every registered model answers and the process is not going down."""
        return pb.ServerReadyResponse(ready=self._context.ready)

    def model_ready(self, request: pb.ModelReadyRequest, call: Incoming) -> Message:
        """One model answers; an unknown one is an error, one that is not ready is not."""
        try:
            self._context.repository.model(request.name, request.version or None)
        except ServeError as error:
            if error.code != "model_not_ready":
                raise
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    def server_metadata(self, request: pb.ServerMetadataRequest, call: Incoming) -> Message:
        """Name, version, extensions."""
        return pb.ServerMetadataResponse(name="kserve-lite", version=__version__, extensions=EXTENSIONS)

    def model_metadata(self, request: pb.ModelMetadataRequest, call: Incoming) -> Message:
        """What the model takes and gives."""
        model = describe(self._context.repository.model(request.name, request.version or None))
        response = pb.ModelMetadataResponse(
            name=model["name"], versions=model["versions"], platform=model["platform"]
        )
        for tensors, described in ((response.inputs, model["inputs"]), (response.outputs, model["outputs"])):
            for tensor in described:
                tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        return response

    def model_infer(self, request: pb.ModelInferRequest, call: Incoming) -> Message:
        """Tensors in, tensors out."""
        version, seen, started = request.model_version or None, call.seen, time.perf_counter()
        model = self._context.repository.model(request.model_name, version)
        seen.model = model.name
        asked = messages.decode(request)
        signature = model.signature
        wanted = inference.to_call(asked, signature.methods, model.method, signature.features)
        seen.rows, seen.decoding = wanted.count, time.perf_counter() - started
        answer = self._context.engine.now(model, wanted)
        if answer is None:
            answer = self._wait(model, wanted, call.rpc)
        started = time.perf_counter()
        response = inference.to_response(asked, answer, model.method, model.name, version, signature.classes)
        if wanted.ignored:
            call.rpc.set_trailing_metadata((("warning", f"ignored: {', '.join(wanted.ignored)}"),))
        message = messages.encode(response, asked, raw=bool(request.raw_input_contents))
        seen.encoding = time.perf_counter() - started
        return message

    def repository_index(self, request: pb.RepositoryIndexRequest, call: Incoming) -> Message:
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

    def repository_model_load(self, request: pb.RepositoryModelLoadRequest, call: Incoming) -> Message:
        """Load, or load again; the old model serves until the new one can."""
        name = _model_name(request)
        with self._pool.waiting():
            self._context.control.load(name)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    def repository_model_unload(self, request: pb.RepositoryModelUnloadRequest, call: Incoming) -> Message:
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


def _traceparent(rpc: grpc.ServicerContext) -> str | None:
    for name, value in rpc.invocation_metadata():
        if name == "traceparent":
            return str(value)
    return None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()
