"""What every front door needs to know of its process, whatever it serves."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kserve_lite_server.metrics import Metrics
from kserve_lite_server.settings import Settings

if TYPE_CHECKING:
    from kserve_lite_server.spans import Spans


@dataclass(slots=True, kw_only=True)
class Process:
    """One server process: its settings, what is in flight, and whether it is going down."""

    settings: Settings
    metrics: Metrics
    spans: "Spans | None" = None
    grpc: Callable[[], asyncio.Protocol] | None = None  # speaks it on connections to the HTTP port
    draining: bool = False
    in_flight: int = 0
    leaving: list[Callable[[], None]] = field(default_factory=list)  # told when the process begins to go down
    # Doors beside HTTP: each opens when the event loop runs, and closes when everything is answered, or time is over.
    opening: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)  # set while nothing is in flight

    def drain(self) -> None:
        """Be ready no more; everybody who shows readiness is told."""
        self.draining = True
        for tell in self.leaving:
            tell()

    def enter(self) -> None:
        """A request began."""
        if not self.in_flight:
            self.idle.clear()
        self.in_flight += 1

    def leave(self, count: int = 1) -> None:
        """A request was answered, or nobody waits for the answer; or several at the same time."""
        self.in_flight -= count
        if not self.in_flight:
            self.idle.set()
