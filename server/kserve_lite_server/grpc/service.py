"""inference.GRPCInferenceService over models from files: every call as a function from its message to its answer."""

import asyncio
import time
from typing import Any

from google.protobuf.message import Message

from kserve_lite_server import __version__
from kserve_lite_server.engine.engine import Answer as Computed
from kserve_lite_server.engine.turns import Turns
from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.grpc import messages
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.calls import Calls
from kserve_lite_server.grpc.questions import Question, read_question, respond
from kserve_lite_server.grpc.status import encoded
from kserve_lite_server.grpc.unary import Answer, Unary
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.heavy import HEAVY_BYTES, off_loop
from kserve_lite_server.protocol import inference
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.protocol.v2 import InferRequest
from kserve_lite_server.repository.repository import State
from kserve_lite_server.sklearn.describe import describe

EXTENSIONS = ["model_repository"]


class Service(Calls):
    """Answers the calls of one server process by the same repository and engine as REST."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings = context.settings
        self._context = context
        self._turns = Turns(
            context.engine, settings.max_batch_size, settings.max_latency / 1000, self.log.began, self._told
        )
        self._ended: list[Question] = []

    def at_once(self, call: Unary, request: pb.ModelInferRequest) -> bool:
        """Take a request that fits the event loop; it is answered at the end of the turn, with the others."""
        if not self._context.settings.hot_path:
            return False
        question = read_question(self._context, call, request, self._tell)
        if question is None:
            return False
        self._turns.add(question)
        return True

    def _tell(self, question: Question, answer: Any) -> None:
        respond(question, answer)
        self._ended.append(question)

    def _told(self) -> None:
        ended, self._ended = self._ended, []
        if ended:
            self.log.ended_together(ended)
            for connection in {question.call.stream.connection for question in ended}:
                connection.flush()

    def server_live(self, request: pb.ServerLiveRequest, call: Unary) -> Message:
        """The process answers."""
        return pb.ServerLiveResponse(live=True)

    def server_ready(self, request: pb.ServerReadyRequest, call: Unary) -> Message:
        """Every registered model answers and the process is not going down."""
        return pb.ServerReadyResponse(ready=self._context.ready)

    def model_ready(self, request: pb.ModelReadyRequest, call: Unary) -> Message:
        """One model answers; an unknown one is an error, one that is not ready is not."""
        try:
            self._context.repository.model(request.name, request.version or None)
        except ServeError as error:
            if error.code != "model_not_ready":
                raise
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    def server_metadata(self, request: pb.ServerMetadataRequest, call: Unary) -> Message:
        """Name, version, extensions."""
        return pb.ServerMetadataResponse(name="kserve-lite", version=__version__, extensions=EXTENSIONS)

    def model_metadata(self, request: pb.ModelMetadataRequest, call: Unary) -> Message:
        """What the model takes and gives."""
        model = describe(self._context.repository.model(request.name, request.version or None))
        response = pb.ModelMetadataResponse(
            name=model["name"], versions=model["versions"], platform=model["platform"]
        )
        for tensors, described in ((response.inputs, model["inputs"]), (response.outputs, model["outputs"])):
            for tensor in described:
                tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        return response

    def model_infer(self, request: pb.ModelInferRequest, call: Unary) -> Answer:
        """Tensors in, tensors out: at once where the model is fast."""
        version, seen, started = request.model_version or None, call.seen, time.perf_counter()
        model = self._context.repository.model(request.model_name, version)
        seen.model = model.name
        signature = model.signature

        def read() -> tuple[InferRequest, Call]:
            asked = messages.decode(request)
            wanted = inference.to_call(asked, signature.methods, model.method, signature.features)
            seen.rows, seen.decoding = wanted.count, time.perf_counter() - started
            if wanted.ignored:
                call.trailer.append((b"warning", encoded(f"ignored: {', '.join(wanted.ignored)}")))
            return asked, wanted

        def write(asked: InferRequest, answer: Computed) -> Message:
            begun = time.perf_counter()
            response = inference.to_response(
                asked, answer, model.method, model.name, version, signature.classes
            )
            message = messages.encode(response, asked, raw=bool(request.raw_input_contents))
            seen.encoding = time.perf_counter() - begun
            return message

        async def wait(asked: InferRequest, wanted: Call) -> Message:
            answer = await self._context.engine.answer(model, wanted, call.remaining())
            return await off_loop(wanted.count * 64, lambda: write(asked, answer))

        async def heavily() -> Message:
            return await wait(*await off_loop(call.size, read))

        if call.size > HEAVY_BYTES:
            return heavily()
        asked, wanted = read()
        if wanted.count * 64 <= HEAVY_BYTES:
            answer = self._context.engine.now(model, wanted)
            if answer is not None:
                return write(asked, answer)
        return wait(asked, wanted)

    def repository_index(self, request: pb.RepositoryIndexRequest, call: Unary) -> Message:
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

    async def repository_model_load(self, request: pb.RepositoryModelLoadRequest, call: Unary) -> Message:
        """Load, or load again; the old model serves until the new one can."""
        name = _model_name(request)
        await asyncio.to_thread(self._context.control.load, name)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    async def repository_model_unload(self, request: pb.RepositoryModelUnloadRequest, call: Unary) -> Message:
        """Stop serving a model."""
        name = _model_name(request)
        await asyncio.to_thread(self._context.control.unload, name)
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)


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
