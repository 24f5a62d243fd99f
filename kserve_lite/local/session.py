"""One `kserve-lite serve` from its first line to its last process: services, gateway, watch, end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kserve_lite.local import ports
from kserve_lite.local.desired import Desired, desired
from kserve_lite.local.events import Failed, Listening, Phase, Refused, Report, Trial, Unused
from kserve_lite.local.gateway import Backend, Gateway, Unavailable
from kserve_lite.local.graph import GraphPlan, GraphService
from kserve_lite.local.plan import Plan
from kserve_lite.local.route import Route
from kserve_lite.local.service import Service
from kserve_lite.local.watch import Print, changes, fingerprint
from kserve_lite.local.workspace import workspace

DEFAULT_PORT = 8080


@dataclass(frozen=True)
class Options:
    """What the user asked for; `port` None is 8080 or the next free one, an empty `address` is this machine alone."""

    paths: tuple[Path, ...]
    mounts: Mapping[str, Path] = field(default_factory=dict)
    port: int | None = None
    address: str = ""
    domain: str = "example.com"
    watch: bool = False
    log_format: str = "text"


async def serve(options: Options, report: Report) -> int:
    """Serve until SIGINT or SIGTERM; return 0, or 1 if nothing could be served. Raises `ports.PortInUse`."""
    with _signals() as stop:
        addresses = [options.address] if options.address else ports.loopback()
        port = ports.claim(addresses, options.port or DEFAULT_PORT, strict=options.port is not None)
        wanted = _read(options, port)
        if wanted.problems:
            report(Refused(tuple(wanted.problems), still_serving=False))
            return 1
        with workspace() as folder:
            session = Session(options, port, folder, report)
            async with Gateway(session.routes, session.backend).listening(addresses, port), session.open():
                session.apply(wanted)
                code = await _until(stop, session.run(port))
                report(Phase("", "Stopping"))
        report(Phase("", "Stopped"))
        return code


class Session:
    """The services that run, brought in line with what the files say."""

    def __init__(self, options: Options, port: int, folder: Path, report: Report) -> None:
        """Nothing runs before `apply`."""
        self._options = options
        self._port = port
        self._folder = folder
        self._report = report
        self._services: dict[str, Service | GraphService] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._prints: dict[str, Print] = {}
        self._wanted = Desired()
        self._started = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """End every service on leaving."""
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), *self._ending, return_exceptions=True)

    def routes(self) -> list[Route]:
        """Return the services as the gateway tells them apart."""
        return [replace(service.plan.route, key=key) for key, service in self._services.items()]

    def backend(self, key: str) -> Backend | Unavailable:
        """Return where a service or graph answers now, by its route's key."""
        return self._services[key].backend

    def apply(self, wanted: Desired) -> None:
        """Start what is new, change what differs, end what is gone."""
        before, self._wanted = self._wanted.waiting, wanted
        plans = wanted.all_plans
        for key in self._services.keys() - plans.keys():
            self._remove(key)
        for key, plan in plans.items():
            seen = fingerprint(plan.watched())
            service = self._services.get(key)
            if service is None:
                self._add(key, plan)
            elif (
                seen == self._prints[key]
                and isinstance(plan, Plan)
                and isinstance(service, Service)
                and service.takes(plan)
            ):
                service.assign(plan)
            elif plan != service.plan or seen != self._prints[key]:
                service.change(plan)  # type: ignore[arg-type]  # a key is of one kind
            self._prints[key] = seen
        for key, problem in wanted.waiting.items():
            if problem != before.get(key):
                self._report(Failed(key, problem))

    async def run(self, port: int) -> int:
        """Wait for the first answers, say where they are to be had, then watch or wait."""
        await asyncio.gather(*(service.settled.wait() for service in self._services.values()))
        ready = [key for key, service in self._services.items() if service.ready]
        if not ready and not self._options.watch:
            return 1
        wished = self._options.port or DEFAULT_PORT
        trials = tuple(await asyncio.gather(*(self._trial(key) for key in ready)))
        self._report(
            Listening(
                f"http://localhost:{port}",
                trials,
                len(self._services)
                - len(ready)
                + len(self._wanted.waiting)
                + sum(service.failed_models for service in self._services.values()),
                tuple(range(wished, port)),
            )
        )
        if self._options.watch:
            await changes(self._watched, self._reload)
        await asyncio.Event().wait()
        return 0

    def _watched(self) -> list[Path]:
        return [
            *self._options.paths,
            *(
                path
                for plan in self._wanted.all_plans.values()
                for path in (*plan.watched(), *plan.followed())
            ),
        ]

    def _reload(self) -> None:
        parents = [key for key, plan in self._wanted.plans.items() if plan.models is not None]
        wanted = _read(self._options, self._port, parents)
        if wanted.problems:
            self._report(Refused(tuple(wanted.problems), still_serving=True))
        else:
            self.apply(wanted)

    def _add(self, key: str, plan: Plan | GraphPlan) -> None:
        self._started += 1
        self._report(Phase(plan.route.key, "Resolving", plan.runtime))
        if fields := self._wanted.unused.get(key):
            self._report(Unused(key, tuple(fields)))
        folder, log_format = self._folder / str(self._started), self._options.log_format
        service: Service | GraphService
        if isinstance(plan, GraphPlan):
            service = GraphService(plan, folder, self._report, log_format)
        else:
            service = Service(plan, folder, self._report, log_format)
        self._services[key] = service
        self._tasks[key] = asyncio.create_task(service.run())

    def _remove(self, key: str) -> None:
        self._report(Phase(self._services[key].plan.route.key, "Stopping"))
        del self._services[key], self._prints[key]
        task = self._tasks.pop(key)
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _trial(self, key: str) -> Trial:
        service = self._services[key]
        route = service.plan.route
        model = route.names[0]
        shared = not model or sum(model in other.names for other in self.routes()) > 1
        body = self._wanted.samples.get(key) or await service.sample()
        return Trial(route.key, model, body, route.hosts[0] if shared else None)


def _read(options: Options, port: int, parents: Sequence[str] = ()) -> Desired:
    """Read the files; graphs reach their services at the gateway's own address."""
    anywhere = options.address in ("", "0.0.0.0", "::")
    address = "127.0.0.1" if anywhere else options.address
    host = f"[{address}]" if ":" in address else address
    return desired(options.paths, options.mounts, options.domain, f"http://{host}:{port}", parents)


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Yield an event that SIGINT, SIGTERM and a closed terminal set; a second one ends this process at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)  # the guards see this process end, and take theirs along
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, int]) -> int:
    """Return the result of `work`, or 0 when `stop` comes first."""
    doing, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else 0
    finally:
        doing.cancel()
        stopped.cancel()
