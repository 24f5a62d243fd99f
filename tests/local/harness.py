"""`kserve-lite serve` as a real process, its events as they come, and what it left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kserve_lite.local import ports

PATIENCE = 240.0  # for a busy machine: how long a test waits is no verdict


class Serve:
    """One running command; `events` grows while it runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.events: list[dict[str, Any]] = []
        self._came = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with self._came:
                    self.events.append(json.loads(line))
                    self._came.notify_all()
        with self._came:
            self._ended = True
            self._came.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> dict[str, Any]:
        """Return the first event, from number `after` on, that is `wanted`."""

        looked = after

        def found() -> dict[str, Any] | None:
            nonlocal looked
            begin, looked = looked, len(self.events)
            return next((event for event in self.events[begin:looked] if wanted(event)), None)

        event = None
        deadline = time.monotonic() + PATIENCE
        with self._came:
            while (event := found()) is None and not self._ended and time.monotonic() < deadline:
                self._came.wait(1)
        assert event is not None, f"it never came; the last events: {self.events[-8:]}"
        return event

    def phase(self, service: str, phase: str, after: int = 0) -> dict[str, Any]:
        return self.wait_for(
            lambda e: e["event"] == "phase" and (e["service"], e["phase"]) == (service, phase), after
        )

    def listening(self) -> dict[str, Any]:
        return self.wait_for(lambda e: e["event"] == "listening")

    def all_serve(self) -> None:
        """Wait until the gateway listens; every service must have come up."""
        self.listening()
        assert [event for event in self.events if event["event"] == "failed"] == []

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send one request to the gateway; a body makes it a POST of JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"} | headers
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


@contextmanager
def serving(*arguments: str | Path, port: int | None = None, cache: Path) -> Iterator[Serve]:
    """Run `kserve-lite serve --output json` with its own cache; on leaving, it and all that it started must be gone."""
    port = port or ports.free(1)[0]
    process = start("serve", *arguments, "--port", str(port), "--output", "json", cache=cache)
    serve = Serve(process, port)
    try:
        yield serve
    finally:
        if process.poll() is None:
            serve.end()
        assert descendants(cache) == []


def start(*arguments: str | Path, cache: Path) -> subprocess.Popen[str]:
    """Start the command with the marker by which `descendants` knows its processes."""
    return subprocess.Popen(
        [sys.executable, "-m", "kserve_lite", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )


def run(*arguments: str | Path, cache: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "kserve_lite", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **{"env": {**os.environ, "XDG_CACHE_HOME": str(cache)}} | options,
    )


def descendants(cache: Path) -> list[str]:
    """Return the command lines of all processes that carry this cache in their environment: children, orphans, all."""
    marker = f"XDG_CACHE_HOME={cache}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and marker in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked
            continue
    return found


def isvc(name: str, uri: str | Path, namespace: str | None = None, **model: Any) -> str:
    """Write an InferenceService as JSON, which is YAML."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    predictor = {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": str(uri), **model}}
    return json.dumps(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata,
            "spec": {"predictor": predictor},
        }
    )
