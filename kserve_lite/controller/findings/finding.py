"""One thing that explains why something is not ready."""

from __future__ import annotations

from dataclasses import dataclass

from kserve_lite.api.reasons import REASONS

LONGEST = 1024  # characters of a message; an event's note has no more


@dataclass(frozen=True)
class Finding:
    """A cause (`code` is a key of REASONS), where, in words, and what helps."""

    code: str
    place: str
    message: str
    remedy: str = ""
    exit_code: int | None = None
    time: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it will not go away by waiting a moment."""
        return REASONS[self.code].weight != "progress"

    def __str__(self) -> str:
        """Return the sentence of conditions and events."""
        remedy = self.remedy or REASONS[self.code].remedy
        end = f"; {remedy}" if remedy else ""
        head = f"{self.place}: " if self.place else ""
        room = LONGEST - len(head) - len(end)
        message = self.message.rstrip(".") if end else self.message
        body = message if len(message) <= room else f"{message[: room - 1]}…"
        return head + body + end
