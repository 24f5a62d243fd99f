"""kserve.model."""

from kserve_lite_server.sdk.config import PredictorProtocol
from kserve_lite_server.sdk.model import BaseKServeModel, InferenceModel, InferenceVerb, Model

__all__ = ["BaseKServeModel", "InferenceModel", "InferenceVerb", "Model", "PredictorProtocol"]
