"""Prometheus metrics: KServe's four histograms under their own names, and what an operator needs beside them.

With several workers, each writes its numbers into files of one folder (`PROMETHEUS_MULTIPROC_DIR`, set before this
module is imported), and any of them adds up all.
"""

import os
from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Sequence

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


class Metrics:
    """What the front doors and the engine tell; children are kept, since looking one up costs more than counting."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str, str], Counter] = {}
        self._runs: dict[str, tuple[Histogram, Histogram, Histogram]] = {}
        self._latencies: dict[tuple[str, str], tuple[Histogram, Histogram, Histogram]] = {}
        self._coding: dict[str, tuple[Histogram, Histogram]] = {}

    def ran(self, model: str, rows: int, queued: float, seconds: float) -> None:
        """A model ran once."""
        known = self._runs.get(model)
        if known is None:
            known = self._runs[model] = (PREDICT.labels(model), QUEUE.labels(model), BATCH.labels(model))
        known[0].observe(seconds)
        known[1].observe(queued)
        known[2].observe(rows)

    def coded(self, model: str, decoding: float, encoding: float) -> None:
        """A request was decoded and its reply encoded, in seconds."""
        known = self._coding.get(model)
        if known is None:
            known = self._coding[model] = (PREPROCESS.labels(model), POSTPROCESS.labels(model))
        known[0].observe(decoding)
        known[1].observe(encoding)

    def answered(
        self, model: str, protocol: str, method: str, code: str, seconds: float, received: int, sent: int
    ) -> None:
        """A request to a model was answered; `code` is the HTTP status or gRPC code, sizes are in bytes."""
        key = (model, protocol, method, code)
        counter = self._requests.get(key)
        if counter is None:
            counter = self._requests[key] = REQUESTS.labels(*key)
        counter.inc()
        known = self._latencies.get((model, protocol))
        if known is None:
            known = self._latencies[model, protocol] = (
                LATENCY.labels(model, protocol),
                REQUEST_BYTES.labels(model),
                REPLY_BYTES.labels(model),
            )
        known[0].observe(seconds)
        known[1].observe(received)
        known[2].observe(sent)

    def answered_together(
        self,
        model: str,
        protocol: str,
        method: str,
        code: str,
        seconds: Sequence[float],
        received: Sequence[int],
        sent: Sequence[int],
    ) -> None:
        """Several requests to a model were answered alike, at the same time."""
        self.answered(model, protocol, method, code, seconds[0], received[0], sent[0])
        if len(seconds) > 1:
            self._requests[model, protocol, method, code].inc(len(seconds) - 1)
            for histogram, values in zip(
                self._latencies[model, protocol], (seconds, received, sent), strict=True
            ):
                observe_all(histogram, values[1:])

    def coded_together(self, model: str, decoding: Sequence[float], encoding: Sequence[float]) -> None:
        """Several requests were decoded and their replies encoded."""
        self.coded(model, decoding[0], encoding[0])
        for histogram, values in zip(self._coding[model], (decoding, encoding), strict=True):
            observe_all(histogram, values[1:])

    def loaded(self, model: str, estimator: str, method: str, seconds: float) -> None:
        """A model answers from now on."""
        import sklearn  # loaded with the model; a process without models does not need it

        LOAD.labels(model).set(seconds)
        READY.labels(model).set(1)
        INFO.labels(model, estimator, method, sklearn.__version__).set(1)

    def not_ready(self, model: str) -> None:
        """A model does not answer."""
        READY.labels(model).set(0)


def observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe many values with one step a bucket; the library takes them one by one."""
    counts = Counted(bisect_left(histogram._upper_bounds, value) for value in values)
    for bucket, count in counts.items():
        histogram._buckets[bucket].inc(count)
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
