"""The gRPC port, found free and kept for this server before models load or workers start."""

import errno
import socket

from kserve_lite_server.errors import StartError
from kserve_lite_server.settings import Settings
from kserve_lite_server.sockets import PortTaken


class OnePortInPlainText(StartError):
    """TLS is asked for where REST, which has none, has the port."""

    code = "one_port_in_plain_text"


def reserve(settings: Settings) -> socket.socket | None:
    """Return what must be kept open for gRPC from now on: nothing where it is off, or on the HTTP port.

    Raises `PortTaken` or `OnePortInPlainText` with the remedy.
    """
    if not settings.enable_grpc:
        return None
    if settings.one_port:
        if settings.grpc_tls_cert or settings.grpc_tls_key or settings.grpc_tls_client_ca:
            raise OnePortInPlainText(
                f"--grpc_port and --http_port are both {settings.http_port}, and REST is plain text: give gRPC "
                "a port of its own for --grpc_tls_cert, or leave out the --grpc_tls flags"
            )
        return None
    return hold(settings.host, settings.grpc_port)


def hold(host: str, port: int) -> socket.socket:
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
