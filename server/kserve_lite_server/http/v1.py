"""The V1 endpoints: models, one model, predict."""

import time

from kserve_lite_server.http.ask import ask
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.heavy import off_loop
from kserve_lite_server.http.payload import in_event, read_payload
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response, ignoring, json_response
from kserve_lite_server.protocol import v1

ROW_BYTES = 64  # what writing one row costs, for the decision where to write


async def list_models(context: Context, request: Request) -> Response:
    """Names of the models that answer."""
    return json_response({"models": context.repository.names})


async def model_status(context: Context, request: Request, model: str) -> Response:
    """Whether one model answers; 503 with the reason when it does not."""
    context.repository.model(model)
    return json_response({"name": model, "ready": True})


async def predict(context: Context, request: Request, model: str) -> Response:
    """Rows in, one prediction a row out."""
    target = context.repository.model(model)
    seen = request.seen
    seen.model = model
    payload = await read_payload(context, request)
    started = time.perf_counter()
    call = await off_loop(len(payload.body), lambda: v1.decode(payload.body))
    seen.rows, seen.decoding = call.count, time.perf_counter() - started
    answer = await ask(context, request, target, call)
    nan = call.parameters.get("nan", context.settings.nan)
    result = next(iter(answer.values()))
    started = time.perf_counter()
    response = Response(body=await off_loop(call.count * ROW_BYTES, lambda: v1.encode(result, nan)))
    seen.encoding = time.perf_counter() - started
    return in_event(context, payload, model, ignoring(response, call.ignored))
