"""Who is told what an HTTP/2 client does."""

from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Listener(Protocol[T_contra]):
    """Told by `Frames` while it reads. May raise `Fault`."""

    def opened(self, number: int, request: T_contra, ended: bool) -> None:
        """A stream begins; `ended`: it has no data."""

    def data(self, number: int, data: bytes, length: int, ended: bool) -> None:
        """`length` bytes of the windows brought this data."""

    def finished(self, number: int) -> None:
        """A stream ends after its data."""

    def reset(self, number: int) -> None:
        """A stream is over, wherever it was."""

    def room(self) -> None:
        """More can be sent than before."""

    def leaving(self, reason: int) -> None:
        """The client opens no more streams."""

    def idle(self) -> None:
        """A frame came that brings nothing."""
