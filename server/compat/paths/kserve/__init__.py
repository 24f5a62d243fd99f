"""KServe's Python SDK by its own names, answered by kserve-lite's: what transformers, explainers and predictors use."""

from kserve import constants, errors, logging, model, model_repository, model_server, protocol, utils
from kserve_lite_server.sdk import (
    InferInput,
    InferOutput,
    InferRequest,
    InferResponse,
    Model,
    ModelRepository,
    ModelServer,
    PredictorConfig,
)
from kserve_lite_server.sdk.grpc_client import InferenceGRPCClient
from kserve_lite_server.sdk.rest_client import InferenceRESTClient, RESTConfig

__all__ = [
    "InferInput",
    "InferOutput",
    "InferRequest",
    "InferResponse",
    "InferenceGRPCClient",
    "InferenceRESTClient",
    "Model",
    "ModelRepository",
    "ModelServer",
    "PredictorConfig",
    "RESTConfig",
    "constants",
    "errors",
    "logging",
    "model",
    "model_repository",
    "model_server",
    "protocol",
    "utils",
]


def __getattr__(name: str) -> object:
    raise AttributeError(
        f"kserve.{name} is not part of kserve-lite's SDK, which serves models; "
        "for KServe's client of the Kubernetes API install `kserve` itself"
    )
