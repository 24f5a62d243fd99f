"""Messages between the parent and one worker: JSON lines over a socket pair."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import orjson

from kserve_lite_server.errors import ServeError


class Channel:
    """One end of a socket pair. Sending is safe from any thread; one thread reads."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._unread = b""
        self._lock = threading.Lock()

    def fileno(self) -> int:
        """For a selector."""
        return self._end.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; nothing happens when the other end is gone, its reader learns that anyway."""
        with self._lock:
            try:
                self._end.sendall(orjson.dumps(message) + b"\n")
            except OSError:
                return

    def receive(self) -> list[dict[str, Any]] | None:
        """The messages that have arrived, waiting for some bytes; None when the other end is gone."""
        try:
            chunk = self._end.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            return None
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        return [orjson.loads(line) for line in lines]

    def messages(self) -> Iterator[dict[str, Any]]:
        """All messages until the other end is gone."""
        while (messages := self.receive()) is not None:
            yield from messages

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def failure(error: ServeError | None) -> dict[str, str] | None:
    """An outcome as a message carries it."""
    return None if error is None else {"code": error.code, "message": error.message}


def raise_failure(outcome: dict[str, str] | None) -> None:
    """The reverse of `failure`, raising."""
    if outcome is not None:
        raise ServeError(outcome["code"], outcome["message"])
