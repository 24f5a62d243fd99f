"""The ASGI application: finds the handler, turns every error into a JSON reply, counts what is in flight."""

import asyncio
import logging
import time
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.http.observe import RequestLog, read_trace
from kserve_lite_server.http.payload import compressed
from kserve_lite_server.http.process import Process
from kserve_lite_server.http.request import Disconnected, Request
from kserve_lite_server.http.response import Response, error_response
from kserve_lite_server.http.routes import MethodNotAllowed, Routes

log = logging.getLogger(__name__)


class App:
    """Answers requests of one server process."""

    def __init__(self, context: Process, routes: Routes) -> None:
        self.context = context
        self._routes = routes
        settings = context.settings
        self.log = RequestLog(
            context.metrics, settings.enable_latency_logging, settings.log_lines_per_second, context.spans
        )

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one HTTP request; nothing but HTTP is served."""
        if scope["type"] != "http":
            return
        settings = self.context.settings
        request = Request(scope, receive, settings.max_request_bytes, settings.request_timeout)
        trace = read_trace(request.headers.get("traceparent"))
        started = time.perf_counter()
        status, code, sent = 499, "", 0
        self.context.enter()
        self.log.began()
        try:
            response = await compressed(request, await self._respond(request))
            if self.context.draining:
                response.headers["connection"] = "close"
            if trace:
                response.headers["traceparent"] = trace.header
            status, code, sent = response.status, response.code, len(response.body)
            await response.send(send, body=request.method != "HEAD")
        except Disconnected:
            log.debug("%s %s: the client went away", request.method, request.path)
        finally:
            self.context.leave()
            self.log.ended(request.seen, status, code, sent, time.perf_counter() - started, trace)

    async def _respond(self, request: Request) -> Response:
        try:
            route, parts = self._routes.find(request.method, request.path)
            request.seen.protocol = route.protocol
            return await route.handler(self.context, request, **parts)
        except MethodNotAllowed as error:
            response = error_response(error)
            response.headers["allow"] = error.allow
            return response
        except ServeError as error:
            response = error_response(error)
            if error.code in ("request_too_large", "request_too_slow"):
                response.headers["connection"] = "close"  # the rest of the body is not wanted
            return response
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return error_response(ServeError("internal", "the server failed; its log says why"))
