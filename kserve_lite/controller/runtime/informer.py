"""A collection of the API held in memory: listed once, then followed, and told to whoever listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from kserve_lite.controller.runtime.backoff import delay
from kserve_lite.controller.runtime.kube import (
    SILENCE_SECONDS,
    TRANSIENT,
    ApiError,
    Key,
    Kind,
    Kube,
    Object,
)
from kserve_lite.controller.runtime.store import Store

log = logging.getLogger(__name__)

Listener = Callable[[Object | None, Object | None], None]  # (before, after); None is absence
Index = Callable[[Object], Iterable[str]]
Trim = Callable[[Object], Object]

ABSENT_SECONDS = (
    15.0  # between two looks whether an optional kind has come, or may be read now, that is wanted
)
# … one for which nobody has had a use. Who is not heard of for twice as long passes for deaf.
UNWANTED_SECONDS = SILENCE_SECONDS
LONGEST_WAIT = 5.0  # an API server that comes back is noticed soon
REMEMBERED_DELETIONS = 4096


def key_of(obj: Object) -> Key:
    """The key of an object as the API server sent it."""
    return Key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


@dataclass
class Informer:
    """The objects of one kind (in some namespaces, or all), by key and by index.

    Level-triggered: a listener hears that something differs, never why; a deletion that happened while nobody was
    listening is found by comparing with a fresh list. An `optional` kind may be unknown to the server, or not ours
    to read: then the collection is empty, `absent` says why, and it is looked for again, often once it is `want`ed.
    """

    kube: Kube
    kind: Kind
    namespaces: tuple[str, ...] = ("",)
    labels: str = ""
    indexes: dict[str, Index] = field(default_factory=dict)
    optional: bool = False
    trim: Trim | None = None
    packed: bool = False  # kept as JSON, for kinds of many large objects

    def __post_init__(self) -> None:
        self.synced = asyncio.Event()
        self.last_heard = time.monotonic()
        self.absent: ApiError | None = None
        self._wanted = asyncio.Event()
        self._unsynced = set(self.namespaces)
        self._objects = Store(packed=self.packed)
        self._indexed: dict[tuple[str, str], set[Key]] = {}
        self._deleted: dict[Key, int] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call `listener(before, after)` after every change, on the event loop."""
        self._listeners.append(listener)

    def get(self, key: Key) -> Object | None:
        """The object as last heard of. It is shared: do not change it."""
        return self._objects.get(key)

    def __contains__(self, key: Key) -> bool:
        return self._objects.version(key) is not None

    def __iter__(self) -> Iterator[Object]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def find(self, index: str, value: str) -> list[Object]:
        """All objects for which the index function gave `value`, by key."""
        found = map(self._objects.get, self.keys(index, value))
        return [obj for obj in found if obj is not None]

    def keys(self, index: str, value: str) -> list[Key]:
        """The keys of the objects that `find` gives, which need not be unpacked for them."""
        return sorted(self._indexed.get((index, value), ()))

    def remember(self, obj: Object) -> None:
        """Take in the answer to an own write, so that the next look does not see the past."""
        self._put(self._trimmed(obj))

    def want(self) -> None:
        """Say that there is a use for a kind that is absent: look whether it has come, now and often."""
        self._wanted.set()

    async def run(self) -> None:
        """List, follow, and start over when the server says that our version is gone. Ends only by cancellation."""
        async with asyncio.TaskGroup() as tasks:
            for namespace in self.namespaces:
                tasks.create_task(self._run(namespace))

    async def read(self) -> None:
        """List once, without following. Raises `ApiError` and connection errors."""
        for namespace in self.namespaces:
            try:
                await self._list(namespace)
            except ApiError as error:
                if not self.optional or error.code not in (403, 404):
                    raise
                self._is_absent(namespace, error)

    async def _run(self, namespace: str) -> None:
        version = ""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                if not version:
                    version = await self._list(namespace)
                    self.absent = None
                    self._listed(namespace)
                version = await self._follow(namespace, version)
                failures = 0
            except TRANSIENT as error:
                # A connection that broke after it had worked is a first failure, however many came before it.
                failures = 1 if self.last_heard > began else failures + 1
                wait = delay(failures, first=0.2, most=LONGEST_WAIT)
                if isinstance(error, ApiError):
                    if error.code == 410:  # the version to resume from is gone: list again, and soon
                        version, wait = "", delay(1, first=0.2, most=LONGEST_WAIT)
                    wait = max(wait, error.retry_after or 0.0)
                    if self.optional and error.code in (403, 404):
                        self._is_absent(namespace, error)
                        version = ""
                        await self._until_it_may_have_come()
                        continue
                log.warning("%s: %s; trying again in %.1f s", self.kind.plural, _sentence(error), wait)
                await asyncio.sleep(wait)

    async def _until_it_may_have_come(self) -> None:
        if self._wanted.is_set():
            await asyncio.sleep(ABSENT_SECONDS)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), UNWANTED_SECONDS)

    def _listed(self, namespace: str) -> None:
        self._unsynced.discard(namespace)
        if not self._unsynced:
            self.synced.set()

    def _is_absent(self, namespace: str, error: ApiError) -> None:
        self._heard()
        if self.absent is None:
            log.debug("%s: %s; doing without", self.kind.plural, error)
        self.absent = error
        for key in self._objects.known():
            if namespace in ("", key.namespace):
                self._drop(key)
        self._listed(namespace)

    async def _list(self, namespace: str) -> str:
        """Read the whole collection, then forget what is no longer in it."""
        version = ""
        seen: set[Key] = set()
        async for page in self.kube.pages(self.kind, namespace, self.labels):
            self._heard()
            version = page.version
            for obj in page.items:
                seen.add(key_of(obj))
                self._put(self._trimmed(obj))
        for key in self._objects.known():
            # What we wrote ourselves after the list was read is newer than the list.
            if key not in seen and namespace in ("", key.namespace) and self._held(key) <= _int(version):
                self._drop(key)
        return version

    async def _follow(self, namespace: str, version: str) -> str:
        """Take in events until the server ends the watch; return the version to resume from."""
        async for event in self.kube.watch(self.kind, version, namespace, self.labels):
            self._heard()
            if event.type == "OPENED":
                continue
            if event.type == "DELETED":
                self._drop(key_of(event.object), _number(event.object))
            elif event.type != "BOOKMARK":
                self._put(self._trimmed(event.object))
            version = event.object["metadata"]["resourceVersion"]
        return version

    def _heard(self) -> None:
        self.last_heard = time.monotonic()

    def _trimmed(self, obj: Object) -> Object:
        _trim(obj)
        return self.trim(obj) if self.trim else obj

    def _put(self, obj: Object) -> None:
        key = key_of(obj)
        held = self._objects.version(key)
        if held is not None:
            if held == obj["metadata"]["resourceVersion"]:
                return
            if _number(obj) < _int(held):
                return  # the echo of something older than an own write that is already here
        elif _number(obj) <= self._deleted.get(key, -1):
            return  # the answer to an own write that came after the news of the deletion
        before = self._objects.get(key)
        self._objects.put(key, obj)
        self._index(key, before, obj)
        self._tell(before, obj)

    def _drop(self, key: Key, version: int | None = None) -> None:
        if version is not None:
            self._deleted.pop(key, None)
            self._deleted[key] = version
            if len(self._deleted) > REMEMBERED_DELETIONS:
                del self._deleted[next(iter(self._deleted))]
        before = self._objects.get(key)
        if before is None or (version is not None and version < self._held(key)):
            return
        self._objects.drop(key)
        self._index(key, before, None)
        self._tell(before, None)

    def _held(self, key: Key) -> int:
        return _int(self._objects.version(key) or "")

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


def _trim(obj: Object) -> None:
    """Drop what no reconcile reads and what makes up half of an object's bytes."""
    obj["metadata"].pop("managedFields", None)
    annotations = obj["metadata"].get("annotations")
    if annotations:
        annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)


def _number(obj: Object) -> int:
    return _int(obj["metadata"]["resourceVersion"])


def _int(version: str) -> int:
    """Versions are comparable integers (KEP-5504, and so in every API server on etcd)."""
    return int(version) if version.isdigit() else 0


def _sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__
