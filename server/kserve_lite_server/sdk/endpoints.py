"""REST over models of one's own: V1 and V2, metadata, health, load and unload, and the program's own routes."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import numpy as np
import orjson

from kserve_lite_server import __version__
from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.http import scrape
from kserve_lite_server.http.heavy import off_loop
from kserve_lite_server.http.payload import Payload, in_event, read_payload
from kserve_lite_server.http.request import Disconnected, Request
from kserve_lite_server.http.response import Response, json_response
from kserve_lite_server.http.routes import Route, Routes
from kserve_lite_server.protocol.v2 import JSON_LENGTH
from kserve_lite_server.sdk.deadline import within
from kserve_lite_server.sdk.errors import refusal
from kserve_lite_server.sdk.host import Host
from kserve_lite_server.sdk.messages import InferRequest, InferResponse
from kserve_lite_server.sdk.model import InferenceModel, InferenceVerb
from kserve_lite_server.sdk.steps import StepError
from kserve_lite_server.sdk.stream import Stream

EXTENSIONS = ["model_repository_extension", "binary_tensor_data"]
# Bodies that are not JSON, and go to the model as they are.
BINARY = (
    "application/octet-stream",
    "image/",
    "audio/",
    "video/",
    "application/avro",
    "application/x-protobuf",
)
# Of a step's reply, and of a model's: these are written from the body that is sent.
NOT_OURS = ("content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive",
            "date", "server", JSON_LENGTH)  # fmt: skip

OwnHandler = Callable[[Request], Any]


def routes(own: Iterable[tuple[str, str, OwnHandler]] = ()) -> Routes:
    """The table of endpoints, with the program's own before it."""
    versions = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
    return Routes(
        [
            *(Route(method, path, _own(handler)) for method, path, handler in own),
            Route("GET", "/", root),
            Route("GET", "/metrics", scrape.metrics),
            Route("GET", "/v1/models", list_models),
            Route("GET", "/v1/models/{model}", model_ready),
            Route("POST", "/v1/models/{model}:predict", predict, "v1"),
            Route("POST", "/v1/models/{model}:explain", explain, "v1"),
            Route("GET", "/v2", server_metadata),
            Route("GET", "/v2/health/live", live),
            Route("GET", "/v2/health/ready", ready),
            Route("GET", "/v2/models", list_models),
            *(Route("GET", path, model_metadata) for path in versions),
            *(Route("GET", f"{path}/ready", model_ready) for path in versions),
            *(Route("POST", f"{path}/infer", infer, "v2") for path in versions),
            *(Route("POST", f"{path}/explain", explain_v2, "v2") for path in versions),
            Route("POST", "/v2/repository/index", index),
            Route("POST", "/v2/repository/models/{model}/load", load),
            Route("POST", "/v2/repository/models/{model}/unload", unload),
        ]
    )


async def root(host: Host, request: Request) -> Response:
    """KServe's sign of life."""
    return json_response({"status": "alive"})


async def live(host: Host, request: Request) -> Response:
    """The process answers."""
    return json_response({"live": True})


async def ready(host: Host, request: Request) -> Response:
    """Every model answers, the predictor too when that is asked for, and the process is not going down."""
    answers = await host.ready()
    return json_response({"ready": answers}, 200 if answers else 503)


async def list_models(host: Host, request: Request) -> Response:
    """Names of the models."""
    return json_response({"models": list(host.repository.get_models())})


async def model_ready(host: Host, request: Request, model: str, version: str | None = None) -> Response:
    """Whether one model answers; 503 with the reason when it does not."""
    await host.check(model, version)
    return json_response({"name": model, "ready": True})


async def server_metadata(host: Host, request: Request) -> Response:
    """What this server is."""
    return json_response({"name": "kserve-lite", "version": __version__, "extensions": EXTENSIONS})


async def model_metadata(host: Host, request: Request, model: str, version: str | None = None) -> Response:
    """What the model says that it takes and gives."""
    target = host.model(model, version)
    return json_response({"name": model, "versions": None, "platform": "", **await host.types(target)})


async def index(host: Host, request: Request) -> Response:
    """Every model and whether it answers."""
    models = host.repository.get_models()
    states = [(name, await host.repository.is_model_ready(name)) for name in models]
    wanted = orjson.loads(await request.body() or b"{}")
    only = isinstance(wanted, dict) and wanted.get("ready") is True
    return json_response(
        [
            {"name": name, "version": "", "state": "READY" if answers else "UNAVAILABLE", "reason": ""}
            for name, answers in states
            if answers or not only
        ]
    )


async def load(host: Host, request: Request, model: str) -> Response:
    """Load a model, by the repository's own way."""
    await host.load(model)
    return json_response({"name": model, "load": True})


async def unload(host: Host, request: Request, model: str) -> Response:
    """Stop a model and forget it."""
    await host.unload(model)
    return json_response({"name": model, "unload": True})


async def predict(host: Host, request: Request, model: str) -> Response:
    """V1: a dict in, a dict out."""
    return await _v1(host, request, model, InferenceVerb.PREDICT)


async def explain(host: Host, request: Request, model: str) -> Response:
    """V1: a dict in, an explanation out."""
    return await _v1(host, request, model, InferenceVerb.EXPLAIN)


async def infer(host: Host, request: Request, model: str, version: str | None = None) -> Response:
    """V2: tensors in, tensors out."""
    return await _v2(host, request, model, version, InferenceVerb.PREDICT)


async def explain_v2(host: Host, request: Request, model: str, version: str | None = None) -> Response:
    """V2: tensors in, an explanation as tensors out."""
    return await _v2(host, request, model, version, InferenceVerb.EXPLAIN)


async def _v1(host: Host, request: Request, name: str, verb: InferenceVerb) -> Response:
    model = host.model(name)
    request.seen.model = name
    payload = await read_payload(host, request)
    started = time.perf_counter()
    body = await off_loop(len(payload.body), lambda: _v1_body(request, payload))
    request.seen.decoding = time.perf_counter() - started
    return await _answer(host, request, payload, model, body, verb)


async def _v2(host: Host, request: Request, name: str, version: str | None, verb: InferenceVerb) -> Response:
    model = host.model(name, version)
    request.seen.model = name
    payload = await read_payload(host, request)
    started = time.perf_counter()
    length = request.headers.get(JSON_LENGTH, str(len(payload.body)))
    if not length.isdecimal() or int(length) > len(payload.body):
        raise invalid(
            f"Inference-Header-Content-Length is {length[:40]}, the body has {len(payload.body)} bytes"
        )
    body = await off_loop(
        len(payload.body), lambda: _reading(name, InferRequest.from_bytes, payload.body, int(length), name)
    )
    request.seen.decoding = time.perf_counter() - started
    return await _answer(host, request, payload, model, body, verb)


async def _answer(
    host: Host, request: Request, payload: Payload, model: InferenceModel, body: Any, verb: InferenceVerb
) -> Response:
    """Run the model on a decoded request, for as long as its client waits, and write what it gave."""
    try:
        result, headers = await until_gone(request, host.run(model, body, dict(request.headers), verb))
        started = time.perf_counter()
        response = _reading(model.name, written, result)
        request.seen.encoding = time.perf_counter() - started
    except StepError as error:
        return step_response(error)
    response.headers.update({name: value for name, value in headers.items() if name.lower() not in NOT_OURS})
    return response if isinstance(response, Stream) else in_event(host, payload, model.name, response)


async def until_gone(request: Request, work: Awaitable[Any]) -> Any:
    """The work's result. When the client goes away the work is cancelled, with all that it waits for."""
    asked, gone = asyncio.ensure_future(work), asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise Disconnected
        return asked.result()
    finally:
        asked.cancel()
        gone.cancel()


def written(result: Any) -> Response:
    """What a model gave, as a reply."""
    if isinstance(result, InferResponse):
        value, length = result.to_rest()
        if length is not None and isinstance(value, bytes):
            return Response(
                body=value, content_type="application/octet-stream", headers={JSON_LENGTH: str(length)}
            )
        assert isinstance(value, dict)
        outputs = [{"parameters": None, **output} for output in value["outputs"]]
        return _json({"parameters": None, **value, "outputs": outputs})
    if isinstance(result, Response):
        return result
    if isinstance(result, bytes):
        return Response(body=result, content_type="application/octet-stream")
    if isinstance(result, str):
        return Response(body=result.encode(), content_type="text/plain; charset=utf-8")
    if isinstance(result, AsyncIterator):
        return Stream(chunks=result)
    return _json(result)


def step_response(error: StepError) -> Response:
    """A failed step's own answer as it is, or the sentence that says which step failed and how."""
    headers = {"error-step": error.step, **error.headers}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if error.body is not None:
        return Response(error.status, error.body, error.content_type, headers, error.code)
    value = {"error": error.message, "code": error.code, "step": error.step}
    return Response(error.status, orjson.dumps(value), headers=headers, code=error.code)


def _own(handler: OwnHandler) -> Callable[..., Awaitable[Response]]:
    """One of the program's own handlers: plain or async, given the request and the path's parts by name."""

    async def handle(host: Host, request: Request, **parts: str) -> Response:
        with within(host.settings.request_timeout):
            try:
                if inspect.iscoroutinefunction(handler):
                    return written(await handler(request, **parts))
                return written(await asyncio.to_thread(handler, request, **parts))
            except StepError as error:
                return step_response(error)
            except Disconnected:
                raise
            except Exception as error:
                raise refusal(error, request.path, getattr(handler, "__name__", "its route")) from error

    return handle


def _v1_body(request: Request, payload: Payload) -> Any:
    kind = request.headers.get("content-type", "").lower()
    if payload.event is None and kind.startswith(BINARY):
        return payload.body
    try:
        return orjson.loads(payload.body)
    except orjson.JSONDecodeError as error:
        if payload.event is not None:
            return payload.body
        raise ServeError("invalid_json", f"the body is not JSON: {error}") from None


def _json(value: Any) -> Response:
    try:
        return Response(body=orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY))
    except TypeError as error:
        raise ServeError("model_failed", f"what the model gave cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    raise TypeError(f"{type(value).__name__} is no JSON type")


def _reading(model: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """Do `work`, with KServe's exceptions turned into refusals."""
    try:
        return work(*arguments)
    except (ServeError, Disconnected):
        raise
    except Exception as error:
        raise refusal(error, model, "reading or writing tensors") from error
