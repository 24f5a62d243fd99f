"""One process: informers always, controllers while leading, health and metrics for whoever asks."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from kserve_lite.controller.runtime.answers import Answer, Answers
from kserve_lite.controller.runtime.controller import Controller
from kserve_lite.controller.runtime.exposition import TYPE
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import SILENCE_SECONDS, Kube
from kserve_lite.controller.runtime.leader import Election
from kserve_lite.controller.runtime.memory import expect_much, give_back
from kserve_lite.controller.runtime.metrics import Metrics

log = logging.getLogger(__name__)

DEAF_SECONDS = 2 * SILENCE_SECONDS
FIRST_LOOKS = 5.0


@dataclass
class Manager:
    """Runs everything until SIGTERM or SIGINT, or until the lead is lost; then the process is to end.

    `election` is None where one process is known to be alone (tests, a laptop).
    """

    kube: Kube
    metrics: Metrics
    informers: Sequence[Informer]
    controllers: Sequence[Controller]
    election: Election | None = None
    host: str = "0.0.0.0"
    port: int = 8080

    async def run(self) -> bool:
        """Run until told to stop; False when the lead was lost. A standby keeps its caches warm."""
        expect_much()
        self.metrics.watch_cache(self.informers, self.kube)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        paths = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics}
        async with Answers(paths, self.host, self.port):
            return await self._run(stop)

    async def _run(self, stop: asyncio.Event) -> bool:
        followers = [asyncio.ensure_future(informer.run()) for informer in self.informers]
        working = asyncio.ensure_future(self._lead())
        stopping = asyncio.ensure_future(stop.wait())
        settling = asyncio.ensure_future(self._settle())
        try:
            await asyncio.wait({working, stopping, *followers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)  # releases the Lease: needs the client
            for task in (*followers, stopping, settling):
                task.cancel()
            await asyncio.gather(*followers, stopping, settling, return_exceptions=True)
            await self.kube.close()
        for task in (working, *followers):
            if not task.cancelled() and (error := task.exception()):
                raise error
        return stop.is_set()

    async def _settle(self) -> None:
        """Wait for the first lists and looks, and give back what they took."""
        await asyncio.gather(*(informer.synced.wait() for informer in self.informers))
        await asyncio.sleep(FIRST_LOOKS)  # collecting holds everything up for a tenth of a second
        give_back()

    def deaf(self) -> list[str]:
        """Kinds of which nothing was heard for long, not even that a new watch could be opened."""
        now = time.monotonic()
        return [i.kind.kind for i in self.informers if now - i.last_heard > DEAF_SECONDS]

    async def _lead(self) -> None:
        if self.election is None:
            await self._work()
        else:
            await self.election.run(lambda: asyncio.ensure_future(self._work()))

    async def _work(self) -> None:
        # Without all caches a child that exists would look missing.
        await asyncio.gather(*(informer.synced.wait() for informer in self.informers))
        name = self.election.key.name if self.election else "none"
        self.metrics.leading[name] = True
        try:
            await asyncio.gather(*(controller.run() for controller in self.controllers))
        finally:
            self.metrics.leading[name] = False

    def _healthz(self) -> Answer:
        deaf = self.deaf()
        return Answer(500, f"deaf: {', '.join(deaf)}\n".encode()) if deaf else Answer(200, b"ok\n")

    def _readyz(self) -> Answer:
        missing = [i.kind.kind for i in self.informers if not i.synced.is_set()]
        return (
            Answer(503, f"not listed yet: {', '.join(missing)}\n".encode())
            if missing
            else Answer(200, b"ok\n")
        )

    def _metrics(self) -> Answer:
        return Answer(200, self.metrics.text(), TYPE)
