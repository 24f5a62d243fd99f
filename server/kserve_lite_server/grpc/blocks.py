"""Header blocks of HTTP/2, written without a table: what every answer begins and ends with is the same bytes."""

Headers = list[tuple[bytes, bytes]]

# The first block says that no table is used; it stays so, whatever the client's settings allow (RFC 7541, 6.3).
NO_TABLE = b"\x20"


def written(headers: Headers) -> bytes:
    """A block with these headers, each a literal that no table keeps."""
    return b"".join([b"\0%b%b%b%b" % (_length(name), name, _length(value), value) for name, value in headers])


def _length(text: bytes) -> bytes:
    length = len(text)
    if length < 127:
        return bytes((length,))
    length -= 127
    digits = bytearray((127,))
    while length >= 128:
        digits.append(length & 127 | 128)
        length >>= 7
    digits.append(length)
    return bytes(digits)
