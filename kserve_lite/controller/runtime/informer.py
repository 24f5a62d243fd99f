"""A collection of the API held in memory: listed once, then followed, and told to whoever listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kserve_lite.controller.runtime.backoff import delay
from kserve_lite.controller.runtime.kube import TRANSIENT, ApiError, Key, Kind, Kube, Object

log = logging.getLogger(__name__)

Listener = Callable[[Object | None, Object | None], None]  # (before, after); None is absence
Index = Callable[[Object], Iterable[str]]


def key_of(obj: Object) -> Key:
    """The key of an object as the API server sent it."""
    return Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


@dataclass
class Informer:
    """The objects of one kind (in one namespace, or all), by key and by index.

    Level-triggered: a listener hears that something differs, never why; a deletion that happened while nobody was
    listening is found by comparing with a fresh list.
    """

    kube: Kube
    kind: Kind
    namespace: str = ""
    labels: str = ""
    indexes: dict[str, Index] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.synced = asyncio.Event()
        self.last_heard = time.monotonic()
        self._objects: dict[Key, Object] = {}
        self._indexed: dict[tuple[str, str], set[Key]] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call `listener(before, after)` after every change, on the event loop."""
        self._listeners.append(listener)

    def get(self, key: Key) -> Object | None:
        """The object as last heard of. It is shared: do not change it."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def find(self, index: str, value: str) -> list[Object]:
        """All objects for which the index function gave `value`, by key."""
        return [self._objects[key] for key in sorted(self._indexed.get((index, value), ()))]

    def remember(self, obj: Object) -> None:
        """Take in the answer to an own write, so that the next look does not see the past."""
        self._put(_trim(obj))

    async def run(self) -> None:
        """List, follow, and start over when the server says that our version is gone. Ends only by cancellation."""
        version = ""
        failures = 0
        while True:
            try:
                if not version:
                    version = await self._list()
                    self.synced.set()
                version = await self._follow(version)
                failures = 0
            except TRANSIENT as error:
                failures += 1
                wait = delay(failures, first=0.2, most=30.0)
                if isinstance(error, ApiError):
                    if error.code == 410:  # the version to resume from is gone: list again
                        version = ""
                    wait = max(wait, error.retry_after or 0.0)
                log.warning("%s: %s; trying again in %.1f s", self.kind.plural, _sentence(error), wait)
                await asyncio.sleep(wait)

    async def _list(self) -> str:
        """Read the whole collection, then forget what is no longer in it."""
        version = ""
        seen: set[Key] = set()
        async for page in self.kube.pages(self.kind, self.namespace, self.labels):
            self._heard()
            version = page.version
            for obj in page.items:
                seen.add(key_of(obj))
                self._put(_trim(obj))
        for key in [key for key in self._objects if key not in seen]:
            if _number(self._objects[key]) <= _int(
                version
            ):  # else written by ourselves after the list was read
                self._drop(key)
        return version

    async def _follow(self, version: str) -> str:
        """Take in events until the server ends the watch; return the version to resume from."""
        async for event in self.kube.watch(self.kind, version, self.namespace, self.labels):
            self._heard()
            if event.type == "DELETED":
                self._drop(key_of(event.object), _number(event.object))
            elif event.type != "BOOKMARK":
                self._put(_trim(event.object))
            version = event.object["metadata"]["resourceVersion"]
        self._heard()
        return version

    def _heard(self) -> None:
        self.last_heard = time.monotonic()

    def _put(self, obj: Object) -> None:
        key = key_of(obj)
        before = self._objects.get(key)
        if before is not None:
            if before["metadata"]["resourceVersion"] == obj["metadata"]["resourceVersion"]:
                return
            if _number(obj) < _number(before):
                return  # the echo of something older than an own write that is already here
        self._objects[key] = obj
        self._index(key, before, obj)
        self._tell(before, obj)

    def _drop(self, key: Key, version: int | None = None) -> None:
        before = self._objects.get(key)
        if before is None or (version is not None and version < _number(before)):
            return
        del self._objects[key]
        self._index(key, before, None)
        self._tell(before, None)

    def _index(self, key: Key, before: Object | None, after: Object | None) -> None:
        for name, values in self.indexes.items():
            old = set(values(before)) if before is not None else set()
            new = set(values(after)) if after is not None else set()
            for value in old - new:
                keys = self._indexed[name, value]
                keys.discard(key)
                if not keys:
                    del self._indexed[name, value]
            for value in new - old:
                self._indexed.setdefault((name, value), set()).add(key)

    def _tell(self, before: Object | None, after: Object | None) -> None:
        for listener in self._listeners:
            listener(before, after)


def _trim(obj: Object) -> Object:
    """Drop what no reconcile reads and what makes up half of an object's bytes."""
    obj["metadata"].pop("managedFields", None)
    annotations = obj["metadata"].get("annotations")
    if annotations:
        annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return obj


def _number(obj: Object) -> int:
    return _int(obj["metadata"]["resourceVersion"])


def _int(version: str) -> int:
    """Versions are comparable integers (KEP-5504, and so in every API server on etcd)."""
    return int(version) if version.isdigit() else 0


def _sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__
