"""What is known of each kind of model server: how it is asked, and which of its flags keep what a service asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kserve_lite.resolve.defaults import HTTP
from kserve_lite.resolve.runtime import Runtime

TYPE = "serving.kserve.io/server-type"
"""KServe's annotation of a runtime; without it the names of KServe's own runtimes say what they are."""
OURS = "kserve-lite"

Limit = Literal["timeout", "containerConcurrency", "maxBatchSize", "maxLatency"]


def _path(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": HTTP}}


@dataclass(frozen=True)
class Server:
    """`live` is the handler of a liveness probe; `ready` a path that is asked instead of the model's own.

    `flags` name the argument that keeps a limit, `env` what a container needs beside its runtime's own variables.
    """

    live: Mapping[str, Any] | None = None
    ready: str = ""
    flags: Mapping[Limit, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


UNKNOWN = Server()
SERVERS: Mapping[str, Server] = {
    OURS: Server(
        live=_path("/v2/health/live"),
        flags={
            "timeout": "request_timeout",
            "containerConcurrency": "max_asyncio_workers",
            "maxBatchSize": "max_batch_size",
            "maxLatency": "max_latency",
        },
    ),
    "kserve": Server(live=_path("/v2/health/live")),
    "mlserver": Server(
        live=_path("/v2/health/live"),
        env={"MLSERVER_MODEL_NAME": "{{.Name}}", "MLSERVER_MODEL_URI": "/mnt/models"},
    ),
    # It answers no path of liveness.
    "tensorflow": Server(live={"tcpSocket": {"port": HTTP}}),
    # The models of these two have names of their own, in the files: all of them are asked.
    "torchserve": Server(live=_path("/v2/health/live"), ready="/v2/health/ready"),
    "triton": Server(live=_path("/v2/health/live"), ready="/v2/health/ready"),
}
NAMES: Mapping[str, str] = {
    "kserve-xgbserver": "kserve",
    "kserve-lgbserver": "kserve",
    "kserve-pmmlserver": "kserve",
    "kserve-paddleserver": "kserve",
    "kserve-predictiveserver": "kserve",
    "kserve-huggingfaceserver": "kserve",
    "kserve-mlserver": "mlserver",
    "kserve-tensorflow-serving": "tensorflow",
    "kserve-torchserve": "torchserve",
    "kserve-tritonserver": "triton",
}


def server_type(name: str, annotations: Mapping[str, str]) -> str:
    """Return the kind of server of a runtime by its annotation or its name; empty if neither is known."""
    return annotations.get(TYPE) or NAMES.get(name, "")


def server_of(runtime: Runtime | None) -> Server:
    """Return what is known of a runtime's server."""
    return SERVERS.get(runtime.server, UNKNOWN) if runtime else UNKNOWN
