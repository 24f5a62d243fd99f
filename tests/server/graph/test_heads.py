"""Framing: bodies are read right however they are cut into pieces, and nonsense is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kserve_lite_server.graph.heads import CHUNKED, BadHead, Chunks, RequestHead, ResponseHead


@given(
    body=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    rest=st.binary(max_size=10),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    extension=st.sampled_from([b"", b";x=1", b" "]),
)
def test_a_chunked_body_is_read_however_it_arrives(
    body: list[bytes], rest: bytes, cuts: list[int], extension: bytes
) -> None:
    wire = (
        b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in body)
        + b"0\r\nt: 1\r\n\r\n"
        + rest
    )
    chunks, read, left = Chunks(), b"", b""

    bounds = sorted({0, *(min(cut, len(wire)) for cut in cuts), len(wire)})
    for begin, end in itertools.pairwise(bounds):
        if chunks.done:
            left += wire[begin:end]
        else:
            pieces, left = chunks.feed(wire[begin:end])
            read += b"".join(pieces)

    assert (chunks.done, read, left) == (True, b"".join(body), rest)


@pytest.mark.parametrize("wire", [b"x\r\n", b"-1\r\n", b"1\r\nab\r\n", b"\r\n", b"1" * 5000])
def test_what_is_no_chunk_is_refused(wire: bytes) -> None:
    with pytest.raises(BadHead):
        Chunks().feed(wire)


def test_a_request_is_read_with_the_headers_that_steps_get() -> None:
    raw = (
        b"POST /?a=1 HTTP/1.1\r\nHost: g\r\nContent-Type: x/y\r\nX-Team: red\r\nAuthorization: secret\r\n"
        b"Transfer-Encoding: chunked\r\nTraceparent: 00-1\r\n\r\n"
    )

    head = RequestHead(raw, lambda name: name in ("x-team", "traceparent"))

    assert (head.method, head.path, head.length, head.keep_alive) == (b"POST", b"/", CHUNKED, True)
    assert head.content == b"content-type: x/y\r\n"
    assert head.forwarded == b"x-team: red\r\ntraceparent: 00-1\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no HTTP"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", id="two framings"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", id="unknown encoding"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="negative length"),
    ],
)
def test_a_head_that_contradicts_itself_is_refused(raw: bytes) -> None:
    with pytest.raises(BadHead):
        RequestHead(raw, lambda name: False)


def test_an_answer_without_content_has_no_body() -> None:
    head = ResponseHead(b"HTTP/1.1 204 No Content\r\n\r\n")

    assert (head.status, head.length, head.keep_alive) == (204, 0, True)
