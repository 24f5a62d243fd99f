"""The gRPC port: opened beside the HTTP port, over the same models, and drained with it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_reflection.v1alpha import reflection

from kserve_lite_server.grpc.calls import NAME, Calls
from kserve_lite_server.grpc.health import Health
from kserve_lite_server.grpc.pool import Pool
from kserve_lite_server.grpc.tls import TlsFiles, tls_files
from kserve_lite_server.http.process import Process
from kserve_lite_server.settings import Settings

# After the last running call: for answers on their way out, and for calls that arrived in this moment.
LAST_SECONDS = 0.5


class Door:
    """A listening gRPC server over the models of a process."""

    def __init__(self, process: Process, pool: Pool, service: Calls, health: Health) -> None:
        """Answer calls from now on, in the threads of `pool`, on the port that `reserve` holds.

        Where REST has that port, gRPC listens on a socket file, which the process tells its HTTP server.
        """
        settings = process.settings
        self._service = service
        self._health = health
        self._server = grpc.server(cast(ThreadPoolExecutor, pool), options=_options(settings))
        self._server.add_generic_rpc_handlers((self._service.handlers(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        reflection.enable_server_reflection((NAME, HEALTH, reflection.SERVICE_NAME), self._server)
        self._folder = TemporaryDirectory(prefix="kserve-lite-grpc-") if settings.one_port else None
        if self._folder:
            process.grpc_socket = Path(self._folder.name, "socket")
            self._server.add_insecure_port(f"unix:{process.grpc_socket}")
        else:
            _bind(self._server, settings)
        process.leaving.append(self._health.refresh)
        process.closing.append(self._close)
        self._server.start()

    def _close(self, seconds: float) -> bool:
        """Wait until no call runs, then stop; False when some ran longer than that and were cut off."""
        answered = self._service.idle(seconds)
        self._server.stop(LAST_SECONDS if answered else None).wait()
        if self._folder:
            self._folder.cleanup()
        return answered


def _options(settings: Settings) -> list[tuple[str, Any]]:
    sends = settings.grpc_max_send_message_length
    return [
        ("grpc.max_receive_message_length", settings.grpc_max_receive_message_length),
        ("grpc.max_send_message_length", -1 if sends is None else sends),
        ("grpc.max_metadata_size", settings.max_header_bytes),
        ("grpc.so_reuseport", 1),  # beside the socket that holds the port, and beside other workers
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
    ]


def _bind(server: grpc.Server, settings: Settings) -> None:
    address = f"[{settings.host}]" if ":" in settings.host else settings.host
    files = tls_files(settings)
    if files is None:
        server.add_insecure_port(f"{address}:{settings.grpc_port}")
    else:
        server.add_secure_port(f"{address}:{settings.grpc_port}", _credentials(files))


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    def current() -> grpc.ServerCertificateConfiguration:
        key, certificate, *authority = files.contents
        return grpc.ssl_server_certificate_configuration([(key, certificate)], *authority)

    def fetch() -> Any:
        """What grpcio asks for before each handshake: new files, or None to go on with the known ones."""
        return current() if files.changed() else None

    return grpc.dynamic_ssl_server_credentials(current(), fetch, require_client_authentication=files.mutual)
