"""Transformers, explainers and predictors of one's own: KServe's Python SDK, on this server's front doors."""

from kserve_lite_server.sdk.config import PredictorConfig, PredictorProtocol
from kserve_lite_server.sdk.errors import InferenceError, InvalidInput, ModelNotFound, ModelNotReady
from kserve_lite_server.sdk.messages import InferRequest, InferResponse, RequestedOutput
from kserve_lite_server.sdk.model import InferenceVerb, Model
from kserve_lite_server.sdk.repository import ModelRepository
from kserve_lite_server.sdk.rest_client import InferenceRESTClient, RESTConfig
from kserve_lite_server.sdk.server import ModelServer
from kserve_lite_server.sdk.steps import StepError
from kserve_lite_server.sdk.tensors import InferInput, InferOutput

__all__ = [
    "InferInput",
    "InferOutput",
    "InferRequest",
    "InferResponse",
    "InferenceError",
    "InferenceRESTClient",
    "InferenceVerb",
    "InvalidInput",
    "Model",
    "ModelNotFound",
    "ModelNotReady",
    "ModelRepository",
    "ModelServer",
    "PredictorConfig",
    "PredictorProtocol",
    "RESTConfig",
    "RequestedOutput",
    "StepError",
]
