"""Whatever bytes a client sends, in whatever pieces: events or a fault, the same for all pieces, and no traceback."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kserve_lite_server.grpc.blocks import Headers, written
from kserve_lite_server.grpc.faults import Fault
from kserve_lite_server.grpc.frames import Frames
from kserve_lite_server.grpc.layout import PREFACE, SETTINGS, frame
from kserve_lite_server.grpc.outgoing import Limits

CALL = written([(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/a"), (b"te", b"trailers")])
LIMITS = Limits(streams=2, window=70000, stream_window=100, max_frame=16384, max_headers=500)

PAYLOADS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([CALL, CALL[:9], CALL[9:], CALL * 9, b"\0\0\0\0\5" + CALL, b"\3" + CALL + b"pad"]),
    st.sampled_from(
        [b"x" * 90, b"x" * 101, (1).to_bytes(4, "big"), (2**31 - 1).to_bytes(4, "big"), b"\0" * 8]
    ),
)
FRAMES = st.builds(
    frame,
    st.integers(0, 11),
    st.sampled_from([0, 1, 4, 5, 8, 12, 13, 0x20, 0x25, 0x2D, 0xFF]),
    st.sampled_from([0, 1, 1, 1, 3, 3, 5, 2, 2**31 + 1]),
    PAYLOADS,
)


class Heard:
    """A listener that keeps what it is told, and answers nothing."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *told: self.events.append((name, *told))


def said(pieces: list[bytes]) -> tuple[list[tuple[Any, ...]], Any, bytes]:
    """Events, the fault's reason, and what goes back."""
    heard, reason = Heard(), None

    def read(headers: Headers) -> Headers:
        return headers

    frames = Frames[Headers](heard, read, lambda headers: None, LIMITS)
    try:
        for piece in pieces:
            frames.feed(piece)
    except Fault as fault:
        reason = fault.reason
    return heard.events, reason, frames.take()


@settings(max_examples=400)
@given(
    st.lists(FRAMES, max_size=12), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=3)
)
def test_what_arrives_in_one_piece_means_what_it_means_byte_by_byte(
    frames: list[bytes], flips: list[tuple[int, int]]
) -> None:
    sent = bytearray(PREFACE + frame(SETTINGS, 0, 0, b"") + b"".join(frames))
    for place, value in flips:
        if place < len(sent):
            sent[place] = value

    whole = said([bytes(sent)])

    assert whole == said([bytes((byte,)) for byte in sent])


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_calls_that_are_sent_in_any_pieces_are_all_heard(sizes: list[int]) -> None:
    sent = (
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(1, 4, 1, CALL)
        + frame(0, 1, 1, b"x" * 90)
        + frame(1, 5, 3, CALL)
    )
    pieces, position = [], 0
    while position < len(sent):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(sent[position : position + size])
        position += size

    events, reason, _ = said(pieces)

    assert reason is None
    assert [event[:2] for event in events if event[0] in ("opened", "data")] == [
        ("opened", 1), ("data", 1), ("opened", 3),
    ]  # fmt: skip
