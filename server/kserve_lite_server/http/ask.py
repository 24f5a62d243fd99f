"""Asking the engine for a client that may go away."""

import asyncio

from kserve_lite_server.engine.engine import Answer
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.request import Disconnected, Request
from kserve_lite_server.protocol.call import Call
from kserve_lite_server.sklearn.model import Model


async def ask(context: Context, request: Request, model: Model, call: Call) -> Answer:
    """The engine's answer. Raises `Disconnected`, and drops the call if it has not begun, when the client
    goes away."""
    if (answer := context.engine.now(model, call)) is not None:
        return answer
    asked = asyncio.ensure_future(context.engine.answer(model, call))
    gone = asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait((asked, gone), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise Disconnected
        return asked.result()
    finally:
        asked.cancel()
        gone.cancel()
