"""Models that a file assigns to this server: fetched, loaded, replaced and removed while it serves.

The file is a list as KServe's controller writes it (`models.json`): `{"modelName", "modelSpec": {"storageUri",
"framework", "memory"}}`, and beside it `revision`, which changes when the files of the same URI did. What is loaded
stays within a bound: the model used least recently makes room, and comes back with its next request. A model that
cannot be had says why in the index and disturbs no other.
"""

import hashlib
import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kserve_lite_server.errors import ServeError
from kserve_lite_server.repository.repository import Repository, State
from kserve_lite_server.watching import Look

log = logging.getLogger(__name__)

FRAMEWORKS = ("sklearn",)
LOOK_SECONDS = 0.5
FIRST_PAUSE, LAST_PAUSE = 5.0, 300.0
"""Seconds until another attempt to fetch or load a model; they double."""
UPDATING = "the version before answers until this one is loaded"
UNITS = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
         "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """One model of the file; `memory` in bytes."""

    name: str
    uri: str
    framework: str
    memory: int
    revision: str = ""

    @property
    def source(self) -> str:
        """What it is loaded from, as the index says it."""
        return f"{self.uri}#{self.revision}" if self.revision else self.uri

    @property
    def folder(self) -> str:
        """Where its files lie below the root: another place for each source, so that the old ones serve meanwhile."""
        return f"{self.name}@{hashlib.sha256(self.source.encode()).hexdigest()[:12]}"


@dataclass(slots=True)
class Attempt:
    """When a model that could not be had is tried again."""

    due: float
    pause: float


class Assigned:
    """Brings a repository in line with the file, from one thread of its own."""

    def __init__(self, repository: Repository, file: Path, root: Path, limit: int | None) -> None:
        """Nothing happens before `start` or `step`. `limit` bounds the declared memory of the loaded models."""
        self._repository = repository
        self._look = Look(file, first=True)
        self._root = root
        self._limit = limit
        self._wanted: dict[str, Wanted] = {}
        self._served: dict[str, Wanted] = {}  # what each name was loaded as
        self._tried: dict[str, Wanted] = {}
        self._attempts: dict[str, Attempt] = {}
        self._asked: set[str] = set()  # evicted models that a request wants
        self._wake = threading.Event()
        repository.elastic = True
        repository.missed = self.miss

    def start(self) -> None:
        """Look and work until the process ends."""
        threading.Thread(target=self._run, name="models", daemon=True).start()

    def miss(self, name: str) -> None:
        """A request wants a model that has made room for others."""
        self._asked.add(name)
        self._wake.set()

    def step(self, now: float) -> None:
        """Look at the file once, and do what is due at `now` (a monotonic clock)."""
        if (text := self._look.again()) is not None:
            try:
                self._wanted = {model.name: model for model in read(text)}
            except ValueError as error:
                log.error("the list of models is not valid, that before stays in force: %s", error)
            for name in [entry.name for entry in self._repository.entries if entry.name not in self._wanted]:
                self._remove(name)
        asked, self._asked = self._asked, set()
        for name, model in list(self._wanted.items()):
            attempt = self._attempts.get(name)
            if attempt is not None and now < attempt.due and self._tried.get(name) == model:
                continue
            if self._served.get(name) != model or (name in asked and self._is_out(name)):
                self._bring(model, now, wanted_now=name in asked or name in self._served)
            else:
                self._settle(model)

    def _run(self) -> None:
        while True:
            try:
                self.step(time.monotonic())
            except Exception:
                log.exception("looking after the models failed; it goes on")
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def _bring(self, model: Wanted, now: float, *, wanted_now: bool) -> None:
        """Fetch and load one model, or say why not."""
        repository, folder = self._repository, self._root / model.folder
        entry = repository.place(model.name, folder)
        self._tried[model.name] = model
        entry.source, entry.reason = model.source, UPDATING if entry.model is not None else ""
        try:
            self._check(model)
            if not self._make_room(model, evict=wanted_now):
                entry.reason, entry.state = (
                    "there was no room for it; its next request loads it",
                    State.UNLOADED,
                )
                entry.evicted = True
                self._served[model.name] = model
                return
            log.info("model %s: fetching %s", model.name, model.uri)
            self._fetch(model.uri, folder)
            entry.memory = model.memory
            repository.load(model.name)
        except ServeError as error:
            entry.reason = error.message
            if entry.model is None:
                entry.state = State.UNAVAILABLE
            before = self._attempts.get(model.name)
            pause = min(before.pause * 2, LAST_PAUSE) if before else FIRST_PAUSE
            self._attempts[model.name] = Attempt(now + pause, pause)
            log.error("model %s: %s", model.name, error.message)
            return
        entry.evicted = False
        self._attempts.pop(model.name, None)
        before_this = self._served.get(model.name)
        self._served[model.name] = model
        if before_this is not None and before_this.folder != model.folder:
            shutil.rmtree(self._root / before_this.folder, ignore_errors=True)

    def _settle(self, model: Wanted) -> None:
        """What is served is wanted again, after a change that could not be had."""
        entry = self._repository.place(model.name, self._root / model.folder)
        if entry.source != model.source:
            entry.source, entry.reason = model.source, ""
            self._attempts.pop(model.name, None)

    def _check(self, model: Wanted) -> None:
        if model.framework not in FRAMEWORKS:
            known = ", ".join(FRAMEWORKS)
            raise ServeError(
                "model_format_unsupported", f"framework {model.framework} is not served here; known: {known}"
            )
        if self._limit is not None and model.memory > self._limit:
            raise ServeError(
                "model_too_large",
                f"it declares {model.memory} bytes, and the server has {self._limit} for all models: "
                "raise the memory limit of the InferenceService",
            )

    def _make_room(self, model: Wanted, *, evict: bool) -> bool:
        """Whether the model fits, after others were unloaded for it if `evict` allows."""
        if self._limit is None:
            return True
        entries = self._repository.entries
        loaded = [one for one in entries if one.model is not None and one.name != model.name]
        free = self._limit - sum(one.memory for one in loaded)
        for oldest in sorted(loaded, key=lambda one: one.used) if evict else []:
            if free >= model.memory:
                break
            log.info("model %s makes room for %s", oldest.name, model.name)
            # Before it is gone: a request in between would be told that there is no such model.
            oldest.evicted = True
            self._repository.unload(oldest.name)
            oldest.reason = "it made room for another model; its next request loads it"
            free += oldest.memory
        return free >= model.memory

    def _fetch(self, uri: str, folder: Path) -> None:
        from kserve_lite_server.storage.errors import StorageError
        from kserve_lite_server.storage.fetch import (
            fetch,
        )  # its clients load only where models come from elsewhere

        try:
            fetch(uri, folder)
        except StorageError as error:
            raise ServeError("model_download_failed", f"{uri}: {error.message} {error.remedy}") from error

    def _is_out(self, name: str) -> bool:
        return any(entry.name == name and entry.evicted for entry in self._repository.entries)

    def _remove(self, name: str) -> None:
        log.info("model %s is no longer wanted", name)
        self._repository.remove(name)
        self._attempts.pop(name, None)
        if (model := self._served.pop(name, None)) is not None:
            shutil.rmtree(self._root / model.folder, ignore_errors=True)


def read(text: bytes) -> list[Wanted]:
    """Read the file. Raises `ValueError` with the place."""
    listed = json.loads(text)
    if not isinstance(listed, list):
        raise ValueError("it is no list")
    found: dict[str, Wanted] = {}
    for index, item in enumerate(listed):
        try:
            model = _read(item)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"entry {index}: {type(error).__name__}: {error}") from None
        if model.name in found:
            raise ValueError(f"entry {index}: the name {model.name} is there twice")
        found[model.name] = model
    return list(found.values())


def _read(item: Mapping[str, Any]) -> Wanted:
    spec, name = item["modelSpec"], item["modelName"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"{name!r} is no name of a model")
    memory = amount(spec.get("memory", 0))
    return Wanted(name, spec["storageUri"], spec["framework"], memory, str(spec.get("revision", "")))


def amount(text: str | int | float) -> int:
    """Read a Kubernetes quantity of bytes. Raises `ValueError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:[eE]\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?", str(text))
    if match is None:
        raise ValueError(f"{text!r} is no amount of memory")
    return int(float(match[1]) * UNITS[match[2] or ""])


def memory_of_container() -> int | None:
    """The memory limit of this container (cgroup v2); None where there is none."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
