"""The model repository extension: index, load, unload."""

import asyncio
from typing import Any

import orjson

from kserve_lite_server.errors import ServeError, invalid
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response, json_response
from kserve_lite_server.repository.repository import State


async def index(context: Context, request: Request) -> Response:
    """Every model with its state and reason; `{"ready": true}` asks for those that answer only."""
    asked = await _parameters(request, ("ready",))
    if not isinstance(asked.get("ready", False), bool):
        raise invalid('"ready" must be true or false')
    return json_response(
        [
            {
                "name": entry.name,
                "version": entry.model.version if entry.model else "",
                "state": (State.UNAVAILABLE if entry.state is State.UNLOADED else entry.state).value,
                "reason": entry.reason,
                **({"source": entry.source} if entry.source else {}),
            }
            for entry in context.repository.entries
            if entry.state is State.READY or not asked.get("ready", False)
        ]
    )


async def load(context: Context, request: Request, model: str) -> Response:
    """Load a model, or load it again from its folder; the old one serves until the new one can."""
    await _parameters(request, ("parameters",))
    await asyncio.to_thread(context.control.load, model)
    return json_response({"name": model, "load": True})


async def unload(context: Context, request: Request, model: str) -> Response:
    """Stop serving a model."""
    await _parameters(request, ("parameters",))
    await asyncio.to_thread(context.control.unload, model)
    return json_response({"name": model, "unload": True})


async def _parameters(request: Request, known: tuple[str, ...]) -> dict[str, Any]:
    """The optional JSON body: nothing, as KServe's clients send, or an object, as Triton's do."""
    body = await request.body()
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServeError("invalid_json", f"the body is not JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() - set(known):
        raise invalid(f"the body must be empty or an object with {', '.join(known)}")
    for name, setting in (value.get("parameters") or {}).items():
        if name != "unload_dependents":
            raise invalid(
                f"parameter {name!r} is not supported: a model is loaded from its own folder as it is"
            )
        if not isinstance(setting, bool):
            raise invalid("parameter 'unload_dependents' must be true or false")
    return value
