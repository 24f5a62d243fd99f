"""How many frames that bring nothing a client may send: pings, settings, resets, empty data, unknown kinds."""

import time

from kserve_lite_server.grpc.faults import Fault, Reason

AT_ONCE, A_SECOND = 1000.0, 100.0


class Patience:
    """Spent by frames that bring nothing; comes back with time, and with every call that is answered."""

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._since = time.monotonic()

    def spend(self) -> None:
        """Count a frame. Raises `Fault` when they are too many."""
        self._left -= 1
        if self._left < 0:
            now = time.monotonic()
            self._left = min(AT_ONCE, (now - self._since) * A_SECOND)
            self._since = now
            if self._left < 1:
                raise Fault(Reason.ENHANCE_YOUR_CALM, "too many frames that bring nothing")

    def earn(self) -> None:
        """Count an answer."""
        self._left = min(self._left + 1, AT_ONCE)
