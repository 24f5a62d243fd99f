"""The ceiling of gRPC: grpcio's server of four threads, or grpc.aio's on uvloop, computes nothing and answers."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import uvloop

from kserve_lite_server.grpc import open_inference_pb2 as pb

METHOD = "/inference.GRPCInferenceService/ModelInfer"


class Constant(grpc.GenericRpcHandler):
    def __init__(self, answer: Any) -> None:
        self.handler = grpc.unary_unary_rpc_method_handler(answer)

    def service(self, details: Any) -> Any:
        return self.handler if details.method == METHOD else None


def threads(port: int, reply: bytes) -> None:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Constant(lambda request, context: reply),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


async def aio(port: int, reply: bytes) -> None:
    async def answer(request: bytes, context: Any) -> bytes:
        return reply

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Constant(answer),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    port, reply = (
        int(sys.argv[1]),
        bytes.fromhex(sys.argv[2]) or pb.ModelInferResponse(id="1").SerializeToString(),
    )
    if sys.argv[3:] == ["aio"]:
        uvloop.run(aio(port, reply))
    else:
        threads(port, reply)
