"""What services came to, kept while nothing that it follows from changes: a status of a Deployment changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kserve_lite.api.config import Config
from kserve_lite.controller.inferenceservice.understand import (
    HEAD,
    Broken,
    Pins,
    Understood,
    pins,
    understand,
)
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.surroundings import Surroundings

Object = dict[str, Any]

KEPT = 1024  # services, 18 KB each


@dataclass
class Remembered:
    """The last answer for each service, under a configuration that never changes."""

    config: Config
    _known: dict[str, _Known] = field(default_factory=dict)

    def understand(
        self,
        service: Object,
        runtimes: Sequence[Runtime],
        broken: Sequence[Broken],
        surroundings: Surroundings,
        live: Sequence[Object],
    ) -> Understood:
        """Return what the service comes to; everything that `understand` reads is compared with the last time."""
        meta = service["metadata"]
        head = {name: meta[name] for name in HEAD if name in meta}
        asked = (head, service.get("spec"), tuple(runtimes), tuple(broken), surroundings)
        pinned = pins(live)
        known = self._known.pop(meta["uid"], None)
        if known is None or known.asked != asked or pinned not in (known.pinned, known.own):
            understood = understand(service, runtimes, broken, self.config, surroundings, live)
            known = _Known(asked, pinned, pins(understood.children), understood)
        self._known[meta["uid"]] = known
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return known.understood


class _Known(NamedTuple):
    """`own` are the pins that the answer itself writes: with them it is the same."""

    asked: tuple[object, ...]
    pinned: Pins
    own: Pins
    understood: Understood
