"""What the headers of a call say: which method, in which encoding, for how long, and the client's metadata."""

import time
from collections.abc import Container
from dataclasses import dataclass

from kserve_lite_server.errors import ServeError
from kserve_lite_server.grpc.blocks import Headers, written
from kserve_lite_server.grpc.fields import Malformed
from kserve_lite_server.grpc.incoming import ACCEPTED, FORMATS
from kserve_lite_server.grpc.status import BEGIN, Code, refusal, trailers

# What is no metadata of the client's own.
OF_GRPC = (":scheme", ":authority", "te", "content-type", "grpc-accept-encoding")
# Seconds in one of each unit of `grpc-timeout`.
UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(slots=True)
class Head:
    """One call's headers."""

    path: str
    metadata: dict[str, str]
    encoding: str = ""  # of the messages that are compressed
    seconds: float | None = None  # that the client waits
    length: int | None = None  # bytes that the client announces

    def deadline(self) -> float | None:
        """When the client waits no more, by the monotonic clock, if the call came now."""
        return None if self.seconds is None else time.monotonic() + self.seconds


@dataclass(slots=True)
class Refused:
    """A request that is no call to this server, and the block that answers it."""

    block: bytes
    length: int | None = None


def read_head(headers: Headers, paths: Container[str], largest: int) -> Head | Refused:
    """Read the headers of a request. Raises `Malformed`."""
    metadata = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    length = _length(metadata.pop("content-length", None))
    if metadata.pop(":method") != "POST":
        return Refused(written([(b":status", b"405"), (b"allow", b"POST")]), length)
    kind = metadata.get("content-type", "")
    if not (kind == "application/grpc" or kind.startswith(("application/grpc+proto", "application/grpc;"))):
        return Refused(written([(b":status", b"415")]), length)
    if sum(len(name) + len(value) + 32 for name, value in headers) > largest:
        error = ServeError(
            "headers_too_large", f"the metadata are larger than {largest} bytes; see --max_header_bytes"
        )
        return Refused(BEGIN + refusal(error), length)
    path, timeout = metadata.pop(":path"), metadata.pop("grpc-timeout", "")
    encoding = metadata.pop("grpc-encoding", "identity")
    if path not in paths:
        said = f"there is no method {path[:200]}"
        return Refused(BEGIN + trailers(Code.UNIMPLEMENTED, said), length)
    if encoding != "identity" and encoding not in FORMATS:
        said = f"messages are compressed with {encoding[:40]}; known are {ACCEPTED}"
        accepted = [(b"grpc-accept-encoding", ACCEPTED.encode())]
        return Refused(BEGIN + trailers(Code.UNIMPLEMENTED, said, accepted), length)
    seconds = _seconds(timeout) if timeout else None
    if timeout and seconds is None:
        error = ServeError("bad_request", f"grpc-timeout {timeout[:20]!r} is no time")
        return Refused(BEGIN + refusal(error), length)
    for name in OF_GRPC:
        metadata.pop(name, None)
    return Head(path, metadata, encoding, seconds, length)


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Malformed("content-length")
    return int(text)


def _seconds(timeout: str) -> float | None:
    number, unit = timeout[:-1], timeout[-1:]
    if unit not in UNITS or not (number.isascii() and number.isdecimal()) or len(number) > 8:
        return None
    return int(number) * UNITS[unit]
