"""inference.GRPCInferenceService over models from files: every call as a function from its message to its answer."""

import time

import grpc
from google.protobuf.message import Message

from kserve_lite_server import __version__
from kserve_lite_server.engine.engine import Answer
from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc import messages
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.calls import Calls, Incoming
from kserve_lite_server.grpc.pool import Pool
from kserve_lite_server.http.context import Context
from kserve_lite_server.protocol import inference
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.repository.repository import State
from kserve_lite_server.sklearn.describe import describe
from kserve_lite_server.sklearn.model import Model

EXTENSIONS = ["model_repository"]


class Service(Calls):
    """Answers the calls of one server process by the same repository and engine as REST."""

    def __init__(self, context: Context, pool: Pool) -> None:
        super().__init__(context)
        self._context = context
        self._pool = pool

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
