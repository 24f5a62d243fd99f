"""How fast a model answers, so that the engine knows whether a call may run on the event loop."""

import threading

# A call that is expected to take longer than this runs in a worker thread, so that probes stay fast.
ON_LOOP_SECONDS = 0.003
# How far one observation moves the estimate; a slow call moves it at once.
WEIGHT = 0.1


class Pace:
    """A running estimate of the seconds that a call takes.

    `steady` says that this depends on the number of rows only, never on their values: true for scikit-learn's
    own estimators, unknown for anybody else's code, which therefore never runs on the event loop.
    """

    def __init__(self, steady: bool) -> None:
        self.steady = steady
        self.seconds_per_call: float | None = None
        self._lock = threading.Lock()

    def observe(self, rows: int, seconds: float) -> None:
        """Take a finished call into account."""
        with self._lock:
            known = self.seconds_per_call
            if known is None or (seconds > known and rows == 1):
                self.seconds_per_call = seconds
            elif rows == 1 or seconds < known:
                self.seconds_per_call = known + WEIGHT * (seconds - known)

    def expect(self, rows: int) -> float | None:
        """Seconds that a call with so many rows should take at most; None when nothing is known."""
        known = self.seconds_per_call
        return None if known is None else known * (1 + rows / 64)

    def fits_loop(self, rows: int) -> bool:
        """Whether a call with so many rows may run on the event loop."""
        expected = self.expect(rows)
        return self.steady and expected is not None and expected <= ON_LOOP_SECONDS
