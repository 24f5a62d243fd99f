"""The built-in runtimes: KServe's names, formats, priorities and protocols, as data.

Differences: our scikit-learn server has priority 2 instead of 1. It answers V2 as well, so `sklearn` with
`protocolVersion: v2` needs no other server; `runtime: kserve-mlserver` still selects MLServer (decision 0060).
No runtime sets resources, which are the user's or the configuration's. Each declares its ports, by which gRPC is found.
How a server is asked whether its model answers is in `servers`.
"""

from collections.abc import Sequence
from typing import Any

from kserve_lite.resolve.defaults import HTTP
from kserve_lite.resolve.ports import HTTP_PORT
from kserve_lite.resolve.runtime import Format, Runtime
from kserve_lite.resolve.servers import OURS

VERSION = "0.1.0"
IMAGE = f"ghcr.io/kserve-lite/sklearnserver:{VERSION}"
CONTAINER = "kserve-container"
MODELS = "/mnt/models"

_SECURE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
_KSERVE_ARGS = ["--model_name={{.Name}}", f"--model_dir={MODELS}", f"--http_port={HTTP_PORT}"]
_TMP = {"volumes": [{"name": "tmp", "emptyDir": {}}]}
_REST_AND_GRPC = ((HTTP, HTTP_PORT), ("grpc", 8081))


def _container(
    image: str,
    *args: str,
    ports: Sequence[tuple[str, int]],
    env: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    container: dict[str, Any] = {"name": CONTAINER, "image": image}
    if args:
        container["args"] = list(args)
    if env:
        container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    container["ports"] = [
        {"name": name, "containerPort": number, "protocol": "TCP"} for name, number in ports
    ]
    container["securityContext"] = _SECURE
    return container | more


def _formats(priority: int | None, *named: str, auto_select: bool = True) -> tuple[Format, ...]:
    """Read `name:version` pairs into formats of one priority."""
    pairs = (pair.split(":") for pair in named)
    return tuple(Format(name, version, priority, auto_select) for name, version in pairs)


def _metrics(port: int, path: str = "/metrics") -> dict[str, str]:
    """Return the annotations that say where a runtime's metrics are."""
    return {"prometheus.kserve.io/port": str(port), "prometheus.kserve.io/path": path}


def _kserve(
    name: str, image: str, formats: tuple[Format, ...], *args: str, protocols: tuple[str, ...] = ("v1", "v2")
) -> Runtime:
    container = _container(f"docker.io/kserve/{image}:v0.20.0", *_KSERVE_ARGS, *args, ports=_REST_AND_GRPC)
    return Runtime(name, formats, protocols, (container,), annotations=_metrics(8080), server="kserve")


BUILT_IN: tuple[Runtime, ...] = (
    Runtime(
        "kserve-sklearnserver",
        _formats(2, "sklearn:1"),
        ("v1", "v2", "grpc-v2"),
        (
            _container(
                IMAGE,
                *_KSERVE_ARGS,
                ports=_REST_AND_GRPC,
                securityContext={**_SECURE, "readOnlyRootFilesystem": True},
                volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
            ),
        ),
        annotations=_metrics(8080),
        pod=_TMP,
        server=OURS,
    ),
    _kserve("kserve-xgbserver", "xgbserver", _formats(1, "xgboost:2"), "--nthread=1"),
    _kserve("kserve-lgbserver", "lgbserver", _formats(1, "lightgbm:4"), "--nthread=1"),
    _kserve("kserve-pmmlserver", "pmmlserver", _formats(1, "pmml:3", "pmml:4")),
    _kserve("kserve-paddleserver", "paddleserver", _formats(1, "paddle:2")),
    _kserve(
        "kserve-predictiveserver",
        "predictiveserver",
        _formats(3, "sklearn:1", "xgboost:2", "lightgbm:4", auto_select=False),
        "--framework={{.Annotations.modelFormat}}",
        "--nthread=1",
    ),
    Runtime(
        "kserve-mlserver",
        _formats(2, "sklearn:0", "sklearn:1", "xgboost:1", "xgboost:2", "lightgbm:3", "lightgbm:4")
        + _formats(1, "mlflow:1", "mlflow:2"),
        ("v2",),
        (
            _container(
                "docker.io/seldonio/mlserver:1.7.1",
                ports=((HTTP, HTTP_PORT), ("grpc", 9000)),
                env={
                    "MLSERVER_MODEL_IMPLEMENTATION": "{{.Labels.modelClass}}",
                    "MLSERVER_HTTP_PORT": "8080",
                    "MLSERVER_GRPC_PORT": "9000",
                    "MODELS_DIR": MODELS,
                },
            ),
        ),
        annotations=_metrics(8082),
        server="mlserver",
    ),
    Runtime(
        "kserve-tensorflow-serving",
        _formats(2, "tensorflow:1", "tensorflow:2"),
        ("v1", "grpc-v1"),
        (
            _container(
                "docker.io/tensorflow/serving:2.6.2",
                "--model_name={{.Name}}",
                "--port=9000",
                "--rest_api_port=8080",
                f"--model_base_path={MODELS}",
                "--rest_api_timeout_in_ms=60000",
                ports=((HTTP, HTTP_PORT), ("grpc", 9000)),
                command=["/usr/bin/tensorflow_model_server"],
            ),
        ),
        server="tensorflow",
    ),
    Runtime(
        "kserve-torchserve",
        _formats(2, "pytorch:1"),
        ("v1", "v2", "grpc-v2"),
        (
            _container(
                "docker.io/pytorch/torchserve-kfs:0.9.0",
                "torchserve",
                "--start",
                f"--model-store={MODELS}/model-store",
                f"--ts-config={MODELS}/config/config.properties",
                ports=_REST_AND_GRPC,
                env={"TS_SERVICE_ENVELOPE": "{{.Labels.serviceEnvelope}}"},
            ),
        ),
        annotations=_metrics(8082),
        server="torchserve",
    ),
    Runtime(
        "kserve-tritonserver",
        _formats(1, "tensorrt:8", "tensorflow:1", "tensorflow:2", "onnx:1", "triton:2")
        + _formats(None, "pytorch:1", auto_select=False),
        ("v2", "grpc-v2"),
        (
            _container(
                "nvcr.io/nvidia/tritonserver:23.05-py3",
                "tritonserver",
                f"--model-store={MODELS}",
                "--grpc-port=9000",
                "--http-port=8080",
                "--allow-grpc=true",
                "--allow-http=true",
                ports=((HTTP, HTTP_PORT), ("grpc", 9000)),
            ),
        ),
        annotations=_metrics(8002),
        server="triton",
    ),
    Runtime(
        "kserve-huggingfaceserver",
        _formats(1, "huggingface:1"),
        ("v2", "v1"),
        (
            _container(
                "docker.io/kserve/huggingfaceserver:v0.20.0", "--model_name={{.Name}}", ports=_REST_AND_GRPC
            ),
        ),
        annotations=_metrics(8080),
        server="kserve",
    ),
)
