"""inference.GRPCInferenceService over models of one's own: messages in gRPC's threads, hooks on the event loop."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from kserve_lite_server import __version__
from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc import messages
from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.calls import Calls, Incoming
from kserve_lite_server.grpc.pool import Pool
from kserve_lite_server.sdk.deadline import within
from kserve_lite_server.sdk.errors import refusal
from kserve_lite_server.sdk.host import Host
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.model import InferenceVerb

T = TypeVar("T")


class Service(Calls):
    """Answers gRPC calls by the same models and hooks as REST."""

    def __init__(self, host: Host, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(host)
        self._host = host
        self._pool = pool
        self._loop = loop

    def server_live(self, request: pb.ServerLiveRequest, call: Incoming) -> Message:
        """The process answers."""
        return pb.ServerLiveResponse(live=True)

    def server_ready(self, request: pb.ServerReadyRequest, call: Incoming) -> Message:
        """Every model answers."""
        return pb.ServerReadyResponse(ready=self._wait(self._host.ready(), call.rpc))

    def model_ready(self, request: pb.ModelReadyRequest, call: Incoming) -> Message:
        """One model answers; an unknown one is an error, one that is not ready is not."""
        try:
            self._wait(self._host.check(request.name, request.version or None), call.rpc)
        except ServeError as error:
            if error.code != "model_not_ready":
                raise
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    def server_metadata(self, request: pb.ServerMetadataRequest, call: Incoming) -> Message:
        """Name, version, extensions."""
        return pb.ServerMetadataResponse(
            name="kserve-lite", version=__version__, extensions=["model_repository_extension"]
        )

    def model_metadata(self, request: pb.ModelMetadataRequest, call: Incoming) -> Message:
        """What the model says that it takes and gives."""
        types = self._wait(
            self._host.types(self._host.model(request.name, request.version or None)), call.rpc
        )
        response = pb.ModelMetadataResponse(name=request.name)
        for tensors, described in ((response.inputs, types["inputs"]), (response.outputs, types["outputs"])):
            for tensor in described:
                tensors.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        return response

    def model_infer(self, request: pb.ModelInferRequest, call: Incoming) -> Message:
        """Tensors in, tensors out."""
        model = self._host.model(request.model_name, request.model_version or None)
        call.seen.model = request.model_name
        messages.decode(request)  # refuses what does not fit together
        headers = {str(name): str(value) for name, value in call.rpc.invocation_metadata()}
        seconds = call.rpc.time_remaining()

        async def ask() -> Any:
            with within(self._host.settings.request_timeout if seconds is None else max(seconds, 0.0)):
                asked = InferRequest.from_grpc(request)
                return await self._host.run(model, asked, headers, InferenceVerb.PREDICT)

        result, reply_headers = self._wait(ask(), call.rpc)
        if reply_headers:
            call.rpc.set_trailing_metadata(
                tuple(
                    (n.lower(), str(v)) for n, v in reply_headers.items() if n.isascii() and str(v).isascii()
                )
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

    def repository_index(self, request: pb.RepositoryIndexRequest, call: Incoming) -> Message:
        """Every model and whether it answers."""
        response = pb.RepositoryIndexResponse()
        for name, answers in self._host.states()[1].items():
            if answers or not request.ready:
                response.models.add(name=name, state="READY" if answers else "UNAVAILABLE")
        return response

    def repository_model_load(self, request: pb.RepositoryModelLoadRequest, call: Incoming) -> Message:
        """Load a model, by the repository's own way."""
        name = request.model_name or request.repository_name
        self._wait(self._host.load(name), call.rpc)
        return pb.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    def repository_model_unload(self, request: pb.RepositoryModelUnloadRequest, call: Incoming) -> Message:
        """Stop a model and forget it."""
        name = request.model_name or request.repository_name
        self._wait(self._host.unload(name), call.rpc)
        return pb.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)

    def _wait(self, work: Coroutine[Any, Any, T], rpc: grpc.ServicerContext) -> T:
        """Run `work` on the event loop for as long as the client waits; its end cancels the work."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)

        def drop() -> None:
            future.cancel()

        if not rpc.add_callback(drop):
            drop()  # the client was gone before
        with self._pool.waiting():
            try:
                return future.result()
            except asyncio.CancelledError:
                raise CancelledError from None
