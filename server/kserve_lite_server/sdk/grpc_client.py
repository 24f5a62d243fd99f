"""Asking a model server over gRPC: one channel an address, deadlines and cancellation carried through."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from kserve_lite_server.grpc import open_inference_pb2 as pb
from kserve_lite_server.grpc.calls import NAME
from kserve_lite_server.grpc.status import CODES
from kserve_lite_server.sdk import steps
from kserve_lite_server.sdk.deadline import remaining
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.rest_client import DEFAULT, FIRST_PAUSE
from kserve_lite_server.sdk.steps import StepError

Metadata = Sequence[tuple[str, str]] | None
# From gRPC's words to HTTP's, where several HTTP statuses become one gRPC code the commonest.
STATUSES = {grpc.StatusCode[code.name]: status for status, code in reversed(CODES.items())} | {
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNKNOWN: 500,
}


# Who listens speaks another protocol, in grpcio's words.
OTHERWISE = ("socket closed", "http1", "wrong version number", "handshake")


class InferenceGRPCClient:
    """A client of V2 servers; `step` is what its errors call the server."""

    def __init__(
        self,
        url: str,
        verbose: bool = False,
        use_ssl: bool = False,
        root_certificates: str | None = None,
        private_key: str | None = None,
        certificate_chain: str | None = None,
        creds: grpc.ChannelCredentials | None = None,
        channel_args: Sequence[tuple[str, Any]] | None = None,
        timeout: float | None = 60,
        retries: int | None = 3,
        *,
        step: str = "predictor",
    ) -> None:
        """The channel is opened by the first call of an event loop; certificates are PEM files."""
        self._url, self._timeout, self._retries, self._step = url, timeout, retries or 0, step
        self._options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            *(channel_args or ()),
        ]
        self._credentials = creds
        if creds is None and use_ssl:
            files = [
                Path(f).read_bytes() if f else None
                for f in (root_certificates, private_key, certificate_chain)
            ]
            self._credentials = grpc.ssl_channel_credentials(*files)
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def infer(
        self, infer_request: InferRequest, timeout: float | None = DEFAULT, headers: Metadata = None
    ) -> InferResponse:
        """The prediction. Raises `StepError`."""
        seconds = remaining(self._timeout if timeout is DEFAULT else timeout)
        message, pause = infer_request.to_grpc(), FIRST_PAUSE
        for left in range(self._retries, -1, -1):
            try:
                answer = await self._call("ModelInfer", message, pb.ModelInferResponse, seconds, headers)
                return InferResponse.from_grpc(answer)
            except grpc.aio.AioRpcError as error:
                if not left or not _never_arrived(error):
                    raise failure(error, self._step, self._url, seconds) from None
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    async def is_server_ready(self, timeout: float | None = DEFAULT, headers: Metadata = None) -> bool:
        """Whether all its models answer."""
        return await self._asks(
            "ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse, "ready", timeout, headers
        )

    async def is_server_live(self, timeout: float | None = DEFAULT, headers: Metadata = None) -> bool:
        """Whether the server answers."""
        return await self._asks(
            "ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse, "live", timeout, headers
        )

    async def is_model_ready(
        self, model_name: str, timeout: float | None = DEFAULT, headers: Metadata = None
    ) -> bool:
        """Whether one model answers."""
        question = pb.ModelReadyRequest(name=model_name)
        return await self._asks("ModelReady", question, pb.ModelReadyResponse, "ready", timeout, headers)

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def _asks(
        self, method: str, message: Any, kind: Any, field: str, timeout: float | None, headers: Metadata
    ) -> bool:
        seconds = remaining(self._timeout if timeout is DEFAULT else timeout)
        try:
            return bool(getattr(await self._call(method, message, kind, seconds, headers), field))
        except grpc.aio.AioRpcError:
            return False

    async def _call(
        self, method: str, message: Any, kind: Any, seconds: float | None, headers: Metadata
    ) -> Any:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            self._loop = loop
            if self._credentials is None:
                self._channel = grpc.aio.insecure_channel(self._url, options=self._options)
            else:
                self._channel = grpc.aio.secure_channel(self._url, self._credentials, options=self._options)
        ask = self._channel.unary_unary(
            f"/{NAME}/{method}",
            request_serializer=type(message).SerializeToString,
            response_deserializer=kind.FromString,
        )
        return await ask(message, timeout=seconds, metadata=tuple(headers or ()))


def failure(error: grpc.RpcError, step: str, address: str, seconds: float | None = None) -> StepError:
    """What a failed call means for whoever asked this server."""
    code: grpc.StatusCode = error.code()
    said: str = error.details() or code.name
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return steps.too_slow(step, address, seconds)
    if code is grpc.StatusCode.UNAVAILABLE:
        if _never_arrived(error):
            return steps.unreachable(step, address, said[:200])
        if not _of_the_server(error):
            return steps.broken(step, address, said[:200])
    status = STATUSES.get(code, 502)
    trailer: dict[str, str] = {str(name): str(value) for name, value in _trailer(error)}
    retry = str(trailer.get("retry-after", ""))
    answer = StepError(
        "step_refused", said, step, status=status, retry_after=int(retry) if retry.isdecimal() else None
    )
    answer.code = str(trailer.get("error-code", answer.code))
    return answer


def _never_arrived(error: grpc.RpcError) -> bool:
    """Whether no connection came about, so that asking again is safe."""
    said = (error.details() or "").lower()
    if error.code() is not grpc.StatusCode.UNAVAILABLE or any(word in said for word in OTHERWISE):
        return False
    return "connect" in said or "resolution" in said


def _of_the_server(error: grpc.RpcError) -> bool:
    """Whether the server itself said so (ours marks its refusals), not the connection that broke."""
    return any(name == "error-code" for name, _ in _trailer(error))


def _trailer(error: grpc.RpcError) -> Any:
    return error.trailing_metadata() or ()
