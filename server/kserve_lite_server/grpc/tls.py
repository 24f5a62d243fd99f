"""The files of the gRPC port's certificate, which may be replaced while the server runs."""

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
    """Key, certificate chain and, for mutual TLS, the clients' authorities, as they were last read."""

    def __init__(self, certificate: Path, key: Path, authority: Path | None) -> None:
        self._paths = [key, certificate, *([authority] if authority else [])]
        self._known = self._stamps()
        self.contents = self._read()

    @property
    def mutual(self) -> bool:
        """Whether a client must show a certificate."""
        return len(self._paths) == 3

    def changed(self) -> bool:
        """Whether the files were replaced since they were last read; `contents` then holds the new ones.

        Between the files of one replacement the old ones stay.
        """
        try:
            stamps = self._stamps()
            if stamps == self._known:
                return False
            self.contents = self._read()
        except TlsFilesError:
            return False
        self._known = stamps
        return True

    def _read(self) -> list[bytes]:
        try:
            return [path.read_bytes() for path in self._paths]
        except OSError as error:
            raise _unreadable(error) from None

    def _stamps(self) -> list[tuple[int, int]]:
        try:
            return [(status.st_mtime_ns, status.st_ino) for status in (path.stat() for path in self._paths)]
        except OSError as error:
            raise _unreadable(error) from None


def _unreadable(error: OSError) -> TlsFilesError:
    return TlsFilesError(
        f"cannot read {error.filename}: {error.strerror}; see --grpc_tls_cert and --grpc_tls_key"
    )
