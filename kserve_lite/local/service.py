"""Keeps one InferenceService answering: starts its versions, swaps them without a gap, restarts what crashes."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.local.events import Failed, Phase, Report
from kserve_lite.local.follow import Follower
from kserve_lite.local.gateway import Backend, Unavailable
from kserve_lite.local.instance import CannotServe, Instance
from kserve_lite.local.plan import Plan

# Restart pauses double from the first to the last; a server that ran this long starts with the first again.
_FIRST_PAUSE, _LAST_PAUSE, _RAN_WELL = 0.5, 30.0, 60.0
# A version that was replaced may finish its requests for so long; at the very end there is less time.
_RETIRE, _STOP = 30.0, 1.2


class Service:
    """One service. `run` is its whole life; `settled` is set once the first version answers or has failed."""

    def __init__(self, plan: Plan, root: Path, report: Report, log_format: str) -> None:
        """Nothing happens before `run`; versions get their folders below `root`."""
        self.plan = plan
        self.settled = asyncio.Event()
        self.problem: Problem | None = None
        self._root = root
        self._report = report
        self._log_format = log_format
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._current: Instance | None = None
        self._coming: Instance | None = None
        self._follower = Follower(plan.route.key.partition("/")[0], report)
        self._following: asyncio.Task[None] | None = None
        self._retiring: dict[asyncio.Task[None], Instance] = {}

    @property
    def backend(self) -> Backend | Unavailable:
        """Where requests go now, or why they cannot be answered."""
        if self._current is not None and self._current.running:
            return self._current.backend
        if self.problem is not None:
            return Unavailable(self.problem.code, f"{self.plan.key} cannot be served: {self.problem.message}")
        return Unavailable("model_not_ready", f"{self.plan.key} is loading its model")

    @property
    def ready(self) -> bool:
        """Whether a version answers."""
        return self._current is not None and self._current.running

    async def sample(self) -> str | None:
        """Return a request body that fits the model that answers now, if its server can say one."""
        return await self._current.sample() if self._current is not None and self._current.running else None

    def change(self, plan: Plan) -> None:
        """Bring up a version by `plan`, or from changed files; the present one serves until the new one answers."""
        self.plan = plan
        self._changed.set()

    def takes(self, plan: Plan) -> bool:
        """Whether `plan` differs in nothing but the list of TrainedModels."""
        return plan != self.plan and plan.processes() == self.plan.processes()

    def assign(self, plan: Plan) -> None:
        """Give another list of models to the server that runs, and to the one that is coming up."""
        self.plan = plan
        for version in (self._current, self._coming):
            if version is not None:
                version.assign(plan)
        self._follow()

    @property
    def failed_models(self) -> int:
        """How many of its TrainedModels cannot be had."""
        return self._follower.failed

    async def run(self) -> None:
        """Serve until cancelled; then every process of this service is gone when it returns."""
        try:
            while True:
                self._changed.clear()
                await self._until_changed(self._bring_up())
                await self._until_changed(self._models_settled())
                self.settled.set()
                await self._until_changed(self._keep_up())
                self._report(Phase(self.plan.key, "Reloading"))
        finally:
            await self._end()

    async def _bring_up(self) -> None:
        version = Instance(self.plan, self._root / str(next(self._numbers)), self._report, self._log_format)
        self._coming = version
        try:
            await version.start()
        except CannotServe as error:
            serving = self.ready
            self.problem = None if serving else error.problem
            self._report(Failed(self.plan.key, error.problem, still_serving=serving))
            return
        finally:
            self._coming = None
        old, self._current, self.problem = self._current, version, None
        if old is not None:
            task = asyncio.create_task(old.retire(_RETIRE))
            self._retiring[task] = old
            task.add_done_callback(self._retired)
        self._follower.forget()
        self._follow()

    def _follow(self) -> None:
        """Say how the present models of the present version come."""
        if self._following is not None:
            self._following.cancel()
        if (version := self._current) is not None and self.plan.models is not None:
            url, models = version.backend.url, self.plan.models
            self._following = asyncio.create_task(self._follower.follow(url, models, lambda: version.running))

    async def _models_settled(self) -> None:
        """Wait until each TrainedModel is loaded or has failed."""
        if self.ready and self.plan.models is not None:
            await self._follower.settled.wait()

    async def _keep_up(self) -> None:
        """Restart the present version whenever it ends; return only by cancellation."""
        pause = _FIRST_PAUSE
        while self._current is not None:
            since = time.monotonic()
            code = await self._current.ended()
            pause = _FIRST_PAUSE if time.monotonic() - since > _RAN_WELL else pause
            self._report(
                Phase(self.plan.key, "Restarting", f"in {pause:g} s: the server ended with code {code}")
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE)
            started = time.monotonic()
            try:
                await self._current.launch()
            except CannotServe as error:
                self._report(Failed(self.plan.key, error.problem))
            else:
                self._report(
                    Phase(self.plan.key, "Ready", milliseconds=round((time.monotonic() - started) * 1000))
                )
                self._follower.forget()
                self._follow()
        await asyncio.Event().wait()

    async def _until_changed(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` to its end, or break it off when the service is changed meanwhile."""
        doing = asyncio.create_task(work)
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({doing, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing

    def _retired(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._retiring.pop(task, None)

    async def _end(self) -> None:
        if self._following is not None:
            self._following.cancel()
        retiring = dict(self._retiring)
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        left = [*retiring.values(), *([self._current] if self._current is not None else [])]
        await asyncio.gather(*(version.stop(_STOP) for version in left), return_exceptions=True)
