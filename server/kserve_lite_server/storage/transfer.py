"""The engine: many files and ranges at once, written in place, retried, continued, and hashed on the way."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from kserve_lite_server.storage.errors import StorageError, Transient, writing_failed
from kserve_lite_server.storage.manifest import File
from kserve_lite_server.storage.retry import pause
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Chunk, Entry, Source
from kserve_lite_server.storage.stage import Stage

TICK = 0.2
BLOCK = 256 << 10  # what is read back at once to be hashed

_scratch = threading.local()


def transfer(
    source: Source,
    entries: Sequence[Entry],
    stage: Stage,
    settings: Settings,
    tick: Callable[[int, int | None, int], None],
) -> list[File]:
    """Bring `entries` into `stage`; calls `tick(bytes, total, files)` now and then, in this thread."""
    return _Transfer(source, entries, stage, settings).run(tick)


class _Span:
    """What one request asks for; `stop` is None when the size isn't known."""

    def __init__(self, part: "_Part", start: int, stop: int | None) -> None:
        self.part, self.start, self.stop = part, start, stop


class _Transfer:
    def __init__(self, source: Source, entries: Sequence[Entry], stage: Stage, settings: Settings) -> None:
        self._source = source
        self._settings = settings
        self._shortest = max(1, settings.span // 4)
        self._parts = [_Part(entry, stage) for entry in entries]
        self._spans = self._plan()
        self._planning = threading.Lock()
        self._stop = threading.Event()
        self._error: Exception | None = None

    def run(self, tick: Callable[[int, int | None, int], None]) -> list[File]:
        requests = sum(max(1, -(-(part.entry.size or 0) // self._shortest)) for part in self._parts)
        workers = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(self._settings.connections, requests))
        ]
        deadline = time.monotonic() + (self._settings.total or float("inf"))
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive() and self._error is None:
                    worker.join(TICK)
                    tick(*self._state())
                    if time.monotonic() > deadline:
                        self._error = _too_slow(self._settings.total or 0)
        finally:
            self._stop.set()
        if self._error is not None:
            for (
                worker
            ) in workers:  # one that hangs in a dead connection is a daemon: it ends with the process
                worker.join(TICK)
            raise self._error
        tick(*self._state())
        return [part.file() for part in self._parts]

    def _state(self) -> tuple[int, int | None, int]:
        sizes = [part.entry.size for part in self._parts]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        done = sum(part.received for part in self._parts)
        return done, total, sum(part.finished for part in self._parts)

    def _plan(self) -> Iterator[_Span]:
        for part in self._parts:
            part.begin()
            size = part.entry.size
            if size is None:
                yield _Span(part, 0, None)
                continue
            for start, stop in list(part.ranges.missing(size)):
                yield from self._cut(part, start, stop)
            part.finish_if_whole()

    def _cut(self, part: "_Part", start: int, stop: int) -> Iterator[_Span]:
        """Cut a range into few long requests, which cost both sides less, and short ones at its end.

        What is under way when the last byte comes is hashed after it, while nothing else is left to do.
        """
        while start < stop:
            share = (stop - start) // self._settings.connections
            end = start + max(self._shortest, min(share, self._settings.span))
            yield _Span(part, start, min(end, stop))
            start = end

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                with self._planning:
                    span = next(self._spans, None)
                if span is None:
                    return
                self._fetch(span)
        except Exception as error:
            self._error = self._error or error

    def _fetch(self, span: _Span) -> None:
        """Fetch one span, going on where a broken connection left off."""
        failures = 0
        while not self._stop.is_set():
            before = span.start
            try:
                self._receive(span)
                return
            except Transient as transient:
                if span.stop is not None and span.start >= span.stop:
                    return  # all of it came; what broke afterwards does not matter
                failures = 1 if span.start > before else failures + 1
                self._stop.wait(pause(transient, failures, self._settings))

    def _receive(self, span: _Span) -> None:
        """Write what the source sends for `span`, whose start moves along with what is on disk."""
        part = span.part
        if part.whole_by not in (None, span):
            return
        with self._source.open(part.entry, span.start, span.stop).closing() as body:
            if not _answers(body, span):
                if body.start:  # neither the range nor the whole file
                    raise Transient(_wrong_length(part.entry, body.stop or 0))
                # no ranges here: one worker takes the file, the others leave it
                if not part.take_whole(span):
                    return
                span.start, span.stop = 0, part.entry.size
            marked = span.start
            try:
                for chunk in body.chunks:
                    if self._stop.is_set():
                        return
                    if span.stop is not None and span.start + len(chunk) > span.stop:
                        raise _wrong_length(part.entry, span.start + len(chunk))
                    part.write(chunk, span.start)
                    span.start += len(chunk)
                    if span.start - marked >= self._settings.mark:
                        part.mark(marked, span.start)
                        marked = span.start
                if span.stop is None:
                    part.size = span.start
                elif span.start < span.stop:
                    raise Transient(_wrong_length(part.entry, span.start))
            finally:
                part.mark(marked, span.start)


class _Part:
    """One file under way."""

    def __init__(self, entry: Entry, stage: Stage) -> None:
        self.entry = entry
        self.ranges = stage.ranges(entry.path, entry.version)
        self.whole_by: _Span | None = None
        self.received = self.ranges.total
        self.finished = False
        self.size = entry.size
        self._stage = stage
        self._handle = -1
        self._sha256 = hashlib.sha256()
        self._hashed = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._hashing = threading.Lock()

    def begin(self) -> None:
        """Open the file, with what an interrupted fetch left in it."""
        try:
            self._handle = self._stage.open(self.entry.path, keep=self.received > 0)
        except OSError as error:
            raise writing_failed(error, self._stage.path(self.entry.path)) from error

    def take_whole(self, span: _Span) -> bool:
        """Let one worker fetch the whole file; False for all the others."""
        with self._lock:
            if self.whole_by is None:
                self.whole_by = span
            if self.whole_by is not span:
                return False
            self.ranges.clear()
            self.received = 0
        with self._hashing:
            self._sha256, self._hashed = hashlib.sha256(), 0
        return True

    def write(self, chunk: Chunk, offset: int) -> None:
        """Put a chunk in its place, and hash it at once when it is the next one.

        One thread writes at a time: the kernel locks a file for each write, and whoever waits for that lock spins on a
        processor that the others need.
        """
        view = memoryview(chunk)
        try:
            written = 0
            with self._writing:
                while written < len(view):
                    written += os.pwrite(self._handle, view[written:], offset + written)
        except OSError as error:
            raise writing_failed(error, self._stage.path(self.entry.path)) from error
        with self._lock:
            self.received += len(view)
        if self._hashed == offset and self._hashing.acquire(blocking=False):
            try:
                if self._hashed == offset:
                    self._sha256.update(view)
                    self._hashed += len(view)
            finally:
                self._hashing.release()

    def mark(self, start: int, stop: int) -> None:
        """Record a range as done; the last one finishes the file."""
        if start < stop:
            with self._lock:
                self.ranges.add(start, stop)
        if start < stop and self.entry.version is not None:
            self._stage.record(self.entry.path, self.entry.version, start, stop)
        if self._hashing.acquire(blocking=False):
            try:
                self._catch_up()
            finally:
                self._hashing.release()
        self.finish_if_whole()

    def finish_if_whole(self) -> None:
        """Close the file when every byte is there, and compare it with the digest the source promises."""
        with self._lock:
            if self.finished or self.size is None or any(self.ranges.missing(self.size)):
                return
            self.finished = True
        with self._hashing:
            self._catch_up()
        os.ftruncate(self._handle, self.size)
        os.close(self._handle)
        if self.entry.sha256 not in (None, self._sha256.hexdigest()):
            raise StorageError(
                "digest_mismatch",
                f"{self.entry.path} has the SHA-256 {self._sha256.hexdigest()}, "
                f"its source promises {self.entry.sha256}.",
                "Upload the file again, or find out who changed it.",
            )

    def file(self) -> File:
        """Return the record of the finished file."""
        return File(self.entry.path, self.size or 0, self._sha256.hexdigest(), self.entry.version)

    def _catch_up(self) -> None:
        """Hash, from the page cache, what lies without a gap behind the last hashed byte."""
        while (ahead := self.ranges.frontier - self._hashed) > 0:
            block = _buffer()[: min(ahead, BLOCK)]
            if not (count := os.preadv(self._handle, [block], self._hashed)):
                return
            self._sha256.update(block[:count])
            self._hashed += count


def _buffer() -> memoryview:
    """Return this thread's buffer: one that is used again stays in the processor's cache."""
    if not hasattr(_scratch, "buffer"):
        _scratch.buffer = memoryview(bytearray(BLOCK))
    buffer: memoryview = _scratch.buffer
    return buffer


def _answers(body: Body, span: _Span) -> bool:
    within = span.stop is None or body.stop is None or body.stop <= span.stop
    return body.start == span.start and within


def _wrong_length(entry: Entry, got: int) -> StorageError:
    return StorageError(
        "wrong_length",
        f"{entry.path} was announced with {entry.size} bytes, and the transfer gave {got}.",
        "Check the server or proxy in between: it cuts bodies short or announces a wrong length.",
    )


def _too_slow(seconds: float) -> StorageError:
    return StorageError(
        "timeout",
        f"The model was not there after {seconds:g} seconds.",
        "Raise STORAGE_TIMEOUT_SECONDS, or look for what slows the source down.",
    )
