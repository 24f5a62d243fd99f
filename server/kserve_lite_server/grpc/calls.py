"""What every gRPC service of a process has in common: its methods by their paths, and its log."""

import re
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.stream import Method
from kserve_lite_server.grpc.unary import Route, Unary
from kserve_lite_server.http.observe import RequestLog
from kserve_lite_server.http.process import Process

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
NAME: str = DESCRIPTOR.full_name


class Calls:
    """Routes calls to methods of a subclass (ModelInfer to `model_infer`), and logs them."""

    def __init__(self, process: Process) -> None:
        settings = process.settings
        self.process = process
        self.patience = settings.request_timeout
        self.longest_answer = settings.grpc_max_send_message_length
        self.log = RequestLog(
            process.metrics, settings.enable_latency_logging, settings.log_lines_per_second, process.spans
        )

    def methods(self) -> dict[str, Method]:
        """What a connection routes calls to: one method for each of the description."""
        return {f"/{NAME}/{method.name}": self._method(method) for method in DESCRIPTOR.methods}

    def at_once(self, call: Unary, request: Any) -> bool:
        """Take a ModelInfer that is answered with others of its turn; False for all that are not."""
        return False

    def _method(self, method: MethodDescriptor) -> Method:
        route = Route(
            f"/{NAME}/{method.name}",
            GetMessageClass(method.input_type),
            getattr(self, _snake(method.name)),
            method.name == "ModelInfer",
        )
        return lambda stream: Unary(self, route, stream)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
