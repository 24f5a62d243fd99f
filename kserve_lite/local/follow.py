"""Say how the models of a server that takes TrainedModels come, change and go."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp
from yarl import URL

from kserve_lite.api.problems import Problem
from kserve_lite.local.events import Failed, Phase, Report
from kserve_lite.local.models import Models
from kserve_lite.resolve.multimodel import Progress, progress, reports
from kserve_lite.resolve.multimodel import Report as Said

_LOOK, _SLOW_LOOK = 0.1, 1.0
FIELD = "spec.model.storageUri"


class Follower:
    """What was told of each model of one service, and what is new since."""

    def __init__(self, namespace: str, report: Report) -> None:
        """Nothing is asked before `follow`."""
        self.settled = asyncio.Event()
        self._namespace = namespace
        self._report = report
        self._told: dict[str, tuple[str, Progress]] = {}

    @property
    def failed(self) -> int:
        """How many models cannot be had."""
        return sum(how == "failed" for _, how in self._told.values())

    def forget(self) -> None:
        """The server is another one, with none of the models yet."""
        self._told.clear()

    async def follow(self, url: URL, models: Models, running: Callable[[], bool]) -> None:
        """Report every change until these models and no others are loaded.

        `settled` is set once each of them is loaded or has failed.
        """
        self.settled.clear()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while running():
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                    async with client.post(url / "v2/repository/index") as answer:
                        self._compare(reports(await answer.json()), models)
                    states = [self._told[name][1] for name in models.names]
                    if not {"loading", "updating"} & set(states):
                        self.settled.set()
                    going = self._told.keys() - set(models.names)
                    if not going and all(state == "loaded" for state in states):
                        return
                await asyncio.sleep(_SLOW_LOOK if self.settled.is_set() else _LOOK)
        self.settled.set()

    def _compare(self, said: dict[str, Said], models: Models) -> None:
        for name in self._told.keys() - set(models.names) - said.keys():
            del self._told[name]
            self._report(Phase(f"{self._namespace}/{name}", "Stopped"))
        for name, source in models.sources:
            now = source, progress(said.get(name), source)
            before, self._told[name] = self._told.get(name), now
            if now != before:
                self._tell(f"{self._namespace}/{name}", now[1], said.get(name), new=before is None)

    def _tell(self, key: str, how: Progress, said: Said | None, *, new: bool) -> None:
        match how:
            case "loaded":
                self._report(Phase(key, "Ready"))
            case "failed":
                assert said is not None
                problem = Problem("model_not_loaded", FIELD, said.reason or "the server does not say why")
                self._report(Failed(key, problem, still_serving=said.state == "READY"))
            case "loading" | "updating":
                if not new:  # at first all of them are on their way: the server's log says it
                    self._report(Phase(key, "Reloading"))
