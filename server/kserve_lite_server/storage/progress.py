"""How far a fetch has come."""

from kserve_lite_server.storage.record import NamedTuple


class Progress(NamedTuple):
    """One moment of a fetch; `total` is None while the source hasn't said how much there is."""

    uri: str
    bytes: int
    total: int | None
    files: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bytes per second since the start."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds to go at this rate."""
        if self.total is None or self.bytes == 0:
            return None
        return (self.total - self.bytes) / self.rate
