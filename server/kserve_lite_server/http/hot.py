"""The hot path: a plain predict request is answered inside the HTTP protocol, without ASGI.

Everything else, and everything that is not certainly plain, goes to the application, so the path can be switched
off without changing an answer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from kserve_lite_server.engine.turns import Turns
from kserve_lite_server.http.context import Context
from kserve_lite_server.http.observe import RequestLog
from kserve_lite_server.http.protocol import BoundedHttpProtocol
from kserve_lite_server.http.questions import (
    Answering,
    Head,
    Question,
    read_head,
    read_question,
    respond,
)
from kserve_lite_server.http.response import Response

HEADS = 1024  # heads that are remembered
LONGEST_HEAD = 2048  # bytes of a head that is remembered
PATIENCE = 0.1  # seconds for the rest of a request; then it is the application's, which has the limits
JSON_HEAD = b"HTTP/1.1 200 OK\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class HotPath:
    """What all connections of a process share: its models, the turn's questions, known heads, what was answered."""

    def __init__(self, context: Context, log: RequestLog) -> None:
        settings = context.settings
        self.context = context
        self.heads: dict[bytes, Head] = {}
        self.ended: list[Question] = []
        self.answering: Answering = {}
        self.turns = Turns(
            context.engine, settings.max_batch_size, settings.max_latency / 1000, log.began, self._report
        )
        self._log = log
        self._default: tuple[Any, bytes] = (None, b"")
        self._usual: dict[int, bytes] = {}  # heads of successful replies by the length of their bodies

    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """uvicorn's own headers as they are on the wire; it makes a new list once a second, for the date."""
        if headers is not self._default[0]:
            self._default = (headers, b"".join([b"%b: %b\r\n" % header for header in headers]))
            self._usual.clear()
        return self._default[1]

    def usual_head(self, headers: list[tuple[bytes, bytes]], length: int) -> bytes:
        """The head of a successful reply with so many bytes of JSON."""
        if headers is not self._default[0]:
            self.default_headers(headers)
        if (head := self._usual.get(length)) is None:
            head = self._usual[length] = JSON_HEAD % (self._default[1], length)
        return head

    def _report(self) -> None:
        self.answering.clear()
        ended, self.ended = self.ended, []
        if ended:
            self.context.leave(len(ended))
            self._log.ended_together(ended)


class HotProtocol(BoundedHttpProtocol):
    """uvicorn's protocol with a short way for plain requests.

    A client repeats its head byte for byte, so a head that was found plain once is not parsed again. What follows a
    known head is held until it is whole: large bodies come in pieces, and many clients send head and body apart.
    """

    hot: HotPath

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: Head | None = (
            None  # of the request that is being received, while it may take the short way
        )
        self._refused = False  # the request that is being received is answered; the rest of it is for nobody
        self._parts: list[bytes] = []
        self._between = True  # no request is being received
        self._learned: list[Head] = []  # plain heads that the parser has just read
        self._waiting = 0  # questions of this connection that wait for the end of the turn
        self._last: tuple[bytes, Head] | None = None  # the known head that came last, as bytes and as read
        self._active = 0.0  # when the last answer on the short way was written
        self._held: list[bytes] = []  # a known head and what has come of its body
        self._missing = 0  # bytes of that body
        self._patience: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Answer the requests whose heads are known; the parser reads all others."""
        if self._held:
            self._held.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = self._release()
        hot = self.hot
        while self._between and self._may_be_short():
            if self._last is None or not data.startswith(self._last[0]):
                start = data[: data.find(b"\r\n\r\n", 0, LONGEST_HEAD) + 4]
                if (known := hot.heads.get(start)) is None:
                    break
                self._last = (start, known)
            start, head = self._last
            end = len(start)
            if len(data) < end + head.length:
                self._hold(data, end + head.length - len(data))
                return
            body = data[end : end + head.length]
            question = read_question(hot.context, head, body, self._answer, hot.answering)
            if question is None:
                break
            self._ask(question)
            data = data[end + head.length :]
            if not data:
                return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Let the parser read, and learn from it."""
        self._learned.clear()
        between = self._between
        super().data_received(data)
        if self.parser is None or self.transport.is_closing():
            return
        if (head := self._head) is not None:
            if between:
                self._remember(data, head, sum(map(len, self._parts)))
            self._hand_over()  # its body has not come whole: the application has the patience and the limits
        elif between and len(self._learned) == 1:
            self._remember(data, self._learned[0], self._learned[0].length)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; what it had begun to ask is the application's, which counts it as given up."""
        if self._held:
            self._give_up()
            if self._head is not None:
                self._hand_over()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request without what only the application needs."""
        self._in_head = True
        self._between = False
        self._refused = False
        self._head = None
        self._parts = []
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Hold back a request that looks plain until its body is here."""
        if not self.accept_head():
            self._refused = True
            return
        parser = self.parser
        if self._may_be_short() and parser.get_method() == b"POST" and parser.get_http_version() == "1.1":
            self._head = read_head(self.url, self.headers)
        if self._head is None:
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        """Keep the body of a request that is held back."""
        if self._head is not None:
            self._parts.append(body)
        elif not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a plain request, or hand it over."""
        self._between = True
        if self._refused:
            return
        if self._head is not None:
            head, body = self._head, b"".join(self._parts)
            question = read_question(self.hot.context, head, body, self._answer, self.hot.answering)
            if question is not None:
                self._head = None
                self._learned.append(head)
                self._ask(question)
                return
            self._hand_over()
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that the short way has not used either."""
        rest = self._active + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self.timeout_keep_alive_task = self.loop.call_later(rest, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _may_be_short(self) -> bool:
        busy = self.cycle is not None and not self.cycle.response_complete
        return not (busy or self.pipeline or self.flow.write_paused or self.hot.context.draining)

    def _hold(self, data: bytes, missing: int) -> None:
        """Wait a little for the rest of a request."""
        self._held, self._missing = [data], missing
        self._unset_keepalive_if_required()  # as the parser does: the connection is no longer idle
        self.hot.context.enter()
        self._patience = self.loop.call_later(PATIENCE, self._give_up)

    def _release(self) -> bytes:
        """What was held."""
        assert self._patience is not None
        self._patience.cancel()
        data, self._held = b"".join(self._held), []
        self.hot.context.leave()
        return data

    def _give_up(self) -> None:
        self._parse(self._release())

    def _remember(self, data: bytes, head: Head, received: int) -> None:
        """Keep the head of a request that came alone, with so many bytes of its body."""
        end = data.find(b"\r\n\r\n", 0, LONGEST_HEAD) + 4
        if head.lasting and end > 3 and len(data) == end + received:
            if len(self.hot.heads) >= HEADS:
                self.hot.heads.clear()
            self.hot.heads[data[:end]] = head

    def _hand_over(self) -> None:
        """Give the request to the application from its beginning, after the answers that are due before it."""
        if self._waiting:
            self.hot.turns.flush()
        url, headers, parts = self.url, self.headers, self._parts
        self._head = None
        HttpToolsProtocol.on_message_begin(self)
        self.url = url
        for name, value in headers:
            self.on_header(name, value)
        HttpToolsProtocol.on_headers_complete(self)
        for part in parts:
            super().on_body(part)

    def _ask(self, question: Question) -> None:
        self._waiting += 1
        self.hot.context.enter()
        self.hot.turns.add(question)

    def _answer(self, question: Question, answer: Any) -> None:
        hot = self.hot
        self._waiting -= 1
        hot.ended.append(question)
        headers = self.server_state.default_headers
        reply = respond(hot.context, question, answer)
        if isinstance(reply, bytes):
            message = hot.usual_head(headers, len(reply)) + reply
        else:
            message = _message(reply, hot.default_headers(headers))
        if self.transport.is_closing():
            return
        self.transport.write(message)
        self.server_state.total_requests += 1
        self._active = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )


def _message(response: Response, default: bytes) -> bytes:
    own = {"content-type": response.content_type, "content-length": len(response.body), **response.headers}
    lines = [f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in own.items()]
    return b"".join([STATUS_LINE[response.status], default, *lines, b"\r\n", response.body])
