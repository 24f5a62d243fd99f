"""Named models with states: loading puts a new model in place only when it is ready, unloading keeps the
name."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kserve_lite_server.errors import ServeError
from kserve_lite_server.sklearn.model import Model

log = logging.getLogger(__name__)

Loader = Callable[[str, Path], Model]


class State(StrEnum):
    """As the model repository extension spells them."""

    LOADING = "LOADING"
    READY = "READY"
    UNAVAILABLE = "UNAVAILABLE"
    UNLOADED = "UNLOADED"  # written as UNAVAILABLE: somebody wanted it so


@dataclass(slots=True)
class Entry:
    """One name: where it comes from, what serves it, and why it does not."""

    name: str
    folder: Path
    state: State = State.LOADING
    reason: str = ""
    model: Model | None = None
    load_seconds: float = 0.0
    memory: int = 0  # bytes that it was declared to take
    used: float = 0.0  # when a request last asked for it; kept only where models make room for each other
    evicted: bool = False  # it made room for others, and its next request brings it back
    source: str = (
        ""  # what state and reason are about, where a list assigned it: the URI, and the revision after a `#`
    )


class Repository:
    """All models of a server. Reads are lock-free; loads of different names may run at the same time."""

    def __init__(self, loader: Loader, root: Path | None = None) -> None:
        """`root`: where a folder that appears later may be loaded under its own name."""
        self._loader = loader
        self._root = root
        self.changed: list[Callable[[Entry], None]] = []  # told of every load, also a failed one, and unload
        self._entries: dict[str, Entry] = {}
        self._locks: dict[str, threading.Lock] = {}
        # Whether a load also warms up: in the process that will serve, not before a fork.
        self.prepares = False
        # Whether models come and go while it serves: then none of them decides whether the server is ready.
        self.elastic = False
        self.missed: Callable[[str], None] = lambda name: None  # told when an evicted model is asked for
        self.replaced: list[Callable[[Model], None]] = []  # told of every model that is no longer served

    @property
    def names(self) -> list[str]:
        """Names of the models that answer."""
        return [entry.name for entry in self._entries.values() if entry.state is State.READY]

    @property
    def entries(self) -> list[Entry]:
        """All names, in the order in which they were registered."""
        return list(self._entries.values())

    @property
    def ready(self) -> bool:
        """Whether there is a model, and every registered one answers."""
        if self.elastic:
            return True
        wanted = [entry.state for entry in self._entries.values() if entry.state is not State.UNLOADED]
        return bool(wanted) and all(state is State.READY for state in wanted)

    def register(self, name: str, folder: Path) -> None:
        """Make a name known; it is loaded by `load`."""
        self._entries.setdefault(name, Entry(name, folder))

    def place(self, name: str, folder: Path) -> Entry:
        """Make a name known, or say that from its next load on it comes from another folder."""
        self.register(name, folder)
        entry = self._entries[name]
        entry.folder = folder
        return entry

    def remove(self, name: str) -> None:
        """Stop serving a model and forget its name."""
        self.unload(name)
        self._entries.pop(name, None)

    def load(self, name: str) -> Model:
        """Load, or load again, from the model's folder. The old model serves until the new one can.

        Raises `ServeError` with the reason; a model that served before goes on serving.
        """
        self._discover(name)
        entry = self.entry(name)
        with self._locks.setdefault(name, threading.Lock()):
            if entry.model is None:
                entry.state = State.LOADING
            started = time.perf_counter()
            try:
                model = self._loader(name, entry.folder)
                if self.prepares:
                    model.prepare()
            except ServeError as error:
                entry.reason = error.message
                if entry.model is None:
                    entry.state = State.UNAVAILABLE
                self._tell(entry)
                raise
            old, entry.model = entry.model, model
            entry.state, entry.reason = State.READY, ""
            entry.load_seconds = time.perf_counter() - started
        log.info("model %s is ready: %s loaded in %.0f ms", name, model.path, entry.load_seconds * 1000)
        self._retire(old)
        self._tell(entry)
        return model

    def unload(self, name: str) -> None:
        """Stop serving a model; its name stays in the index and can be loaded again."""
        entry = self.entry(name)
        with self._locks.setdefault(name, threading.Lock()):
            old, entry.model = entry.model, None
            entry.state, entry.reason = State.UNLOADED, "unloaded"
        self._retire(old)
        self._tell(entry)

    def entry(self, name: str) -> Entry:
        """The entry of a name. Raises `ServeError` "model_not_found"."""
        entry = self._entries.get(name)
        if entry is None:
            raise _not_found(name)
        return entry

    def model(self, name: str, version: str | None = None) -> Model:
        """The model that answers for a name.

        Raises `ServeError`: "model_not_found" (also after it was unloaded), "version_not_found" or "model_not_ready".
        """
        entry = self.entry(name)
        if self.elastic:
            entry.used = time.monotonic()
            if entry.evicted and entry.model is None:
                self.missed(name)
                raise ServeError(
                    "model_not_ready", f"Model with name {name} is being loaded again.", retry_after=1
                )
        if entry.state is State.UNLOADED:
            raise _not_found(name)
        if version is not None and entry.model is not None and version != entry.model.version:
            raise ServeError(
                "version_not_found",
                f"Model with name {name} has no version {version}; it has {entry.model.version}.",
            )
        if entry.model is None:
            reason = f" Reason: {entry.reason}" if entry.reason else ""
            raise ServeError(
                "model_not_ready", f"Model with name {name} is not ready.{reason}", retry_after=5
            )
        return entry.model

    def _tell(self, entry: Entry) -> None:
        for tell in self.changed:
            tell(entry)

    def _discover(self, name: str) -> None:
        """Register a folder that has appeared; the name comes from outside, so it is looked up, not followed."""
        if self._root is None or name in self._entries:
            return
        for folder in self._root.iterdir():
            if folder.name == name and folder.is_dir() and not name.startswith((".", "_")):
                self.register(name, folder)

    def _retire(self, model: Model | None) -> None:
        if model is not None:
            for tell in self.replaced:
                tell(model)


def _not_found(name: str) -> ServeError:
    return ServeError("model_not_found", f"Model with name {name} does not exist.")
