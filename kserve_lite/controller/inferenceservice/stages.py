"""Under `runtimeChanges: follow`, which services may take what is newly installed now: a few at a time.

A place is free again when its service answers with new pods. A service that does not come up keeps its place, so that
a runtime which serves nothing stops at the first few and leaves all others answering as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kserve_lite.controller.runtime.informer import key_of
from kserve_lite.controller.runtime.kube import Key, Object


@dataclass
class Stages:
    """The places, who has one, and who waits for one in the order of asking.

    `services` are those of the cluster: after a restart, whoever is in the middle of new pods has a place already.
    """

    places: int
    services: Iterable[Object]
    wake: Callable[[Key], None] = lambda _: None
    _taken: set[Key] = field(default_factory=set)
    _waiting: dict[Key, None] = field(default_factory=dict)
    _seeded: bool = False

    def enter(self, key: Key) -> bool:
        """Take a place, if there is one or the key has one; else wait, and be woken."""
        if not self._seeded:
            self._seeded = True
            self._taken |= {key_of(service) for service in self.services if _in_between(service)}
        if key in self._taken or len(self._taken) < self.places:
            self._waiting.pop(key, None)
            self._taken.add(key)
            return True
        self._waiting.setdefault(key)
        return False

    def withdraw(self, key: Key) -> None:
        """Wait no more: there is nothing new to take."""
        self._waiting.pop(key, None)

    def leave(self, key: Key) -> None:
        """Give up the place, if it has one, and wake who waits longest."""
        if key in self._taken:
            self._taken.discard(key)
            for waiting in list(self._waiting)[: max(0, self.places - len(self._taken))]:
                self.wake(waiting)


def _in_between(service: Object) -> bool:
    """Whether one version answers while another is on its way."""
    states = ((service.get("status") or {}).get("modelStatus") or {}).get("states") or {}
    return states.get("activeModelState") == "Loaded" and states.get("targetModelState") != "Loaded"
