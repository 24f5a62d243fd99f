"""What the headers of a call say: which method, in which encoding, for how long, and the client's metadata."""

import time
from dataclasses import dataclass

from kserve_lite_server.errors import ServeError

# Seconds in one of each unit of `grpc-timeout`.
UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class NotGrpc(Exception):
    """A request of HTTP that is no call: answered with a status of HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class Head:
    """One call's headers."""

    path: str
    metadata: dict[str, str]
    encoding: str = ""  # of the messages that are compressed
    seconds: float | None = None  # that the client waits

    def deadline(self) -> float | None:
        """When the client waits no more, by the monotonic clock, if the call came now."""
        return None if self.seconds is None else time.monotonic() + self.seconds


def read_head(headers: list[tuple[bytes, bytes]], largest: int) -> Head:
    """Read the headers of a request. Raises `NotGrpc`, or `ServeError` where gRPC itself can say what is wrong."""
    if sum(len(name) + len(value) + 32 for name, value in headers) > largest:
        raise ServeError(
            "headers_too_large",
            f"the call's metadata are larger than {largest} bytes; see --max_header_bytes",
        )
    metadata = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if metadata.pop(":method", "") != "POST":
        raise NotGrpc(405)
    kind = metadata.get("content-type", "")
    if not (kind == "application/grpc" or kind.startswith(("application/grpc+proto", "application/grpc;"))):
        raise NotGrpc(415)
    path = metadata.pop(":path", "")
    for name in (":scheme", ":authority", "te", "content-type", "grpc-accept-encoding"):
        metadata.pop(name, None)
    head = Head(path, metadata, metadata.pop("grpc-encoding", "identity"))
    if timeout := metadata.pop("grpc-timeout", ""):
        head.seconds = _seconds(timeout)
    return head


def _seconds(timeout: str) -> float:
    number, unit = timeout[:-1], timeout[-1:]
    if unit not in UNITS or not (number.isascii() and number.isdecimal()) or len(number) > 8:
        raise ServeError("bad_request", f"grpc-timeout {timeout[:20]!r} is no time")
    return int(number) * UNITS[unit]
