"""A worker's side: it asks the parent to load or unload, and does so itself when the parent says so."""

import itertools
import os
import signal
import threading
from concurrent.futures import Future
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.repository.repository import Repository
from kserve_lite_server.workers.channel import Channel, failure, raise_failure


def carry_out(repository: Repository, verb: str, name: str) -> ServeError | None:
    """Load or unload; the refusal, if there is one."""
    try:
        if verb == "load":
            repository.load(name)
        else:
            repository.unload(name)
    except ServeError as error:
        return error
    return None


class WorkerControl:
    """Loads and unloads reach every worker, by way of the parent."""

    def __init__(self, repository: Repository, channel: Channel) -> None:
        self._repository = repository
        self._channel = channel
        self._numbers = itertools.count()
        self._asked: dict[int, Future[dict[str, str] | None]] = {}
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def load(self, name: str) -> None:
        """Load or reload in every worker."""
        self._ask("load", name)

    def unload(self, name: str) -> None:
        """Unload in every worker."""
        self._ask("unload", name)

    def _ask(self, verb: str, name: str) -> None:
        number = next(self._numbers)
        asked = self._asked[number] = Future()
        self._channel.send({"kind": "ask", "number": number, "verb": verb, "name": name})
        raise_failure(asked.result())

    def _listen(self) -> None:
        for message in self._channel.messages():
            if message["kind"] == "apply":
                threading.Thread(target=self._apply, args=(message,), daemon=True).start()
            else:
                self._asked.pop(message["number"]).set_result(message["failure"])
        os.kill(os.getpid(), signal.SIGTERM)  # the parent is gone: answer what is running, then end

    def _apply(self, message: dict[str, Any]) -> None:
        error = carry_out(self._repository, message["verb"], message["name"])
        self._channel.send({"kind": "applied", "failure": failure(error)})
