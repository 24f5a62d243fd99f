"""The gRPC status of an error: read from its HTTP status, so that there is one table for both doors."""

from typing import NoReturn

import grpc

from kserve_lite_server.errors import ServeError

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    431: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def abort(rpc: grpc.ServicerContext, error: ServeError) -> NoReturn:
    """End the call with the error's sentence; its stable code goes with it as trailing metadata."""
    trailer = [("error-code", error.code)]
    if error.retry_after is not None:
        trailer.append(("retry-after", str(error.retry_after)))
    rpc.set_trailing_metadata(tuple(trailer))
    rpc.abort(CODES.get(error.status, grpc.StatusCode.UNKNOWN), error.message)
