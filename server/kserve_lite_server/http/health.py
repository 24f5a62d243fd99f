"""Liveness and readiness of the server and of one model."""

from kserve_lite_server.http.context import Context
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response, json_response


async def live(context: Context, request: Request) -> Response:
    """The process answers, in V2's words."""
    return json_response({"live": True})


async def ready(context: Context, request: Request) -> Response:
    """Every registered model answers and the process is not going down."""
    return json_response({"ready": context.ready}, 200 if context.ready else 503)


async def model_ready(context: Context, request: Request, model: str, version: str | None = None) -> Response:
    """One model answers; 503 with the reason when it does not."""
    context.repository.model(model, version)
    return json_response({"name": model, "ready": True})
