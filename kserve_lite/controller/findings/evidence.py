"""What a pod's status does not say and is worth asking for: the end of a log, the kubelet's events; and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kserve_lite.controller.findings.pod import Pod
from kserve_lite.controller.findings.storage import INITIALIZER

FETCHING = 2.0  # seconds after which a download's log is worth reading
LOADING = 4.0  # … the log of a server that does not answer yet
CREATING = 8.0  # … the kubelet's events on containers that are not made yet
LEAST = 4.0  # seconds between two readings, at first
MOST = 120.0
_MADE = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True)
class Wish:
    """What to read about a pod now, and in how many seconds to look again; nothing and None when all is said."""

    logs: tuple[str, ...] = ()
    events: bool = False
    after: float | None = None


def wish(pod: Pod, now: datetime, last_read: datetime | None) -> Wish:
    """Say what to ask for. The longer a state lasts, the rarer it is looked at."""
    due: list[tuple[str, float, float]] = []  # what, seconds in this state, seconds until it is worth it
    if pod.ready or pod.leaving:
        return Wish()
    for container in pod.containers:
        if container.running is not None and not container.ready:
            since = _seconds(container.running.get("startedAt"), now)
            if container.name.startswith(INITIALIZER):
                due.append((container.name, since, FETCHING))
            elif not container.init:
                due.append((container.name, since, LOADING))
    scheduled = pod.condition("PodScheduled")
    waiting = [c for c in pod.containers if c.waiting and c.waiting.get("reason") in _MADE]
    running = any(c.running for c in pod.containers)
    if not due and not running and waiting and scheduled is not None and scheduled["status"] == "True":
        due.append(("", _seconds(scheduled.get("lastTransitionTime"), now), CREATING))
    if not due:
        return Wish()
    age = max(since for _, since, _ in due)
    pause = min(max(LEAST, age / 4), MOST)
    idle = (now - last_read).total_seconds() if last_read else pause
    if idle < pause:
        return Wish(after=pause - idle)
    ripe = [what for what, since, worth in due if since >= worth]
    if not ripe:
        return Wish(after=min(max(worth - since, 0.2) for _, since, worth in due))
    return Wish(tuple(name for name in ripe if name), "" in ripe, after=pause)


def _seconds(stamp: str | None, now: datetime) -> float:
    if not stamp:
        return 0.0
    return max(0.0, (now - datetime.fromisoformat(stamp)).total_seconds())
