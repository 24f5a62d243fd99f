"""kserve.constants.constants: what code that serves models reads."""

from kserve_lite_server.sdk.config import PredictorProtocol
from kserve_lite_server.sdk.flags import KSERVE_LOGLEVEL

DEFAULT_HTTP_PORT = 8080
DEFAULT_GRPC_PORT = 8081
INFERENCE_CONTENT_LENGTH_HEADER = "inference-header-content-length"
V1_ROUTE_PREFIX = "/v1"
V2_ROUTE_PREFIX = "/v2"

__all__ = [
    "DEFAULT_GRPC_PORT",
    "DEFAULT_HTTP_PORT",
    "INFERENCE_CONTENT_LENGTH_HEADER",
    "KSERVE_LOGLEVEL",
    "V1_ROUTE_PREFIX",
    "V2_ROUTE_PREFIX",
    "PredictorProtocol",
]
