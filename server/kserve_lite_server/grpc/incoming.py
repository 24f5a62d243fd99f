"""Bytes of a stream to messages: five bytes of prefix, then so many bytes, perhaps compressed."""

import zlib
from collections.abc import Iterator

from kserve_lite_server.errors import ServeError, invalid

PREFIX = 5
# zlib's number for a format: gzip, and zlib's own, which HTTP calls deflate.
FORMATS = {"gzip": 31, "deflate": 15}
ACCEPTED = "identity, deflate, gzip"


class Messages:
    """Puts one stream's messages together; never keeps more than the largest message that is allowed."""

    __slots__ = ("_encoding", "_largest", "_parts", "_size", "_wanted")

    def __init__(self, encoding: str, largest: int) -> None:
        self._encoding = encoding
        self._largest = largest
        self._parts: list[bytes] = []
        self._size = 0  # of the parts
        self._wanted = PREFIX  # before there is anything to do

    @property
    def partial(self) -> bool:
        """Whether a message has begun that is not complete."""
        return bool(self._size)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take what arrived; give the messages that it completes. Raises `ServeError`."""
        self._parts.append(data)
        self._size += len(data)
        while self._size >= self._wanted:
            whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            end = PREFIX + self._length(whole)
            if len(whole) < end:
                self._parts, self._wanted = [whole], end
                return
            rest = whole[end:]
            self._parts, self._size, self._wanted = [rest] if rest else [], len(rest), PREFIX
            message = whole[PREFIX:end]
            yield self._decompressed(message) if whole[0] else message

    def _length(self, whole: bytes) -> int:
        if whole[0] > 1:
            raise invalid("a message begins with neither 0 nor 1")
        length = int.from_bytes(whole[1:PREFIX], "big")
        if length > self._largest:
            raise self._too_large(f"of {length} bytes ")
        return length

    def _decompressed(self, data: bytes) -> bytes:
        if self._encoding not in FORMATS:
            raise invalid("a message is compressed, and grpc-encoding does not say how")
        reader = zlib.decompressobj(FORMATS[self._encoding])
        try:
            message = reader.decompress(data, self._largest + 1)
        except zlib.error:
            raise invalid(f"a message is not compressed with {self._encoding}") from None
        if len(message) > self._largest:
            raise self._too_large("")
        if not reader.eof:
            raise invalid(f"a message compressed with {self._encoding} ends too early")
        return message

    def _too_large(self, size: str) -> ServeError:
        return ServeError(
            "request_too_large",
            f"the message {size}is larger than {self._largest} bytes; see --grpc_max_receive_message_length",
        )
