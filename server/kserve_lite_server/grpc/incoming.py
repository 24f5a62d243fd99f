"""Bytes of a stream to messages: five bytes of prefix, then so many bytes, perhaps compressed."""

import zlib
from collections.abc import Iterator

from kserve_lite_server.errors import ServeError, invalid

PREFIX = 5
# zlib's number for a format: gzip, and zlib's own, which HTTP calls deflate.
FORMATS = {"gzip": 31, "deflate": 15}
ACCEPTED = "identity, deflate, gzip"


class Sent:
    """One message as it came."""

    __slots__ = ("_encoding", "_largest", "data")

    def __init__(self, data: bytes, encoding: str, largest: int) -> None:
        """`encoding` is empty where the message is not compressed."""
        self.data = data
        self._encoding = encoding
        self._largest = largest

    @property
    def weight(self) -> int:
        """How many bytes it is to be treated as; what is compressed may become many more."""
        return len(self.data) * (64 if self._encoding else 1)

    def read(self) -> bytes:
        """The message itself. Raises `ServeError`."""
        if not self._encoding:
            return self.data
        if self._encoding not in FORMATS:
            raise invalid("a message is compressed, and grpc-encoding does not say how")
        reader = zlib.decompressobj(FORMATS[self._encoding])
        try:
            message = reader.decompress(self.data, self._largest + 1)
        except zlib.error:
            raise invalid(f"a message is not compressed with {self._encoding}") from None
        if len(message) > self._largest:
            raise _too_large("when it is decompressed ", self._largest)
        if not reader.eof:
            raise invalid(f"a message compressed with {self._encoding} ends too early")
        return message


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

    def feed(self, data: bytes) -> Iterator[Sent]:
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
            yield Sent(whole[PREFIX:end], self._encoding if whole[0] else "", self._largest)

    def _length(self, whole: bytes) -> int:
        if whole[0] > 1:
            raise invalid("a message begins with neither 0 nor 1")
        length = int.from_bytes(whole[1:PREFIX], "big")
        if length > self._largest:
            raise _too_large(f"of {length} bytes ", self._largest)
        return length


def _too_large(size: str, largest: int) -> ServeError:
    return ServeError(
        "request_too_large",
        f"the message {size}is larger than {largest} bytes; see --grpc_max_receive_message_length",
    )
