"""The parent of the workers: forks them, replaces those that die, passes on signals, carries out load and unload."""

import gc
import logging
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kserve_lite_server.metrics import forget_worker
from kserve_lite_server.repository.control import Control
from kserve_lite_server.repository.repository import Repository
from kserve_lite_server.workers.channel import Channel, failure
from kserve_lite_server.workers.control import WorkerControl, carry_out

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# A worker that lives shorter than this is replaced only after as long a pause.
SHORT_LIFE = 2.0

# What a worker does: serve with this control until it is told to end; its exit status.
Serve = Callable[[Control], int]


@dataclass(slots=True)
class Worker:
    """One child process."""

    pid: int
    channel: Channel
    born: float


class Parent:
    """Keeps `count` workers alive until a signal ends them all."""

    def __init__(self, count: int, repository: Repository, serve: Serve) -> None:
        self._count = count
        self._repository = repository
        self._serve = serve
        self._workers: dict[int, Worker] = {}
        self._asks: deque[tuple[Worker, dict[str, Any]]] = deque()
        self._selector = selectors.DefaultSelector()
        self._ending = False
        self._status = 0

    def run(self) -> int:
        """Serve until a signal; 0 when every worker answered everything."""
        awake, waker = socket.socketpair()
        for end in (awake, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        for number in SIGNALS:
            signal.signal(number, self._end)
        self._selector.register(awake, selectors.EVENT_READ, None)
        gc.freeze()  # objects that exist now are not looked at by the collector, so their pages stay shared
        for _ in range(self._count):
            self._fork()
        while self._workers:
            self._turn()
        return self._status

    def _turn(self) -> None:
        """Wait for a message, a death or a signal, and act on it."""
        for key, _ in self._selector.select():
            worker: Worker | None = key.data
            if worker is None:
                key.fileobj.recv(1024)  # type: ignore[union-attr]  # a signal; its handler has run
            elif (messages := worker.channel.receive()) is None:
                self._bury(worker)
            else:
                self._asks.extend((worker, message) for message in messages)
        while self._asks:
            self._answer(*self._asks.popleft())

    def _answer(self, asker: Worker, message: dict[str, Any]) -> None:
        """Carry out a load or unload: here first, so that workers that come later have it; then in all of them."""
        error = carry_out(self._repository, message["verb"], message["name"])
        outcome = failure(error)
        if outcome is None:
            for worker in list(self._workers.values()):
                worker.channel.send({"kind": "apply", "verb": message["verb"], "name": message["name"]})
            for worker in list(self._workers.values()):
                outcome = self._applied(worker) or outcome
        asker.channel.send({"kind": "answer", "number": message["number"], "failure": outcome})

    def _applied(self, worker: Worker) -> dict[str, str] | None:
        """Wait until a worker has carried out what all were told; what it asks meanwhile is kept for later."""
        while (messages := worker.channel.receive()) is not None:
            self._asks.extend((worker, other) for other in messages if other["kind"] == "ask")
            for message in messages:
                if message["kind"] == "applied":
                    failed: dict[str, str] | None = message["failure"]
                    return failed
        return None  # it died; the one that comes after it is forked from here

    def _fork(self) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            os._exit(self._live(ours, theirs))
        theirs.close()
        worker = self._workers[pid] = Worker(pid, Channel(ours), time.monotonic())
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        log.info("worker %d began", pid)
        if self._ending:  # the signal came while it was born
            os.kill(pid, signal.SIGTERM)

    def _live(self, ours: socket.socket, theirs: socket.socket) -> int:
        """The worker's life, in the child."""
        os.setpgid(0, 0)  # Ctrl-C reaches the parent only, which passes it on once
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        ours.close()
        for sibling in self._workers.values():
            sibling.channel.close()
        self._selector.close()
        try:
            return self._serve(WorkerControl(self._repository, Channel(theirs)))
        except BaseException:
            log.exception("worker %d failed", os.getpid())
            return 1

    def _bury(self, worker: Worker) -> None:
        """Take leave of a worker; another takes its place unless all are ending."""
        self._selector.unregister(worker.channel)
        worker.channel.close()
        _, status = os.waitpid(worker.pid, 0)
        del self._workers[worker.pid]
        forget_worker(worker.pid)
        code = os.waitstatus_to_exitcode(status)
        if self._ending:
            # One that the signal met before it listened for it had nothing to answer.
            self._status = self._status or (0 if code in (0, -signal.SIGTERM) else 1)
            return
        log.error("worker %d ended with status %d; another takes its place", worker.pid, code)
        if time.monotonic() - worker.born < SHORT_LIFE:
            time.sleep(
                SHORT_LIFE
            )  # not to spin when none can live; a signal interrupts nothing but the pause
        if not self._ending:
            self._fork()

    def _end(self, number: int, frame: object) -> None:
        self._ending = True
        for pid in list(self._workers):
            os.kill(pid, signal.SIGTERM)
