"""What is seen of a request: counted for Prometheus and written as one log line."""

import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kserve_lite_server.metrics import IN_FLIGHT, Answered, Metrics

if TYPE_CHECKING:
    from kserve_lite_server.spans import Spans

log = logging.getLogger("kserve_lite_server.request")

TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
)


@dataclass(slots=True)
class Seen:
    """What handlers learn about a request on the way; an empty protocol is not about a model and is not logged."""

    method: str
    path: str
    protocol: str = ""
    model: str = ""
    rows: int = 0
    received: int = 0
    decoding: float = 0.0
    encoding: float = 0.0
    request_id: str = ""  # the caller's own name for it, as x-request-id has it


@dataclass(frozen=True, slots=True)
class Trace:
    """The caller's trace and this server's span in it, as W3C's `traceparent` has them."""

    trace: str
    parent: str
    flags: str
    span: str

    @property
    def header(self) -> str:
        """The `traceparent` that the reply carries."""
        return f"00-{self.trace}-{self.span}-{self.flags}"


def read_trace(traceparent: str | None) -> Trace | None:
    """The trace that a request belongs to; None when it says nothing, or nothing valid."""
    match = TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
    if match is None or traceparent is None or traceparent.startswith("ff"):
        return None
    return Trace(match["trace"], match["span"], match["flags"], os.urandom(8).hex())


class Ended(Protocol):
    """A request and what became of it; `seen` is made when it is asked for."""

    status: int
    code: str
    sent: int
    seconds: float
    trace: Trace | None

    @property
    def seen(self) -> Seen:
        """What the log and the spans want to know."""

    @property
    def counted(self) -> Answered:
        """What the metrics want to know."""


class RequestLog:
    """One line a request: every failure, and of the others at most so many a second, saying how many were left out."""

    def __init__(
        self, metrics: Metrics, enabled: bool, lines_per_second: int, spans: "Spans | None" = None
    ) -> None:
        self._metrics = metrics
        self._spans = spans
        self._enabled = enabled
        self._lines_per_second = lines_per_second
        self._second = 0
        self._written = 0
        self._left_out = 0

    def began(self, count: int = 1) -> None:
        """A request began, or several at the same time."""
        IN_FLIGHT.inc(count)

    def ended(
        self, seen: Seen, status: int, code: str, sent: int, seconds: float, trace: Trace | None
    ) -> None:
        """A request was answered, or its client went away (status 499)."""
        IN_FLIGHT.dec()
        if not seen.protocol:
            return
        method = seen.path.rpartition(":")[2].rpartition("/")[2]
        numbers = (seconds, seen.received, sent, seen.decoding, seen.encoding)
        self._metrics.answered([((seen.model, seen.protocol, method, status), numbers)])
        self._metrics.due()
        if self._spans:
            trace = self._spans.record(seen, status, code, seconds, trace)
        if self._enabled and (status >= 400 or self._may_write(int(time.monotonic()))):
            self._write(seen, status, code, sent, seconds, trace)

    def ended_together(self, ended: Sequence[Ended]) -> None:
        """Several requests were answered in one turn of the event loop."""
        IN_FLIGHT.dec(len(ended))
        self._metrics.answered([one.counted for one in ended])
        self._metrics.due()
        if not (self._enabled or self._spans):
            return
        now = int(time.monotonic())
        for one in ended:
            writes = self._enabled and (one.status >= 400 or self._may_write(now))
            if not (writes or self._spans):
                continue
            trace = one.trace
            if self._spans:
                trace = self._spans.record(one.seen, one.status, one.code, one.seconds, trace)
            if writes:
                self._write(one.seen, one.status, one.code, one.sent, one.seconds, trace)

    def _may_write(self, now: int) -> bool:
        """Whether there is room for a line in this second."""
        if now != self._second:
            self._second, self._written = now, 0
        self._written += 1
        if self._written <= self._lines_per_second:
            return True
        self._left_out += 1
        return False

    def _write(
        self, seen: Seen, status: int, code: str, sent: int, seconds: float, trace: Trace | None
    ) -> None:
        fields: dict[str, object] = {
            "model": seen.model,
            "protocol": seen.protocol,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "rows": seen.rows,
            "received_bytes": seen.received,
            "sent_bytes": sent,
        }
        if code:
            fields["code"] = code
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        if seen.request_id:
            fields["request_id"] = seen.request_id
        if trace:
            fields |= {"trace_id": trace.trace, "span_id": trace.span}
            if trace.parent:
                fields["parent_id"] = trace.parent
        log.info("%s %s %d", seen.method, seen.path, status, extra={"fields": fields})
