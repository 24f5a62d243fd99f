"""A step that calls a service: pooled connections, one time-out for all attempts, retries, and what is counted."""

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from kserve_lite_server.graph.call import Call
from kserve_lite_server.graph.connection import STREAM_FROM, Asked, Connection
from kserve_lite_server.graph.document import Step
from kserve_lite_server.graph.failure import Failure, StepError, Untouched
from kserve_lite_server.graph.message import Message, error_message
from kserve_lite_server.graph.metrics import StepMetrics
from kserve_lite_server.graph.pool import Pool

REPLAYS = 2
"""How often a request is sent anew because its connection ended before any byte of an answer."""
RETRIED = (502, 503, 504)
FIRST_PAUSE = 0.025
HEAD = b"%b%b%bcontent-length: %d\r\n\r\n"
HEAD_AND_BODY = HEAD + b"%b"


class Leaf:
    """A service to call. `longest` bounds the bytes of an answer that has to be held whole."""

    def __init__(self, place: str, step: Step, pool: Pool, metrics: StepMetrics, longest: int) -> None:
        parts = urlsplit(step.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = step.host or parts.netloc.rpartition("@")[2]
        self.place = place
        self.retries = step.retries
        self.streams = not step.retries
        self.origin = pool.origin(step.url)
        self._timeout = step.timeout
        self._metrics = metrics
        self._longest = longest
        self._loop = self.origin.loop
        self._head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n".encode("latin-1")

    def begin(self, call: Call, message: Message, tail: bool) -> Asked | None:
        """Send the request on an idle connection; None when that is not possible and `finish` has to open one."""
        if message.stream is not None:
            return None
        now = self._loop.time()
        connection = self.origin.idle(now)
        if connection is None:
            return None
        return self._send(connection, call, message, now + self._timeout, tail, perf_counter())

    async def finish(self, call: Call, message: Message, tail: bool, asked: Asked | None) -> Message:
        """Wait for the answer of what `begin` has sent. A failure is an answer too, with the status that it has.

        `tail`: the answer goes straight to the client, so that it may stream.
        """
        begun = perf_counter() if asked is None else asked.begun
        deadline = self._loop.time() + self._timeout if asked is None else asked.deadline
        replays, retries = REPLAYS, self.retries
        while True:
            try:
                if asked is None:
                    if message.stream is not None:
                        answer = await self._stream(call, message, deadline, tail)
                    else:
                        connection = self.origin.idle(self._loop.time()) or await self.origin.connect(
                            deadline
                        )
                        asked = self._send(connection, call, message, deadline, tail, begun)
                if asked is not None:
                    answer = await asked
            except Untouched as failure:
                asked = None
                if replays and message.stream is None:
                    replays -= 1
                    continue
                answer = self._failed(failure)
            except Failure as failure:
                answer = self._failed(failure)
            except BaseException:
                if asked is not None:
                    asked.connection.abort()
                self._count(call, 499, begun)
                raise
            if (
                retries
                and answer.status in RETRIED
                and message.stream is None
                and await self._pause(retries, deadline)
            ):
                retries -= 1
                asked = None
                if answer.stream is not None:
                    await drain(answer)
                continue
            self._count(call, answer.status, begun)
            return answer

    def take(self, call: Call, message: Message, tail: bool) -> Coroutine[Any, Any, Message]:
        """Call the service: what can be sent is on its way when this returns."""
        return self.finish(call, message, tail, self.begin(call, message, tail))

    def _send(
        self, connection: Connection, call: Call, message: Message, deadline: float, tail: bool, begun: float
    ) -> Asked:
        body = message.body
        parts = self._head, call.forwarded, message.content, len(body)
        if len(body) < STREAM_FROM:
            head, body = HEAD_AND_BODY % (*parts, body), b""
        else:
            head = HEAD % parts
        asked = connection.ask(head, body, deadline, self._longest, tail)
        asked.begun = begun
        return asked

    async def _stream(self, call: Call, message: Message, deadline: float, tail: bool) -> Message:
        """Pass on a request's body while it arrives, over a connection of its own: it could not be sent again."""
        stream = message.stream
        assert stream is not None
        chunked = stream.length is None
        framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % (stream.length or 0)
        head = b"%b%b%b%b\r\n\r\n" % (self._head, call.forwarded, message.content, framing)
        connection = await self.origin.connect(deadline)
        answer = connection.ask(head, b"", deadline, self._longest, tail)

        async def pump() -> None:
            while (chunk := await stream.next()) is not None:
                await connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if chunked:
                await connection.send(b"0\r\n\r\n")

        pumping: asyncio.Task[None] = asyncio.ensure_future(pump())

        def pumped(task: "asyncio.Task[None]") -> None:
            # A client that breaks off is not this service's failure; a service that stops reading may have answered.
            if (
                not task.cancelled()
                and (error := task.exception())
                and not isinstance(error, ConnectionError)
            ):
                connection.abort()
                if not answer.done():
                    answer.set_exception(error)

        pumping.add_done_callback(pumped)
        try:
            return await answer
        except BaseException:
            connection.abort()
            raise
        finally:
            pumping.cancel()

    async def _pause(self, retries: int, deadline: float) -> bool:
        """Wait before a retry; False when there is no time for one."""
        from random import random

        pause = FIRST_PAUSE * 2 ** (self.retries - retries) * (0.5 + random())
        if self._loop.time() + pause >= deadline:
            return False
        await asyncio.sleep(pause)
        return True

    def _failed(self, failure: Failure) -> Message:
        self._metrics.failed(failure.code)
        retry_after = 1 if failure.code == "step_unreachable" else None
        return error_message(StepError(self.place, failure.code, failure.sentence, retry_after=retry_after))

    def _count(self, call: Call, status: int, begun: float) -> None:
        seconds = perf_counter() - begun
        self._metrics.observe(status, seconds)
        if call.trace is not None:
            call.trace.append(f"{self.place};status={status};ms={seconds * 1000:.2f}")


async def drain(answer: Message) -> None:
    """Read an answer that nobody wants, so that its connection is free again."""
    stream: Any = answer.stream
    try:
        while await stream.next() is not None:
            pass
    except Failure:
        return
