"""The metrics endpoint."""

import asyncio

from kserve_lite_server.http.process import Process
from kserve_lite_server.http.request import Request
from kserve_lite_server.http.response import Response
from kserve_lite_server.metrics import render


async def metrics(context: Process, request: Request) -> Response:
    """All metrics as text; of every worker when there are several."""
    context.metrics.count()
    body, content_type = await asyncio.to_thread(render, request.headers.get("accept", ""))
    return Response(body=body, content_type=content_type)
