"""What goes from step to step: a body and the headers that say how to read it."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from kserve_lite_server.errors import ServeError

WINDOW = 256 * 1024
"""Bytes of a streamed body that wait for their reader before the sender is held back."""
UNREAD = object()


class Stream:
    """A body that is passed on while it arrives. `length` is None when nobody said how long it is."""

    def __init__(self, length: int | None, hold: Callable[[], None], go_on: Callable[[], None]) -> None:
        """`hold` and `go_on` stop and start the sender."""
        self.length = length
        self._hold, self._go_on = hold, go_on
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._held = False
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def whole(self) -> bool:
        """Whether everything has arrived."""
        return self._ended and self._error is None

    def feed(self, chunk: bytes) -> None:
        """A part has arrived."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > WINDOW and not self._held:
            self._held = True
            self._hold()
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes: it is whole, or `error` says why not."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    async def next(self) -> bytes | None:
        """The next part; None after the last. Raises what `end` was given."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        if self._held and self._size <= WINDOW // 2:
            self._held = False
            self._go_on()
        return chunk

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Message:
    """A request or an answer. `content` are its header lines, such as `content-type`, ready to be sent on."""

    __slots__ = ("_json", "body", "code", "content", "readable", "status", "stream")

    def __init__(
        self, status: int, content: bytes, body: bytes, stream: Stream | None = None, readable: bool = True
    ) -> None:
        """`stream` instead of `body` for one that is not here yet; `readable` is false for a compressed one."""
        self.status = status
        self.content = content
        self.body = body
        self.stream = stream
        self.readable = readable
        self.code = ""  # of the router's own refusals
        self._json: Any = UNREAD

    @property
    def good(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body's value. Raises `ValueError` when it is none."""
        if self._json is UNREAD:
            if not self.readable:
                raise ValueError("it is compressed")
            self._json = loads(self.body)
        return self._json


def _first(body: bytes) -> Any:
    """Import orjson when a body is read, since it is a tenth of the start; not at each, which costs as much as that."""
    global loads
    import orjson

    loads = orjson.loads
    return loads(body)


loads: Callable[[bytes], Any] = _first
JSON = b"content-type: application/json\r\n"


def error_message(error: ServeError) -> Message:
    """The answer that a refusal comes to: what every server of this project answers, and the step at fault."""
    fields = {"error": error.message, "code": error.code}
    if step := getattr(error, "step", ""):
        fields["step"] = step
    content = JSON if error.retry_after is None else JSON + b"retry-after: %d\r\n" % error.retry_after
    message = Message(
        error.status,
        content,
        json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"),
    )
    message.code = error.code
    return message
