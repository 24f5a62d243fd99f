"""The listening sockets of a server process."""

import errno
import socket

from kserve_lite_server.errors import StartError

BACKLOG = 4096


class PortTaken(StartError):
    """Somebody else listens on the port."""

    code = "port_taken"


def listen(host: str, port: int) -> socket.socket:
    """Bind the HTTP port. Raises `PortTaken` with the remedy."""
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} is in use; end the other process or choose another --http_port"
            ) from None
        raise PortTaken(
            f"cannot listen on {place(host, port)}: {error.strerror}; see --host and --http_port"
        ) from None


def place(host: str, port: int) -> str:
    """Host and port as a URL has them: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int) -> socket.socket:
    """Listen on a port. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener
