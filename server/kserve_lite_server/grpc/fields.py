"""Header blocks of HTTP/2 from a client: read by hpack and judged by RFC 9113."""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from hpack.exceptions import HPACKError, OversizedHeaderListError
from hpack.hpack import Decoder

from kserve_lite_server.grpc.blocks import Headers
from kserve_lite_server.grpc.faults import Fault, Reason

T = TypeVar("T")

NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
ILLEGAL = re.compile(rb"[\0\r\n]|^[ \t]|[ \t]$")
OF_THE_CONNECTION = frozenset(
    (b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade")
)
PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
REMEMBERED = 256  # blocks a connection


class Malformed(Exception):
    """Headers that no request may have: the stream is reset, the connection goes on."""


class Fields(Generic[T]):
    """Reads the blocks of one connection. A client repeats its headers, so what they mean is remembered.

    Only a block that names nothing but entries of the table is remembered, and only until the next that may change
    the table.
    """

    def __init__(self, largest: int, read: Callable[[Headers], T]) -> None:
        """`read` says what a request's headers mean; more than `largest` bytes of them end the connection."""
        self._decoder = Decoder(max_header_list_size=largest)
        self._read = read
        self._known: dict[bytes, T] = {}

    def request(self, block: bytes) -> T:
        """What a request's headers mean. Raises `Fault`, or `Malformed` when only the stream is concerned."""
        if (known := self._known.get(block)) is not None:
            return known
        headers = self._decode(block)
        check_request(headers)
        meaning = self._read(headers)
        if block and min(block) >= 0x80 and max(block) < 0xFF and len(self._known) < REMEMBERED:
            self._known[block] = meaning
        return meaning

    def trailers(self, block: bytes) -> Headers:
        """What a client adds at its end. Raises `Fault` or `Malformed`."""
        headers = self._decode(block)
        check_fields(headers)
        return headers

    def _decode(self, block: bytes) -> Headers:
        if not block or min(block) < 0x80 or max(block) == 0xFF:
            self._known.clear()
        try:
            decoded = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError:
            raise Fault(Reason.ENHANCE_YOUR_CALM, "the headers are far too large") from None
        except (HPACKError, ValueError, IndexError) as error:
            raise Fault(Reason.COMPRESSION_ERROR, f"the headers cannot be decoded: {error}") from None
        return [(bytes(name), bytes(value)) for name, value in decoded]


def check_request(headers: Headers) -> None:
    """Raise `Malformed` unless these may be the headers of a request."""
    pseudo = {}
    for number, (name, value) in enumerate(headers):
        if not name.startswith(b":"):
            check_fields(headers[number:])
            break
        if name not in PSEUDO or name in pseudo or ILLEGAL.search(value):
            raise Malformed(f"pseudo-header {name!r}")
        pseudo[name] = value
    if not (pseudo.get(b":method") and pseudo.get(b":scheme") and pseudo.get(b":path")):
        raise Malformed("a pseudo-header is missing")


def check_fields(headers: Headers) -> None:
    """Raise `Malformed` unless these may be headers, pseudo-headers apart."""
    for name, value in headers:
        if not NAME.fullmatch(name) or name in OF_THE_CONNECTION or ILLEGAL.search(value):
            raise Malformed(f"header {name!r}")
        if name == b"te" and value != b"trailers":
            raise Malformed("te")
