"""The gRPC status of an error: read from its HTTP status, so that there is one table for both doors."""

from enum import IntEnum
from urllib.parse import quote

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.blocks import Headers, written


class Code(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


CODES = {
    400: Code.INVALID_ARGUMENT,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    408: Code.DEADLINE_EXCEEDED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.UNIMPLEMENTED,
    429: Code.RESOURCE_EXHAUSTED,
    431: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
# What may stand in a header as it is; the rest of a sentence is percent-encoded, as gRPC's clients undo it.
PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
# Clients refuse a whole call when its trailers are larger than they like: 8 KiB by grpc's default.
LONGEST = 4096


def encoded(sentence: str) -> bytes:
    """A sentence of any characters as the value of a header, cut where it is longer than clients take."""
    while len(value := quote(sentence, safe=PLAIN, errors="replace")) > LONGEST:
        sentence = sentence[: len(sentence) * LONGEST // len(value)]
    return value.encode("ascii")


BEGIN = written([(b":status", b"200"), (b"content-type", b"application/grpc")])
GOOD = written([(b"grpc-status", b"0")])


def trailers(code: Code, sentence: str = "", more: Headers | None = None) -> bytes:
    """The block that ends a call."""
    found = [(b"grpc-status", b"%d" % code), *(more or ())]
    if sentence:
        found.append((b"grpc-message", encoded(sentence)))
    return written(found)


def refusal(error: ServeError) -> bytes:
    """The block that ends a call with the error's sentence; its stable code goes with it as trailing metadata."""
    more = [(b"error-code", error.code.encode())]
    if error.retry_after is not None:
        more.append((b"retry-after", b"%d" % error.retry_after))
    return trailers(CODES.get(error.status, Code.UNKNOWN), error.message, more)
