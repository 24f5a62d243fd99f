"""What is counted: plain numbers while requests run, Prometheus' families when somebody asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOGETHER = 200


class Timed:
    """Requests by status, and how long they took. They are noted one by one and counted together, which is cheaper."""

    __slots__ = ("_buckets", "_codes", "_noted", "_seconds")

    def __init__(self) -> None:
        self._codes: Counter[int] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0
        self._noted: list[tuple[int, float]] = []

    def observe(self, status: int, seconds: float) -> None:
        """One has ended; 499 for one whose client went away."""
        self._noted.append((status, seconds))
        if len(self._noted) == TOGETHER:
            self.counted()

    def counted(self) -> tuple[Counter[int], list[int], float]:
        """How many by status, and by bucket of time, and the seconds of all together."""
        codes, buckets = self._codes, self._buckets
        for status, seconds in self._noted:
            codes[status] += 1
            buckets[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds
        self._noted.clear()
        return codes, buckets, self._seconds


class StepMetrics(Timed):
    """Calls of one step, and how they failed."""

    __slots__ = ("failures",)

    def __init__(self) -> None:
        super().__init__()
        self.failures: Counter[str] = Counter()

    def failed(self, code: str) -> None:
        """A call failed on its way; the service did not answer, or not well."""
        self.failures[code] += 1


class GraphMetrics:
    """One router's. Steps keep their numbers while the graph changes."""

    def __init__(self) -> None:
        self.requests = Timed()
        self.errors: Counter[str] = Counter()
        self.steps: dict[tuple[str, str], StepMetrics] = {}
        self.in_flight = 0
        self.reloads: Counter[str] = Counter()
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def step(self, node: str, step: str) -> StepMetrics:
        """The numbers of a step."""
        return self.steps.setdefault((node, step), StepMetrics())

    def text(self, graph: str, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type."""
        from prometheus_client import (
            CollectorRegistry,
        )  # only where metrics are scraped: it costs start and memory
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.platform_collector import PlatformCollector
        from prometheus_client.process_collector import ProcessCollector

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(_Families(self, graph))
        encoder, content_type = choose_encoder(accept)
        return encoder(registry), content_type


class _Families:
    """The numbers as Prometheus' families."""

    def __init__(self, metrics: GraphMetrics, graph: str) -> None:
        self._metrics, self._graph = metrics, graph

    def collect(self) -> Iterable[Any]:
        """Yield every family."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        def histogram(family: Any, labels: list[str], timed: Timed) -> None:
            total, buckets = 0, []
            _, counts, seconds = timed.counted()
            for bound, count in zip([*map(str, SECONDS), "+Inf"], counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric(labels, buckets, seconds)

        own, graph = self._metrics, self._graph
        requests = CounterMetricFamily(
            "kserve_lite_graph_requests", "Requests to the graph, by status; 499: the client went away",
            labels=["graph", "code"],
        )  # fmt: skip
        for status, count in own.requests.counted()[0].items():
            requests.add_metric([graph, str(status)], count)
        yield requests
        errors = CounterMetricFamily(
            "kserve_lite_graph_errors",
            "Requests that the router refused or failed, by code",
            labels=["graph", "code"],
        )
        for code, count in own.errors.items():
            errors.add_metric([graph, code], count)
        yield errors
        seconds = HistogramMetricFamily(
            "kserve_lite_graph_request_seconds", "From the head to the answer", labels=["graph"]
        )
        histogram(seconds, [graph], own.requests)
        yield seconds
        calls = CounterMetricFamily(
            "kserve_lite_graph_step_requests",
            "Calls of a step, by status",
            labels=["graph", "node", "step", "code"],
        )
        failures = CounterMetricFamily(
            "kserve_lite_graph_step_failures", "Calls that failed on their way, by code",
            labels=["graph", "node", "step", "code"],
        )  # fmt: skip
        step_seconds = HistogramMetricFamily(
            "kserve_lite_graph_step_seconds", "From a call to its answer", labels=["graph", "node", "step"]
        )
        for (node, step), timed in own.steps.items():
            for status, count in timed.counted()[0].items():
                calls.add_metric([graph, node, step, str(status)], count)
            for code, count in timed.failures.items():
                failures.add_metric([graph, node, step, code], count)
            histogram(step_seconds, [graph, node, step], timed)
        yield from (calls, failures, step_seconds)
        reloads = CounterMetricFamily(
            "kserve_lite_graph_reloads", "Changes of the graph", labels=["graph", "result"]
        )
        for result, count in own.reloads.items():
            reloads.add_metric([graph, result], count)
        yield reloads
        in_flight = GaugeMetricFamily(
            "kserve_lite_graph_requests_in_flight", "Requests being answered", labels=["graph"]
        )
        in_flight.add_metric([graph], own.in_flight)
        yield in_flight
        for name, (text, value) in own.gauges.items():
            gauge = GaugeMetricFamily(name, text, labels=["graph"])
            gauge.add_metric([graph], value())
            yield gauge
