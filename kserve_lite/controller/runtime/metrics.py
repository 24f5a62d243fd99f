"""Prometheus metrics under controller-runtime's names, so that existing dashboards and alerts work."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Sized

from kserve_lite.controller.runtime.exposition import Family, Histogram, text
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import Key, Kube
from kserve_lite.controller.runtime.workqueue import WorkQueue

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one process; what is a plain number elsewhere is read when somebody asks."""

    def __init__(self) -> None:
        self.reconciles: Counter[tuple[str, str]] = Counter()  # by controller and result
        self.errors: Counter[str] = Counter()  # by controller
        self.seconds: dict[str, Histogram] = defaultdict(lambda: Histogram(_SECONDS))
        self.waited: dict[str, Histogram] = defaultdict(lambda: Histogram(_SECONDS))
        self.leading: dict[str, bool] = {}  # by name of the Lease
        self._queues: dict[str, tuple[WorkQueue[Key], Sized]] = {}
        self._informers: Sequence[Informer] = ()
        self._kube: Kube | None = None

    def watch_queue(self, name: str, queue: WorkQueue[Key], busy: Sized) -> None:
        """Show a controller's queue and how many of its workers are at work."""
        self._queues[name] = (queue, busy)

    def watch_cache(self, informers: Sequence[Informer], kube: Kube) -> None:
        """Show what the informers hold and when they last heard, and the requests by verb."""
        self._informers, self._kube = informers, kube

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return text([*self._work(), *self._queued(), *self._cached()])

    def _work(self) -> Iterator[Family]:
        done = [("", {"controller": c, "result": r}, n) for (c, r), n in self.reconciles.items()]
        yield Family("controller_runtime_reconcile_total", "counter", "Reconciles by result.", done)
        failed = [("", {"controller": name}, n) for name, n in self.errors.items()]
        yield Family("controller_runtime_reconcile_errors_total", "counter", "Failed reconciles.", failed)
        took = [one for name, h in self.seconds.items() for one in h.samples({"controller": name})]
        yield Family("controller_runtime_reconcile_time_seconds", "histogram", "Length of a reconcile.", took)
        waited = [one for name, h in self.waited.items() for one in h.samples({"name": name})]
        yield Family("workqueue_queue_duration_seconds", "histogram", "How long a key waited.", waited)
        leading = [("", {"name": name}, leads) for name, leads in self.leading.items()]
        yield Family("leader_election_master_status", "gauge", "1 while this process leads.", leading)

    def _queued(self) -> Iterator[Family]:
        queues = self._queues.items()
        depth = [("", {"name": name}, len(queue)) for name, (queue, _) in queues]
        yield Family("workqueue_depth", "gauge", "Keys waiting.", depth)
        added = [("", {"name": name}, queue.added) for name, (queue, _) in queues]
        yield Family("workqueue_adds_total", "counter", "Keys that entered the queue.", added)
        retried = [("", {"name": name}, queue.retried) for name, (queue, _) in queues]
        yield Family("workqueue_retries_total", "counter", "Looks after a failure.", retried)
        busy = [("", {"controller": name}, len(busy)) for name, (_, busy) in queues]
        yield Family("controller_runtime_active_workers", "gauge", "Workers at work.", busy)

    def _cached(self) -> Iterator[Family]:
        now = time.monotonic()
        silent = [("", {"kind": one.kind.kind}, now - one.last_heard) for one in self._informers]
        yield Family(
            "kserve_lite_watch_silent_seconds", "gauge", "Since a watch last heard anything.", silent
        )
        held = [("", {"kind": one.kind.kind}, len(one)) for one in self._informers]
        yield Family("kserve_lite_cached_objects", "gauge", "Objects held in memory.", held)
        counts = self._kube.counts if self._kube is not None else {}
        sent = [("", {"verb": verb, "resource": of}, n) for (verb, of), n in sorted(counts.items())]
        yield Family("kserve_lite_api_requests_total", "counter", "Requests to the API server.", sent)
