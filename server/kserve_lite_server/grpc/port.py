"""The gRPC port, found free and kept for this server before models load or workers start."""

import errno
import socket

from kserve_lite_server.sockets import PortTaken


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that holds the port, without listening, for grpcio's own in this process and its workers.

    grpcio listens with SO_REUSEPORT, as several workers must; by itself it would so share a port with another server
    and take half of its calls, unnoticed. Raises `PortTaken` with the remedy.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind((host, port))
            port = alone.getsockname()[1]
        holder = socket.socket(family)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise PortTaken(
            f"port {port} for gRPC {why}; end the other process, choose another --grpc_port, or say --enable_grpc false"
        ) from None
    return holder
