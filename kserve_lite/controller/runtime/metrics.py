"""Prometheus metrics under controller-runtime's names, so that existing dashboards and alerts work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import Key, Kube
from kserve_lite.controller.runtime.workqueue import WorkQueue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one process; what is a plain number elsewhere is read when somebody asks."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.reconciles = Counter(
            "controller_runtime_reconcile",
            "Reconciles by result.",
            ["controller", "result"],
            registry=registry,
        )
        self.errors = Counter(
            "controller_runtime_reconcile_errors", "Failed reconciles.", ["controller"], registry=registry
        )
        self.seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Length of a reconcile.",
            ["controller"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.waited = Histogram(
            "workqueue_queue_duration_seconds",
            "How long a key waited.",
            ["name"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.leading = Gauge(
            "leader_election_master_status", "1 while this process leads.", ["name"], registry=registry
        )

    def watch_queue(self, name: str, queue: WorkQueue[Key], busy: Sized) -> None:
        """Show a controller's queue and how many of its workers are at work."""
        self.registry.register(_Queue(name, queue, busy))

    def watch_cache(self, informers: Iterable[Informer], kube: Kube) -> None:
        """Show what the informers hold and when they last heard, and the requests by verb."""
        self.registry.register(_Cache(list(informers), kube))

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self.registry)


@dataclass(eq=False)
class _Queue(Collector):
    name: str
    queue: WorkQueue[Key]
    busy: Sized

    def collect(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("workqueue_depth", "Keys waiting.", labels=["name"])
        depth.add_metric([self.name], len(self.queue))
        adds = CounterMetricFamily("workqueue_adds", "Keys that entered the queue.", labels=["name"])
        adds.add_metric([self.name], self.queue.added)
        retries = CounterMetricFamily("workqueue_retries", "Looks after a failure.", labels=["name"])
        retries.add_metric([self.name], self.queue.retried)
        active = GaugeMetricFamily(
            "controller_runtime_active_workers", "Workers at work.", labels=["controller"]
        )
        active.add_metric([self.name], len(self.busy))
        yield from (depth, adds, retries, active)


@dataclass(eq=False)
class _Cache(Collector):
    informers: list[Informer]
    kube: Kube

    def collect(self) -> Iterator[Metric]:
        now = time.monotonic()
        silent = GaugeMetricFamily(
            "kserve_lite_watch_silent_seconds", "Since a watch last heard anything.", labels=["kind"]
        )
        held = GaugeMetricFamily("kserve_lite_cached_objects", "Objects held in memory.", labels=["kind"])
        requests = CounterMetricFamily(
            "kserve_lite_api_requests", "Requests to the API server.", labels=["verb", "resource"]
        )
        for informer in self.informers:
            silent.add_metric([informer.kind.kind], now - informer.last_heard)
            held.add_metric([informer.kind.kind], len(informer))
        for (verb, plural), count in sorted(self.kube.counts.items()):
            requests.add_metric([verb, plural], count)
        yield from (silent, held, requests)
