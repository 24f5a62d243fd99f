"""Heads of HTTP/1.1 messages: parsed once by httptools, then known by their bytes, which peers repeat.

Bodies are framed here, since a head that is known never reaches a parser.
"""

import re
from collections.abc import Callable
from typing import Any

import httptools

END = b"\r\n\r\n"
KNOWN = 1024
"""Heads that are remembered."""
LONGEST_KNOWN = 2048
CONTENT = (b"content-type", b"content-encoding", b"inference-header-content-length")
"""Headers that belong to a body and stay with it."""
RETRY = b"retry-after"
CHUNKED = -1
UNTIL_CLOSE = -2


class BadHead(Exception):
    """It is not HTTP."""


class _Collector:
    """What httptools calls."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.keep_alive = False
        self.parser: Any = None

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.complete = True
        self.keep_alive = self.parser.should_keep_alive()  # forgotten at the end of a message without a body


class RequestHead:
    """The head of a request; `forwarded` are the header lines that every step gets, `content` those of the body."""

    __slots__ = ("content", "expects", "forwarded", "headers", "keep_alive", "length", "method", "old", "path",
                 "readable", "traced")  # fmt: skip

    def __init__(self, head: bytes, forwards: Callable[[str], bool]) -> None:
        """Parse `head`, its empty line included. Raises `BadHead`."""
        parser, found = _parsed(head, httptools.HttpRequestParser)
        self.method: bytes = parser.get_method()
        self.path = found.url.partition(b"?")[0]
        self.old = parser.get_http_version() == "1.0"
        self.keep_alive = found.keep_alive and not self.old
        self.headers = dict(found.headers)
        self.length = _length(found.headers)
        self.length = 0 if self.length == UNTIL_CLOSE else self.length
        self.expects = self.headers.get(b"expect", b"").lower() == b"100-continue"
        self.traced = b"graph-trace" in self.headers
        self.forwarded = _lines(
            [
                header
                for header in found.headers
                if header[0] not in CONTENT and forwards(header[0].decode("latin-1"))
            ]
        )
        content = [header for header in found.headers if header[0] in CONTENT]
        self.readable = _readable(content)
        if all(name != b"content-type" for name, _ in content):
            content.append((b"content-type", b"application/json"))
        self.content = _lines(content)


class ResponseHead:
    """The head of an answer."""

    __slots__ = ("content", "keep_alive", "length", "readable", "status")

    def __init__(self, head: bytes) -> None:
        """Parse `head`, its empty line included. Raises `BadHead`."""
        parser, found = _parsed(head, httptools.HttpResponseParser)
        self.status: int = parser.get_status_code()
        self.length = 0 if self.status in (204, 304) else _length(found.headers)
        self.keep_alive = found.keep_alive and self.length != UNTIL_CLOSE
        content = [header for header in found.headers if header[0] in CONTENT or header[0] == RETRY]
        self.readable = _readable(content)
        self.content = _lines(content)


def _parsed(head: bytes, make: Any) -> tuple[Any, _Collector]:
    found = _Collector()
    parser = found.parser = make(found)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # nobody is obliged to change the protocol
    except httptools.HttpParserError as error:
        raise BadHead(str(error)) from None
    if not found.complete:
        raise BadHead("the head is not complete")
    return parser, found


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    """How long the body is. The parser has refused what contradicts itself."""
    length = UNTIL_CLOSE
    for name, value in headers:
        if name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise BadHead("the only transfer-encoding that is understood is chunked")
            return CHUNKED
        if name == b"content-length":
            length = int(value)
    return length


def _readable(content: list[tuple[bytes, bytes]]) -> bool:
    return all(name != b"content-encoding" or value.lower() == b"identity" for name, value in content)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


class Chunks:
    """Reads a chunked body, however it is cut into pieces."""

    LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
    LONGEST_LINE = 4096

    def __init__(self) -> None:
        self.done = False
        self._buffer = b""
        self._left = 0  # bytes of the current chunk that are to come
        self._trailing = False

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The payload in `data`, and what comes after the body's end. Raises `BadHead`."""
        data = self._buffer + data
        self._buffer = b""
        pieces: list[bytes] = []
        while not self.done:
            if self._left:
                take = min(self._left, len(data))
                if take:
                    pieces.append(data[:take])
                self._left -= take
                data = data[take:]
                if self._left:
                    break
                self._after_chunk = True
            if self._after_chunk:
                if len(data) < 2:
                    self._buffer = data
                    break
                if not data.startswith(b"\r\n"):
                    raise BadHead("a chunk is longer than it says")
                data, self._after_chunk = data[2:], False
            end = data.find(b"\r\n")
            if end < 0:
                if len(data) > self.LONGEST_LINE:
                    raise BadHead("a line between chunks is too long")
                self._buffer = data
                break
            line, data = data[: end + 2], data[end + 2 :]
            if self._trailing:
                self.done = line == b"\r\n"
                continue
            match = self.LINE.fullmatch(line)
            if match is None:
                raise BadHead("the size of a chunk is no hexadecimal number")
            self._left = int(match[1], 16)
            self._trailing = self._left == 0
        return pieces, data if self.done else b""

    _after_chunk = False
