"""Which bytes of a file are there."""

from bisect import insort
from collections.abc import Iterable, Iterator


class Ranges:
    """A set of half-open byte ranges, merged where they touch."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[tuple[int, int]] = []
        for start, stop in ranges:
            self.add(start, stop)

    def add(self, start: int, stop: int) -> None:
        """Take `[start, stop)` in."""
        touching = [one for one in self._ranges if one[0] <= stop and start <= one[1]]
        for one in touching:
            self._ranges.remove(one)
            start, stop = min(start, one[0]), max(stop, one[1])
        insort(self._ranges, (start, stop))

    def missing(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield what `[0, size)` still lacks."""
        position = 0
        for start, stop in self._ranges:
            if position < start:
                yield position, min(start, size)
            position = max(position, stop)
        if position < size:
            yield position, size

    def clear(self) -> None:
        """Forget everything."""
        self._ranges.clear()

    @property
    def frontier(self) -> int:
        """How far the bytes from the beginning reach without a gap."""
        return self._ranges[0][1] if self._ranges and self._ranges[0][0] == 0 else 0

    @property
    def total(self) -> int:
        """How many bytes are there."""
        return sum(stop - start for start, stop in self._ranges)
