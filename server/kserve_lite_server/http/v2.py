"""The Open Inference Protocol's endpoints: metadata and infer, with and without a version."""

import time

from kserve_lite_server import __version__
from kserve_lite_server.errors import invalid
from kserve_lite_server.http.ask import ask
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.heavy import off_loop
from kserve_lite_server.http.payload import in_event, read_payload
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response, ignoring, json_response
from kserve_lite_server.protocol import v2
from kserve_lite_server.protocol.inference import to_call, to_response
from kserve_lite_server.sklearn.describe import RAW_INPUT, describe

EXTENSIONS = ["model_repository", "model_repository_extension", "binary_tensor_data"]


async def server_metadata(context: Context, request: Request) -> Response:
    """What this server is and which extensions it speaks."""
    return json_response({"name": "kserve-lite", "version": __version__, "extensions": EXTENSIONS})


async def model_metadata(
    context: Context, request: Request, model: str, version: str | None = None
) -> Response:
    """What the model takes and gives."""
    return json_response(describe(context.repository.model(model, version)))


async def infer(context: Context, request: Request, model: str, version: str | None = None) -> Response:
    """Tensors in, tensors out."""
    target = context.repository.model(model, version)
    seen = request.seen
    seen.model = model
    payload = await read_payload(context, request)
    started = time.perf_counter()
    length = _json_length(request)
    signature = target.signature

    def decode() -> v2.InferRequest:
        if length == 0:
            datatype = "BYTES" if signature.text else "FP64"
            return v2.decode_raw(payload.body, RAW_INPUT, datatype, signature.width)
        return v2.decode(payload.body, length)

    decoded = await off_loop(len(payload.body), decode)
    call = to_call(decoded, signature.methods, target.method, signature.features)
    seen.rows, seen.decoding = call.count, time.perf_counter() - started
    answer = await ask(context, request, target, call)
    nan = decoded.parameters.get("nan", context.settings.nan)

    def encode() -> tuple[bytes, int | None]:
        response = to_response(decoded, answer, target.method, model, version, signature.classes)
        return v2.encode(response, decoded, nan)

    started = time.perf_counter()
    body, json_length = await off_loop(call.count * 64, encode)
    seen.encoding = time.perf_counter() - started
    response = ignoring(Response(body=body), call.ignored)
    if json_length is not None:
        response.content_type = "application/octet-stream"
        response.headers[v2.JSON_LENGTH] = str(json_length)
    return in_event(context, payload, model, response)


async def list_models(context: Context, request: Request) -> Response:
    """Names of the models that answer."""
    return json_response({"models": context.repository.names})


def _json_length(request: Request) -> int | None:
    text = request.headers.get(v2.JSON_LENGTH)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise invalid(f"Inference-Header-Content-Length must be a whole number from 0, not {text[:40]!r}")
    return int(text)
