"""kserve.protocol.grpc.grpc_predict_v2_pb2: the protocol's messages."""

from kserve_lite_server.grpc.open_inference_pb2 import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)

__all__ = ["InferParameter", "InferTensorContents", "ModelInferRequest", "ModelInferResponse"]
