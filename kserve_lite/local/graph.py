"""An InferenceGraph on this machine: its router as a process, which asks the services through the gateway."""

import asyncio
import contextlib
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from kserve_lite.api.problems import Problem
from kserve_lite.local import ports
from kserve_lite.local.events import Failed, Log, Phase, Report
from kserve_lite.local.gateway import Backend, Unavailable
from kserve_lite.local.process import Process
from kserve_lite.local.route import Route
from kserve_lite.resolve.graph import FILE, EffectiveGraph

RUNTIME = "router"
_LOOK = 0.05
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 30.0
_PATIENCE = 60.0
_STOP = 1.2


@dataclass(frozen=True)
class GraphPlan:
    """How one graph runs here. Two of them differ in the router's file, which it reads again."""

    route: Route
    text: str
    runtime: str = RUNTIME

    def watched(self) -> list[Path]:
        """Return nothing: all of a graph is in its YAML file."""
        return []

    def followed(self) -> list[Path]:
        """Return nothing."""
        return []


def graph_plan(graph: EffectiveGraph) -> GraphPlan:
    """Map a graph to this machine."""
    return GraphPlan(Route(graph.key, "", graph.hosts), graph.text)


class GraphService:
    """One graph. `run` is its whole life; `settled` is set once it answers or has failed."""

    def __init__(self, plan: GraphPlan, folder: Path, report: Report, log_format: str) -> None:
        """Nothing happens before `run`."""
        self.plan = plan
        self.settled = asyncio.Event()
        self.problem: Problem | None = None
        self._folder = folder
        self._report = report
        self._log_format = log_format
        self._process: Process | None = None
        self._backend: Backend | None = None

    @property
    def backend(self) -> Backend | Unavailable:
        """Where requests go now, or why they cannot be answered."""
        if self._backend is not None and self.ready:
            return self._backend
        return Unavailable(
            "graph_not_ready", f"the router of {self.plan.route.key} does not run at the moment"
        )

    failed_models = 0

    @property
    def ready(self) -> bool:
        """Whether the router answers."""
        return self._backend is not None and self._process is not None and self._process.alive

    async def sample(self) -> str | None:
        """Return nothing: what a graph takes, its first steps know."""
        return None

    def change(self, plan: GraphPlan) -> None:
        """Give the router another file; it takes it without an end."""
        self.plan = plan
        self._write()
        self._report(Phase(plan.route.key, "Reloading"))

    async def run(self) -> None:
        """Serve until cancelled; then the router is gone when it returns."""
        key, pause = self.plan.route.key, _FIRST_PAUSE
        try:
            self._folder.mkdir(parents=True)
            self._write()
            while True:
                began = time.monotonic()
                await self._launch()
                self.settled.set()
                if self.ready:
                    pause = _FIRST_PAUSE
                    self._report(Phase(key, "Ready", milliseconds=round((time.monotonic() - began) * 1000)))
                assert self._process is not None
                code = await self._process.wait()
                self._report(Phase(key, "Restarting", f"in {pause:g} s: the router ended with code {code}"))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)
        finally:
            if self._process is not None:
                await self._process.stop(_STOP)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self) -> None:
        """Put the file in place as a whole."""
        draft = self._folder / f"{FILE}.next"
        draft.write_text(self.plan.text, encoding="utf-8")
        draft.replace(self._folder / FILE)

    async def _launch(self) -> None:
        """Start the router and wait until it answers or ends."""
        key = self.plan.route.key
        (port,) = ports.free(1)
        flags = ["--graph", str(self._folder / FILE), "--host", "127.0.0.1", "--http_port", str(port)]
        self._backend = None
        self._process = await Process.start(
            [sys.executable, "-m", "kserve_lite_server.graph", *flags, "--log_format", self._log_format],
            {},
            self._folder,
            lambda line: self._report(Log(key, line)),
        )
        url = URL.build(scheme="http", host="127.0.0.1", port=port)
        deadline = time.monotonic() + _PATIENCE
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while self._process.alive and time.monotonic() < deadline:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(url / "readyz") as answer:
                        if answer.status == 200:
                            self._backend = Backend(url)
                            return
                await asyncio.sleep(_LOOK)
        last = next((line for line in reversed(self._process.tail) if line.strip()), "it said nothing")
        self.problem = Problem(
            "graph_not_ready", "spec", f"the router did not begin: {last}", "its log says more"
        )
        self._report(Failed(key, self.problem))
