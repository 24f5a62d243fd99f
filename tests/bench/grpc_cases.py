"""gRPC in the benchmark: the request that is sent over and over, how one is asked, and the servers' command lines."""

import socket
import struct
import subprocess
import sys

import numpy as np

# As the tests have it: one process can hold these messages once.
from tritonclient.grpc import service_pb2 as pb

# What h2load writes into the head; it counts HTTP statuses, so answers are compared before and after the load.
HEADERS = {"content-type": "application/grpc", "te": "trailers"}
FRAME = 5  # bytes before a message: compressed or not, and its length
INFER = "/inference.GRPCInferenceService/ModelInfer"
CLIENT = """
import sys, grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    answer = channel.unary_unary(sys.argv[2])(sys.stdin.buffer.read(), timeout=10)
sys.stdout.buffer.write(answer)
"""
DTYPES = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4"}


def message(model: str, rows: list[list[float]]) -> bytes:
    """Return a framed ModelInferRequest with one raw FP64 tensor."""
    request = pb.ModelInferRequest(model_name=model, id="1")
    request.inputs.add(name="x", datatype="FP64", shape=[len(rows), len(rows[0])])
    request.raw_input_contents.append(b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows))
    return framed(request.SerializeToString())


def framed(payload: bytes) -> bytes:
    """Return a message as it is on the wire: no compression, its length, itself."""
    return struct.pack(">BI", 0, len(payload)) + payload


def ask(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    """Send the request once and return 200 with the answer's bytes, or another number with the reason.

    Raises OSError while nobody listens there. The client is another process: this one starts servers by fork, and
    grpcio's threads do not survive that.
    """
    socket.create_connection(("127.0.0.1", port), timeout=10).close()
    command = [sys.executable, "-c", CLIENT, f"127.0.0.1:{port}", path]
    done = subprocess.run(command, input=body[FRAME:], capture_output=True, timeout=60, check=False)
    return (200, done.stdout) if done.returncode == 0 else (500, done.stderr.strip().splitlines()[-1])


def outputs(reply: bytes) -> object:
    """Return the values of an answer, raw or typed; servers differ in what else they say."""
    response = pb.ModelInferResponse.FromString(reply)
    found = []
    for number, output in enumerate(response.outputs):
        if response.raw_output_contents:
            found.append(
                np.frombuffer(response.raw_output_contents[number], DTYPES[output.datatype]).tolist()
            )
        else:
            (_, values), *_ = output.contents.ListFields()
            found.append(list(values))
    return found
