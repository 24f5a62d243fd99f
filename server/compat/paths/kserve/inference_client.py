"""kserve.inference_client."""

from kserve_lite_server.sdk.grpc_client import InferenceGRPCClient
from kserve_lite_server.sdk.rest_client import InferenceRESTClient, RESTConfig

__all__ = ["InferenceGRPCClient", "InferenceRESTClient", "RESTConfig"]
