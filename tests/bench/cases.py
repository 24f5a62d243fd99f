"""What is measured, as data: a case is one request, the servers that answer it and the goal it is held to."""

import json
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench import grpc_cases, models
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
    grpc: bool = False
    """Whether the body is a gRPC message, sent over HTTP/2."""


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
    baseline_request: Request | None = None
    """What the baseline is asked instead, where it takes the same rows in another form."""
    ceiling: Server | None = None
    """What answers without computing; None is `CEILING`."""
    ceiling_share: float | None = None
    """The share of the ceiling that counts as met too, where it is lower than the goal."""
    above_predict: float | None = None
    """Microseconds that a request of one connection may take above the model's own `predict`, at the median."""

    @property
    def servers(self) -> tuple[Server, Server, Server]:
        """Subject, baseline, ceiling: the order in which they are asked."""
        return self.subject, self.baseline, self.ceiling or CEILING

    def request_of(self, server: Server) -> Request:
        """What this server is asked."""
        return self.baseline_request or self.request if server is self.baseline else self.request


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


def peer(name: str, environment: str, *packages: str) -> Server:
    """Return a peer that is started by its script under peers/."""
    script = str(PEERS / f"{environment}_server.py")
    return Server(
        name=name,
        command=lambda launch: [
            *(
                str(python_of(environment)),
                script,
                "--model_name",
                MODEL,
                "--model_dir",
                str(launch.model_dir),
            ),
            *("--http_port", str(launch.port)),
        ],
        packages=(*packages, "scikit-learn", "numpy"),
        environment=environment,
    )


MLSERVER = peer("MLServer", "mlserver", "mlserver")
FASTAPI = peer("FastAPI", "fastapi", "fastapi", "uvicorn", "pydantic")
OURS_IN_JSON = replace(OURS, name="kserve-lite, JSON")

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

OURS_GRPC = replace(
    OURS,
    command=lambda launch: [
        sys.executable,
        *("-m", "kserve_lite_server", "--model_name", MODEL, "--model_dir", str(launch.model_dir)),
        *("--http_port", "0", "--grpc_port", str(launch.port)),
    ],
    packages=(*OURS.packages, "hpack"),
)
OURS_ON_ONE_PORT = replace(
    OURS_GRPC,
    name="kserve-lite, one port",
    command=lambda launch: [
        *OURS_GRPC.command(launch)[:-4],
        *("--http_port", str(launch.port), "--grpc_port", str(launch.port)),
    ],
)
KSERVE_GRPC = replace(
    KSERVE,
    command=lambda launch: [
        *KSERVE.command(launch)[:-4],
        *("--http_port", str(launch.port + 1), "--grpc_port", str(launch.port)),
    ],
    packages=(*KSERVE.packages, "grpcio"),
)
CEILING_GRPC = Server(
    name="ceiling",
    command=lambda launch: [
        *(sys.executable, str(PEERS / "ceiling_grpc.py")),
        *(str(launch.port), launch.reply.hex()),
    ],
    packages=("grpcio",),
)
CEILING_AIO = replace(
    CEILING_GRPC, name="grpc.aio, constant", command=lambda launch: [*CEILING_GRPC.command(launch), "aio"]
)
CEILING_THREADS = replace(CEILING_GRPC, name="grpcio threads, constant")

IRIS_ROW = [[5.1, 3.5, 1.4, 0.2]]
WIDE_ROWS = [[((row * 31 + column * 17) % 1000) / 7 - 70 for column in range(30)] for row in range(1000)]
PERSON = {"age": 31.5, "city": "Oslo", "visits": 3}
PREDICT, INFER = f"/v1/models/{MODEL}:predict", f"/v2/models/{MODEL}/infer"


def instances(rows: list[list[float]]) -> bytes:
    """Return a V1 body."""
    return json.dumps({"instances": rows}).encode()


def tensor(rows: list[list[float]]) -> bytes:
    """Return a V2 body with one tensor."""
    values = [value for row in rows for value in row]
    shape = [len(rows), len(rows[0])]
    return json.dumps(
        {"id": "1", "inputs": [{"name": "x", "shape": shape, "datatype": "FP64", "data": values}]}
    ).encode()


def binary(rows: list[list[float]]) -> Request:
    """Return a V2 request with one tensor in binary."""
    payload = b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows)
    shape, size = [len(rows), len(rows[0])], {"binary_data_size": len(payload)}
    item = {"name": "x", "shape": shape, "datatype": "FP64", "parameters": size}
    head = json.dumps({"id": "1", "inputs": [item]}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Request(INFER, head + payload, headers, outputs)


def outputs(reply: bytes) -> object:
    """Return the values of a V2 reply; servers differ in what else they say."""
    return [output["data"] for output in json.loads(reply)["outputs"]]


def against_kserve(
    id: str,
    title: str,
    model: Callable[[], object],
    request: Request,
    goals: Mapping[int, float],
    share: float | None,
    connections: tuple[int, ...] = (1, 64),
) -> Case:
    """Return a case of ours against KServe's server."""
    return Case(id, title, model, request, OURS, KSERVE, connections, goals, ceiling_share=share)


GRPC_ROW = Request(
    grpc_cases.INFER,
    grpc_cases.message(MODEL, IRIS_ROW),
    grpc_cases.HEADERS,
    grpc_cases.outputs,
    grpc=True,
)

CASES = (
    replace(
        against_kserve(
            "v1-iris",
            "V1 JSON, logistic regression on iris, 1 row",
            models.iris_logistic_regression,
            Request(PREDICT, instances(IRIS_ROW)),
            {1: 8, 16: 25, 64: 40},
            0.75,
            (1, 16, 64),
        ),
        above_predict=100,
    ),
    against_kserve(
        "v2-iris",
        "V2 JSON, logistic regression on iris, 1 row",
        models.iris_logistic_regression,
        Request(INFER, tensor(IRIS_ROW), answer=outputs),
        {1: 8, 16: 25, 64: 40},
        0.7,
        (1, 16, 64),
    ),
    against_kserve(
        "v1-forest",
        "V1 JSON, random forest of 200 trees on iris, 1 row",
        models.iris_forest,
        Request(PREDICT, instances(IRIS_ROW)),
        {1: 25, 64: 100},
        None,
    ),
    against_kserve(
        "v1-svc",
        "V1 JSON, SVC on iris, 1 row",
        models.iris_svc,
        Request(PREDICT, instances(IRIS_ROW)),
        {1: 8, 64: 25},
        0.7,
    ),
    against_kserve(
        "v1-histogram",
        "V1 JSON, histogram gradient boosting, 1 row of 30",
        models.histogram_boosting,
        Request(PREDICT, instances([[0.25 * column for column in range(30)]])),
        {1: 6, 64: 40},
        None,
    ),
    replace(
        against_kserve(
            "v1-columns",
            "V1 JSON, numbers and words by name (imputer, scaler, one-hot, logistic regression), 1 row",
            models.people,
            Request(PREDICT, json.dumps({"instances": [PERSON]}).encode()),
            {},
            None,
        ),
        baseline_request=Request(PREDICT, json.dumps({"instances": [[PERSON]]}).encode()),
    ),
    Case(
        "v2-mlserver",
        "V2 JSON against MLServer in process, logistic regression on iris, 1 row",
        models.iris_logistic_regression,
        Request(INFER, tensor(IRIS_ROW), answer=outputs),
        OURS,
        MLSERVER,
        (1, 16, 64),
        {1: 10, 16: 30, 64: 40},
        ceiling_share=0.7,
    ),
    Case(
        "v1-fastapi",
        "V1 JSON against a server written by hand with FastAPI, logistic regression on iris, 1 row",
        models.iris_logistic_regression,
        Request(PREDICT, instances(IRIS_ROW)),
        OURS,
        FASTAPI,
        (1, 16, 64),
    ),
    Case(
        "v2-binary",
        "V2 binary against V2 JSON, both ours, logistic regression, 1,000 rows of 30",
        models.wide_logistic_regression,
        binary(WIDE_ROWS),
        OURS,
        OURS_IN_JSON,
        (1,),
        {1: 5},
        baseline_request=Request(INFER, tensor(WIDE_ROWS), answer=outputs),
    ),
    Case(
        "grpc-iris",
        "gRPC ModelInfer, raw, logistic regression on iris, 1 row; ceiling: grpcio, 4 threads, a constant reply",
        models.iris_logistic_regression,
        GRPC_ROW,
        OURS_GRPC,
        KSERVE_GRPC,
        (1, 16, 64),
        {1: 2, 16: 3, 64: 3},
        ceiling=CEILING_GRPC,
    ),
    Case(
        "grpc-one-port",
        "gRPC on the HTTP port against gRPC on its own, both ours; ceiling: grpcio, 4 threads, a constant reply",
        models.iris_logistic_regression,
        GRPC_ROW,
        OURS_ON_ONE_PORT,
        OURS_GRPC,
        (1, 16, 64),
        ceiling=CEILING_GRPC,
    ),
    Case(
        "grpc-servers",
        "grpcio's threads against grpc.aio on uvloop, both with a constant reply",
        models.iris_logistic_regression,
        GRPC_ROW,
        CEILING_THREADS,
        CEILING_AIO,
        (1, 16, 64),
        ceiling=CEILING_GRPC,
    ),
)
