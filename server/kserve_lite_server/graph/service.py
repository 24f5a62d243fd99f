"""The router's process: the graph that is in force, what is in flight, the pages beside the graph, its end."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Coroutine
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.graph.call import Call
from kserve_lite_server.graph.document import GraphInvalid, read
from kserve_lite_server.graph.door import Door
from kserve_lite_server.graph.heads import RequestHead
from kserve_lite_server.graph.message import JSON, Message, error_message
from kserve_lite_server.graph.metrics import GraphMetrics
from kserve_lite_server.graph.pool import Pool
from kserve_lite_server.graph.router import Router
from kserve_lite_server.graph.settings import Settings

LIVE = (b"/healthz", b"/v2/health/live")
READY = (b"/readyz", b"/v2/health/ready")
SWEEP_SECONDS = 1.0


class Service:
    """What all connections share."""

    def __init__(self, settings: Settings, file: str | os.PathLike[str]) -> None:
        """Raises `GraphInvalid` when the file is no graph."""
        self.log = logging.getLogger("kserve_lite_server.graph")
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.longest_request = settings.max_request_bytes
        self.doors: set[Door] = set()
        self.draining = False
        self.metrics = GraphMetrics()
        self.pool = Pool()
        self.idle = asyncio.Event()
        """Set once a router that is shutting down has answered everything."""
        self._settings = settings
        self._held = 0
        self._second, self._written, self._left_out = 0, 0, 0
        with open(file, "rb") as opened:
            self.router = self._router(opened.read())
        self.metrics.gauges = {
            "kserve_lite_graph_backend_connections_opened": (
                "Connections to services that were ever opened", lambda: self.pool.opened
            ),
            "kserve_lite_graph_backend_connections": (
                "Connections to services", lambda: sum(o.open for o in self.pool.origins.values())
            ),
            "kserve_lite_graph_tasks": ("Tasks of the event loop", lambda: len(asyncio.all_tasks())),
        }  # fmt: skip

    def reload(self, text: bytes) -> None:
        """Take another revision of the graph; one that is no good changes nothing, and the log says why."""
        try:
            self.router = self._router(text)
        except GraphInvalid as error:
            self.metrics.reloads["refused"] += 1
            self.log.error("the changed graph is refused, the one before stays in force: %s", error)
            return
        self.metrics.reloads["taken"] += 1
        self.pool.keep(self.router.origins)
        self.log.info("revision %s of the graph is in force", self.router.graph.revision)

    def answer(self, call: Call, message: Message) -> Coroutine[Any, Any, Message]:
        """Take one request through the graph. Raises `ServeError`."""
        if self.metrics.in_flight > self._settings.max_in_flight:
            raise ServeError(
                "overloaded", f"{self._settings.max_in_flight} requests are running", retry_after=1
            )
        router = self.router
        timeout = router.graph.timeout
        return router.answer(call, message) if timeout is None else self._within(timeout, call, message)

    async def _within(self, limit: float, call: Call, message: Message) -> Message:
        try:
            async with asyncio.timeout(limit):
                return await self.router.answer(call, message)
        except TimeoutError:
            raise ServeError("deadline_exceeded", f"the graph did not answer within {limit:g} s") from None

    def page(self, head: RequestHead) -> Message:
        """Answer what is not about the graph's services."""
        path = head.path
        if head.method not in (b"GET", b"HEAD"):
            return error_message(ServeError("method_not_allowed", "a graph is asked with POST"))
        if path in LIVE:
            return Message(200, JSON, b'{"live":true}')
        if path in READY:
            if self.draining:
                return error_message(ServeError("server_not_ready", "the router is shutting down"))
            return Message(200, JSON, b'{"ready":true}')
        if path == b"/metrics":
            accept = head.headers.get(b"accept", b"").decode("latin-1")
            text, content_type = self.metrics.text(self.router.graph.name, accept)
            return Message(200, b"content-type: %b\r\n" % content_type.encode(), text)
        graph = self.router.graph
        if path == b"/":
            nodes = {
                name: {"type": node.kind, "steps": [step.name for step in node.steps]}
                for name, node in graph.nodes.items()
            }
            return Message(
                200,
                JSON,
                json.dumps({"graph": graph.name, "revision": graph.revision, "nodes": nodes}).encode(),
            )
        return error_message(
            ServeError("not_found", "a graph is asked with POST; GET /, /readyz, /healthz or /metrics")
        )

    def room(self, length: int) -> None:
        """Refuse a body for which there is no memory left. Raises `ServeError`."""
        if self.receiving_bytes() + length > self._settings.max_held_bytes:
            raise ServeError(
                "overloaded", "the requests that are arriving take all the memory there is", retry_after=1
            )

    def receiving_bytes(self) -> int:
        """Bytes that are announced by requests which have not ended."""
        return sum(door.announced for door in self.doors)

    def drain(self) -> None:
        """Shut down, still listening, so that probes see it and late requests are answered."""
        self.draining = True
        if not self.metrics.in_flight:
            self.idle.set()

    def left(self, head: RequestHead, call: Call, status: int, code: str, seconds: float) -> None:
        """A request was answered, or its client went away (499)."""
        metrics = self.metrics
        metrics.in_flight -= 1
        if self.draining and not metrics.in_flight:
            self.idle.set()
        metrics.requests.observe(status, seconds)
        if code:
            metrics.errors[code] += 1
        if status >= 500 and self._may_write():
            fields = {"graph": self.router.graph.name, "status": status, "ms": round(seconds * 1000, 3)}
            if code:
                fields["code"] = code
            if self._left_out:
                fields["left_out"], self._left_out = self._left_out, 0
            if trace := head.headers.get(b"traceparent"):
                fields["traceparent"] = trace.decode("latin-1")
            self.log.warning("POST %s %d", head.path.decode("latin-1"), status, extra={"fields": fields})

    def refused(self, error: ServeError) -> None:
        """Something never became a request."""
        self.metrics.requests.observe(error.status, 0.0)
        self.metrics.errors[error.code] += 1

    def sweep(self) -> None:
        """Once a second: close what is idle for too long, and give up what does not arrive."""
        graph, now = self.router.graph, self.now()
        for door in list(self.doors):
            if door.idle and now - door.since > graph.idle:
                door.close()
            elif door.receiving and now - door.since > graph.read:
                door.too_slow()
        self.pool.sweep()

    def _router(self, text: bytes) -> Router:
        return Router(read(text), self.pool, self.metrics, self._settings.max_response_bytes)

    def _may_write(self) -> bool:
        """At most ten lines a second; the next one says how many were left out."""
        now = int(time.monotonic())
        if now != self._second:
            self._second, self._written = now, 0
        self._written += 1
        if self._written <= self._settings.log_lines_per_second:
            return True
        self._left_out += 1
        return False
