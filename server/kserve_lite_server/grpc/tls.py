"""The files of the gRPC port's certificate, which may be replaced while the server runs."""

import contextlib
import ssl
from pathlib import Path

from kserve_lite_server.errors import StartError
from kserve_lite_server.settings import Settings


class TlsFilesError(StartError):
    """A file is missing or unreadable, or a flag is given without the other that it needs."""

    code = "tls_files_unusable"


def tls_files(settings: Settings) -> "TlsFiles | None":
    """Return what the flags name; None without TLS. Raises `TlsFilesError` with the flag or the file."""
    certificate, key = settings.grpc_tls_cert, settings.grpc_tls_key
    authority = settings.grpc_tls_client_ca
    if certificate is None and key is None:
        if authority is not None:
            raise TlsFilesError("--grpc_tls_client_ca needs --grpc_tls_cert and --grpc_tls_key")
        return None
    if certificate is None or key is None:
        raise TlsFilesError("--grpc_tls_cert and --grpc_tls_key go together; one of them is missing")
    return TlsFiles(certificate, key, authority)


class TlsFiles:
    """Certificate chain, key and, for mutual TLS, the clients' authorities, as they were last read."""

    def __init__(self, certificate: Path, key: Path, authority: Path | None) -> None:
        """Read them. Raises `TlsFilesError`."""
        self._certificate, self._key, self._authority = certificate, key, authority
        self._known = self._stamps()
        self._context = self._read()

    def context(self) -> ssl.SSLContext:
        """What a listening socket needs; each handshake is given what the files hold by then."""
        context = self._read()
        context.sni_callback = self._renew
        return context

    def _renew(self, handshake: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Go on with new files, if there are any. Between the files of one replacement the old ones stay."""
        with contextlib.suppress(TlsFilesError):
            if (stamps := self._stamps()) != self._known:
                self._context = self._read()
                self._known = stamps
        handshake.context = self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2"])
        try:
            context.load_cert_chain(self._certificate, self._key, password="")
            if self._authority:
                context.load_verify_locations(self._authority)
                context.verify_mode = ssl.CERT_REQUIRED
        except ssl.SSLError as error:
            raise TlsFilesError(
                f"{self._certificate} and {self._key} cannot be used: {error.reason or error}; see --grpc_tls_cert, "
                "--grpc_tls_key and --grpc_tls_client_ca"
            ) from None
        except OSError as error:
            raise _unreadable(error) from None
        return context

    def _stamps(self) -> list[tuple[int, int]]:
        paths = [self._key, self._certificate, *([self._authority] if self._authority else [])]
        try:
            return [(status.st_mtime_ns, status.st_ino) for status in (path.stat() for path in paths)]
        except OSError as error:
            raise _unreadable(error) from None


def _unreadable(error: OSError) -> TlsFilesError:
    return TlsFilesError(
        f"cannot read {error.filename}: {error.strerror}; see --grpc_tls_cert and --grpc_tls_key"
    )
