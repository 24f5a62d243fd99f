"""What every gRPC service of a process has in common: bytes to messages, errors to statuses, one log line a call."""

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

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.errors import abort
from kserve_lite_server.http.observe import RequestLog, Seen, read_trace
from kserve_lite_server.http.process import Process

log = logging.getLogger(__name__)

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
NAME: str = DESCRIPTOR.full_name


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call: its connection to the client, and what is seen of it for logs and metrics."""

    rpc: grpc.ServicerContext
    seen: Seen


class Calls:
    """Routes calls to methods of a subclass (ModelInfer to `model_infer`), logs them, and knows which run."""

    def __init__(self, process: Process) -> None:
        settings = process.settings
        self._log = RequestLog(
            process.metrics, settings.enable_latency_logging, settings.log_lines_per_second, process.spans
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
            request_id = _metadata(rpc, "x-request-id") or ""
            incoming = Incoming(rpc, Seen("gRPC", path, protocol, received=len(data), request_id=request_id))
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
                trace = read_trace(_metadata(rpc, "traceparent"))
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


def _parsed(message: type[Message], data: bytes) -> Message:
    try:
        return message.FromString(data)
    except DecodeError:
        raise invalid(f"the bytes are no {message.DESCRIPTOR.full_name}") from None


def _metadata(rpc: grpc.ServicerContext, wanted: str) -> str | None:
    for name, value in rpc.invocation_metadata():
        if name == wanted:
            return str(value)
    return None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()
