"""kserve.predictor_config."""

from kserve_lite_server.sdk.config import PredictorConfig

__all__ = ["PredictorConfig"]
