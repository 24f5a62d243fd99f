"""kserve.protocol.infer_type."""

from kserve_lite_server.sdk.messages import InferRequest, InferResponse, RequestedOutput
from kserve_lite_server.sdk.tensors import InferInput, InferOutput

__all__ = ["InferInput", "InferOutput", "InferRequest", "InferResponse", "RequestedOutput"]
