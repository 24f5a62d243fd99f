"""What is wrong with a connection, in HTTP/2's words."""

from enum import IntEnum


class Reason(IntEnum):
    """HTTP/2's error codes, as GOAWAY and RST_STREAM carry them."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Fault(Exception):
    """The client does not keep to HTTP/2, and the connection ends."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
