"""Compressed bodies: gzip, deflate and zstd, read within a bound so that a small body cannot fill the memory."""

import gzip
import zlib
from collections.abc import Callable

import zstandard

from kserve_lite_server.errors import ServeError

SMALLEST = 1024  # bytes; below that a reply gains nothing
LEVEL = 1


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo Content-Encoding. Raises `ServeError`: unknown encoding, broken data, or more than `limit` bytes."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name in ("identity", ""):
            continue
        if name not in _READERS:
            raise ServeError(
                "unsupported_encoding", f"Content-Encoding {name} is not supported; use {', '.join(_READERS)}"
            )
        try:
            body = _READERS[name](body, limit)
        except (zlib.error, zstandard.ZstdError, EOFError) as error:
            raise ServeError("bad_request", f"the body is not valid {name}: {error}") from None
    return body


def choose(accept: str) -> str | None:
    """The encoding that a client's Accept-Encoding prefers, of those that are written; None for plain."""
    best, best_weight = None, 0.0
    for part in accept.split(","):
        name, _, parameter = part.strip().lower().partition(";")
        weight = _weight(parameter)
        if name.strip() in _WRITERS and weight > best_weight:
            best, best_weight = name.strip(), weight
    return best


def compress(body: bytes, encoding: str) -> bytes:
    """Apply a Content-Encoding that `choose` gave."""
    return _WRITERS[encoding](body)


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _inflate(window: int) -> Callable[[bytes, int], bytes]:
    def read(body: bytes, limit: int) -> bytes:
        parts, size, rest = [], 0, body
        while True:
            reader = zlib.decompressobj(window)
            part = reader.decompress(rest, limit - size + 1)
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            if not reader.eof:
                raise EOFError("it ends too early")
            if not (rest := reader.unused_data):
                return b"".join(parts)

    return read


def _read_zstd(body: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body, read_across_frames=True)
    plain = reader.read(limit + 1)
    if len(plain) > limit:
        raise _too_large(limit)
    if not plain and body:
        raise EOFError("it holds nothing")
    return plain


def _too_large(limit: int) -> ServeError:
    return ServeError(
        "request_too_large",
        f"the body is larger than {limit} bytes when decompressed; see --max_request_bytes",
    )


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _inflate(zlib.MAX_WBITS | 16),
    "deflate": _inflate(zlib.MAX_WBITS),
    "zstd": _read_zstd,
}
_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=LEVEL).compress(body),
    "gzip": lambda body: gzip.compress(body, LEVEL, mtime=0),
    "deflate": lambda body: zlib.compress(body, LEVEL),
}
