"""Prometheus metrics: KServe's four histograms under their own names, and what an operator needs beside them.

With several workers, each writes its numbers into files of one folder (`PROMETHEUS_MULTIPROC_DIR`, set before this
module is imported), and any of them adds up all.
"""

import os
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384, 65536)
BYTES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)

# KServe's names, as its dashboards ask for them.
PREPROCESS = Histogram(
    "request_preprocess_seconds", "Reading and decoding a request", ["model_name"], buckets=SECONDS
)
PREDICT = Histogram("request_predict_seconds", "Running the model", ["model_name"], buckets=SECONDS)
EXPLAIN = Histogram(
    "request_explain_seconds", "Explaining (never: a predictor does not)", ["model_name"], buckets=SECONDS
)
POSTPROCESS = Histogram("request_postprocess_seconds", "Encoding a reply", ["model_name"], buckets=SECONDS)

REQUESTS = Counter(
    "kserve_lite_requests",
    "Requests to a model, by HTTP status or gRPC code",
    ["model_name", "protocol", "method", "code"],
)
LATENCY = Histogram(
    "kserve_lite_request_seconds",
    "From the request's head to the reply",
    ["model_name", "protocol"],
    buckets=SECONDS,
)
QUEUE = Histogram("kserve_lite_queue_seconds", "Waiting for a thread", ["model_name"], buckets=SECONDS)
BATCH = Histogram("kserve_lite_batch_rows", "Rows in one run of a model", ["model_name"], buckets=ROWS)
REQUEST_BYTES = Histogram(
    "kserve_lite_request_bytes", "Size of request bodies", ["model_name"], buckets=BYTES
)
REPLY_BYTES = Histogram("kserve_lite_reply_bytes", "Size of reply bodies", ["model_name"], buckets=BYTES)
IN_FLIGHT = Gauge("kserve_lite_requests_in_flight", "Requests being answered", multiprocess_mode="livesum")
LOAD = Gauge(
    "kserve_lite_model_load_seconds", "How long the last load took", ["model_name"], multiprocess_mode="max"
)
READY = Gauge(
    "kserve_lite_model_ready", "1 when the model answers", ["model_name"], multiprocess_mode="livemin"
)
INFO = Gauge(
    "kserve_lite_model_info",
    "Always 1",
    ["model_name", "estimator", "method", "sklearn_version"],
    multiprocess_mode="max",
)


UNCOUNTED = 512  # answers; to count them takes half a millisecond

Answered = tuple[tuple[str, str, str, int], tuple[float, int, int, float, float]]
"""Model, protocol, method, HTTP status (also for gRPC); seconds, bytes in and out, seconds of decoding and encoding."""
Ran = tuple[str, tuple[int, float, float]]
"""Model; rows, seconds of waiting and of running."""
About = TypeVar("About")
Numbers = TypeVar("Numbers")


class Metrics:
    """What the front doors and the engine tell, added up later: writing a line costs a tenth of counting it.

    It is counted when somebody asks for the metrics, and when there is much of it; at once where another process may
    be asked. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._answers: deque[Answered] = deque()
        self._runs: deque[Ran] = deque()
        self._shared = bool(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
        self._lock = threading.Lock()

    def ran(self, model: str, rows: int, queued: float, seconds: float) -> None:
        """A model ran once."""
        self._runs.append((model, (rows, queued, seconds)))

    def answered(self, answers: Iterable[Answered]) -> None:
        """Requests to models were answered; `due` follows."""
        self._answers.extend(answers)

    def due(self) -> None:
        """Count what there is, if it is time to."""
        if self._shared or len(self._answers) >= UNCOUNTED:
            self.count()

    def count(self) -> None:
        """Count what there is."""
        with self._lock:
            _count_runs(_drained(self._runs))
            _count_answers(_drained(self._answers))

    def loaded(self, model: str, estimator: str, method: str, seconds: float) -> None:
        """A model answers from now on."""
        import sklearn  # loaded with the model; a process without models does not need it

        LOAD.labels(model).set(seconds)
        READY.labels(model).set(1)
        INFO.labels(model, estimator, method, sklearn.__version__).set(1)

    def not_ready(self, model: str) -> None:
        """A model does not answer."""
        READY.labels(model).set(0)


def _count_runs(runs: Iterable[Ran]) -> None:
    for model, group in _alike(runs).items():
        rows, queued, seconds = zip(*group, strict=True)
        observe(PREDICT.labels(model), seconds)
        observe(QUEUE.labels(model), queued)
        observe(BATCH.labels(model), rows)


def _count_answers(answers: Iterable[Answered]) -> None:
    for (model, protocol, method, status), group in _alike(answers).items():
        REQUESTS.labels(model, protocol, method, str(status)).inc(len(group))
        seconds, received, sent, decoding, encoding = zip(*group, strict=True)
        observe(LATENCY.labels(model, protocol), seconds)
        observe(REQUEST_BYTES.labels(model), received)
        observe(REPLY_BYTES.labels(model), sent)
        if status < 300:
            observe(PREPROCESS.labels(model), decoding)
            observe(POSTPROCESS.labels(model), encoding)


def _drained(
    lines: deque[tuple[About, Numbers]],
) -> Iterator[tuple[About, Numbers]]:
    """Take what is there now; others may go on adding."""
    for _ in range(len(lines)):
        yield lines.popleft()


def _alike(lines: Iterable[tuple[About, Numbers]]) -> dict[About, list[Numbers]]:
    """Put the numbers of lines together that are about the same."""
    groups: dict[About, list[Numbers]] = {}
    for about, numbers in lines:
        if (group := groups.get(about)) is None:
            group = groups[about] = []
        group.append(numbers)
    return groups


def observe(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe many values with one step a bucket; the library takes them one by one."""
    ordered, seen = sorted(values), 0
    for bucket, bound in zip(histogram._buckets, histogram._upper_bounds, strict=True):
        if (reached := bisect_right(ordered, bound, seen)) > seen:
            bucket.inc(reached - seen)
            seen = reached
    histogram._sum.inc(sum(values))


def render(accept: str) -> tuple[bytes, str]:
    """The text and its content type; OpenMetrics when `accept` asks for it."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def forget_worker(pid: int) -> None:
    """A worker ended: what it had in flight is no longer so."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
