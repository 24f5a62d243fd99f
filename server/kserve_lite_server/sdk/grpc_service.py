"""inference.GRPCInferenceService over models of one's own, by the same hooks as REST."""

from google.protobuf.message import Message

from kserve_lite_server import __version__
from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc import messages
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.calls import Calls
from kserve_lite_server.grpc.unary import Unary
from kserve_lite_server.http.heavy import off_loop
from kserve_lite_server.sdk.deadline import within
from kserve_lite_server.sdk.errors import refusal
from kserve_lite_server.sdk.host import Host
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.model import InferenceVerb


class Service(Calls):
    """Answers gRPC calls by the same models and hooks as REST."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._host = host

    def server_live(self, request: pb.ServerLiveRequest, call: Unary) -> Message:
        """The process answers."""
        return pb.ServerLiveResponse(live=True)

    async def server_ready(self, request: pb.ServerReadyRequest, call: Unary) -> Message:
        """Every model answers."""
        return pb.ServerReadyResponse(ready=await self._host.ready())

    async def model_ready(self, request: pb.ModelReadyRequest, call: Unary) -> Message:
        """One model answers; an unknown one is an error, one that is not ready is not."""
        try:
            await self._host.check(request.name, request.version or None)
        except ServeError as error:
            if error.code != "model_not_ready":
                raise
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    def server_metadata(self, request: pb.ServerMetadataRequest, call: Unary) -> Message:
        """Name, version, extensions."""
        return pb.ServerMetadataResponse(
            name="kserve-lite", version=__version__, extensions=["model_repository_extension"]
        )

    async def model_metadata(self, request: pb.ModelMetadataRequest, call: Unary) -> Message:
        """What the model says that it takes and gives."""
        types = await self._host.types(self._host.model(request.name, request.version or None))
        response = pb.ModelMetadataResponse(name=request.name)
        for tensors, described in ((response.inputs, types["inputs"]), (response.outputs, types["outputs"])):
            for tensor in described:
                tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        return response

    async def model_infer(self, request: pb.ModelInferRequest, call: Unary) -> Message:
        """Tensors in, tensors out."""
        model = self._host.model(request.model_name, request.model_version or None)
        call.seen.model = request.model_name
        seconds = call.remaining()

        def read() -> InferRequest:
            messages.decode(request)  # refuses what does not fit together
            return InferRequest.from_grpc(request)

        with within(self._host.settings.request_timeout if seconds is None else seconds):
            asked = await off_loop(call.size, read)
            result, headers = await self._host.run(model, asked, dict(call.metadata), InferenceVerb.PREDICT)
        call.trailer.extend(
            (name.lower().encode(), str(value).encode())
            for name, value in headers.items()
            if name.isascii() and name.isprintable() and str(value).isascii() and str(value).isprintable()
        )
        try:
            if isinstance(result, InferResponse):
                result._use_binary_outputs |= bool(request.raw_input_contents)
                return result.to_grpc()  # type: ignore[no-any-return]
        except Exception as error:
            raise refusal(error, model.name, "writing tensors") from error
        if isinstance(result, pb.ModelInferResponse):
            return result
        raise ServeError(
            "model_failed",
            f"model {model.name} gave {type(result).__name__} over gRPC, which takes an InferResponse",
        )

    def repository_index(self, request: pb.RepositoryIndexRequest, call: Unary) -> Message:
        """Every model and whether it answers."""
        response = pb.RepositoryIndexResponse()
        for name, answers in self._host.states()[1].items():
            if answers or not request.ready:
                response.models.add(name=name, state="READY" if answers else "UNAVAILABLE")
        return response

    async def repository_model_load(self, request: pb.RepositoryModelLoadRequest, call: Unary) -> Message:
        """Load a model, by the repository's own way."""
        name = request.model_name or request.repository_name
        await self._host.load(name)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    async def repository_model_unload(self, request: pb.RepositoryModelUnloadRequest, call: Unary) -> Message:
        """Stop a model and forget it."""
        name = request.model_name or request.repository_name
        await self._host.unload(name)
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)
