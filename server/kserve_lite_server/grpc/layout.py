"""How HTTP/2's frames look (RFC 9113, sections 4 and 6)."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = struct.Struct(">IBI")  # length and type, flags, stream
LENGTH = 9
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM, END_HEADERS, PADDED, HAS_PRIORITY, ACK = 0x1, 0x4, 0x8, 0x20, 0x1
TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEADERS = range(1, 7)
FIRST_WINDOW, SMALLEST_MAX_FRAME, LARGEST_MAX_FRAME = 65535, 16384, 2**24 - 1
LARGEST_WINDOW = 2**31 - 1
LAST_STREAM = 2**31 - 1


def frame(kind: int, flags: int, number: int, payload: bytes | memoryview) -> bytes:
    """One frame."""
    return HEAD.pack(len(payload) << 8 | kind, flags, number) + payload
