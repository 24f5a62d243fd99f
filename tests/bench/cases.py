"""What is measured, as data: a case is one request, the servers that answer it and the goal it is held to."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import models
from tests.bench.environments import python_of

PEERS = Path(__file__).parent / "peers"
MODEL = "model"


@dataclass(frozen=True)
class Launch:
    """What a server's command line may need to know."""

    model_dir: Path
    port: int
    reply: bytes
    """The subject's own reply body: what the ceiling repeats without computing it."""


@dataclass(frozen=True)
class Server:
    """A server under measurement: its name in the table, and how it is started."""

    name: str
    command: Callable[[Launch], list[str]]
    packages: tuple[str, ...] = ()
    """Distributions whose versions the report names."""
    environment: str | None = None
    """Stem of a lock file under peers/ for a peer; None is this project's own environment."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, sent over and over, and how its answers are compared."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    answer: Callable[[bytes], object] = json.loads
    """The part of a reply that must be equal between the servers."""


@dataclass(frozen=True)
class Case:
    """One table of the report."""

    id: str
    title: str
    model: Callable[[], object]
    request: Request
    subject: Server
    baseline: Server
    connections: tuple[int, ...] = (1, 16, 64)
    goals: Mapping[int, float] = field(default_factory=dict)
    """Per number of connections: the ratio over the baseline that counts as met."""
    ceiling_share: float | None = None
    """The share of the ceiling that counts as met too, where it is lower than the goal."""


OURS = Server(
    name="kserve-lite",
    command=lambda launch: [
        sys.executable,
        *("-m", "kserve_lite_server", "--model_name", MODEL, "--model_dir", str(launch.model_dir)),
        *("--http_port", str(launch.port), "--enable_grpc", "false"),
    ],
    packages=("kserve-lite-server", "scikit-learn", "numpy"),
)

KSERVE = Server(
    name="KServe",
    command=lambda launch: [
        str(python_of("kserve")),
        *(str(PEERS / "kserve_server.py"), "--model_name", MODEL, "--model_dir", str(launch.model_dir)),
        *("--http_port", str(launch.port), "--enable_grpc", "false"),
    ],
    packages=("kserve", "scikit-learn", "numpy"),
    environment="kserve",
)

CEILING = Server(
    name="ceiling",
    command=lambda launch: [
        sys.executable,
        str(PEERS / "ceiling.py"),
        str(launch.port),
        launch.reply.decode(),
    ],
    packages=("uvloop", "httptools"),
)

CASES = (
    Case(
        id="v1-iris",
        title="V1 JSON, logistic regression on iris, 1 row",
        model=models.iris_logistic_regression,
        request=Request(path=f"/v1/models/{MODEL}:predict", body=b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'),
        subject=OURS,
        baseline=KSERVE,
        goals={1: 8, 16: 25, 64: 40},
        ceiling_share=0.75,
    ),
)
