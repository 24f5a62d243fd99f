"""The gRPC port, found free and kept for this server before models load or workers start."""

import errno
import socket

from kserve_lite_server.errors import StartError
from kserve_lite_server.settings import Settings
from kserve_lite_server.sockets import PortTaken, bind


class OnePortInPlainText(StartError):
    """TLS is asked for where REST, which has none, has the port."""

    code = "one_port_in_plain_text"


def reserve(settings: Settings) -> socket.socket | None:
    """Return the socket for gRPC: none where it is off, or on the HTTP port.

    Workers accept from it side by side, as from the HTTP port's. Raises `PortTaken` or `OnePortInPlainText` with the
    remedy.
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
    try:
        return bind(settings.host, settings.grpc_port)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise PortTaken(
            f"port {settings.grpc_port} for gRPC {why}; end the other process, choose another --grpc_port, or say "
            "--enable_grpc false"
        ) from None
