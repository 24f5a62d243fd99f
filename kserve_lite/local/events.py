"""What happens while services run on this machine: plain values, for a person or a program to show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kserve_lite.api.problems import Problem

PhaseName = Literal[
    "Resolving", "Downloading", "Loading", "Ready", "Reloading", "Restarting", "Stopping", "Stopped"
]


@dataclass(frozen=True)
class Phase:
    """A service has entered a phase; `detail` is what it works on, `milliseconds` how long it took to get here."""

    service: str
    phase: PhaseName
    detail: str = ""
    milliseconds: int | None = None


@dataclass(frozen=True)
class Progress:
    """Bytes of a download so far; `total` when the store told."""

    service: str
    uri: str
    bytes: int
    total: int | None
    files: int


@dataclass(frozen=True)
class Log:
    """One line that a service's process wrote."""

    service: str
    line: str


@dataclass(frozen=True)
class Unused:
    """Fields of a service that are right, and have no effect on one machine."""

    service: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """A service cannot be served; `still_serving` when its last good version goes on answering."""

    service: str
    problem: Problem
    still_serving: bool = False


@dataclass(frozen=True)
class Refused:
    """The files cannot be used as they are; `still_serving` when those of before go on."""

    problems: tuple[Problem, ...]
    still_serving: bool


@dataclass(frozen=True)
class Trial:
    """How to ask a service: its model, a request body that fits, a Host where the model's name is not enough."""

    service: str
    model: str
    body: str | None
    host: str | None


@dataclass(frozen=True)
class Listening:
    """All services were tried and the gateway answers at `url`; `skipped` are the ports that were taken."""

    url: str
    trials: tuple[Trial, ...]
    failed: int
    skipped: tuple[int, ...]


Event = Phase | Progress | Log | Unused | Failed | Refused | Listening
Report = Callable[[Event], None]
