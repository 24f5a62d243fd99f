"""What every client on the network shares: certificate bundles, and errors in the same words."""

from collections.abc import Mapping
from pathlib import Path

from kserve_lite_server.storage.errors import StorageError, Transient, missing

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
CREDENTIAL_CODES = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId",
    "AuthenticationFailed", "InvalidAuthenticationInfo", "TokenRefreshRequired",
}  # fmt: skip


def ca_bundle(environment: Mapping[str, str], *names: str) -> Path | None:
    """Return the file of extra certificate authorities, if one is set, by the first variable that is.

    `names` come before those that count for every scheme; the last is the ConfigMap that a chart mounts.
    """
    for name in (*names, "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := environment.get(name):
            return _existing(Path(path), name)
    if environment.get("CA_BUNDLE_CONFIGMAP_NAME"):
        return _mounted(environment)
    return None


def status_error(status: int, where: str, detail: str = "", retry_after: float | None = None) -> Exception:
    """Return the error for an HTTP status: `Transient` when another try may help."""
    said = f" ({detail})" if detail else ""
    if status == 404:
        return missing(where)
    if status == 401:
        return StorageError(
            "wrong_credentials",
            f"{where} doesn't accept the credentials{said}.",
            "Correct the key, token or password in the Secret or environment variables of the storage.",
        )
    if status == 403:
        return StorageError(
            "access_denied",
            f"{where} may not be read with these credentials{said}.",
            "Give the account the right to list and read there, or use another account.",
        )
    if status == 412:
        return changed(where)
    error = StorageError(
        "rate_limited" if status == 429 else "server_error",
        f"{where} answers with the HTTP status {status}{said}.",
        "Try again later; if it stays, ask those who run the server."
        if status in BUSY
        else "Check that the URI is one that can be downloaded; the server doesn't take this request.",
    )
    return Transient(error, retry_after) if status in BUSY else error


def unreachable(where: str, reason: str) -> Transient:
    """Return the error for a server that can't be reached or went away."""
    return Transient(
        StorageError(
            "unreachable",
            f"{where} can't be reached: {reason}.",
            "Check the address, the network policy, and HTTPS_PROXY and NO_PROXY.",
        )
    )


def stalled(where: str, seconds: float) -> Transient:
    """Return the error for a connection on which nothing came any more."""
    return Transient(
        StorageError(
            "stalled",
            f"{where} sent nothing for {seconds:g} seconds.",
            "Try again later, or raise STORAGE_STALL_SECONDS if the server is that slow.",
        )
    )


def untrusted(where: str, reason: str) -> StorageError:
    """Return the error for a certificate that doesn't verify; another try would not help."""
    return StorageError(
        "untrusted_certificate",
        f"The certificate of {where} is not trusted: {reason.rstrip('.')}.",
        "If the server is yours, mount its CA and name it with SSL_CERT_FILE (for s3 also AWS_CA_BUNDLE); "
        "if the certificate has expired, renew it.",
    )


def changed(where: str) -> StorageError:
    """Return the error for a file that is replaced while it is fetched."""
    return StorageError(
        "source_changed",
        f"{where} changed while it was being fetched.",
        "Fetch again when the upload has ended.",
    )


def _mounted(environment: Mapping[str, str]) -> Path:
    path = Path(environment.get("CA_BUNDLE_VOLUME_MOUNT_POINT", "/etc/ssl/custom-certs")) / "cabundle.crt"
    if not path.is_file():
        name = environment["CA_BUNDLE_CONFIGMAP_NAME"]
        raise StorageError(
            "ca_bundle_missing",
            f"The ConfigMap {name} has no entry cabundle.crt, or is not in this namespace.",
            "Create it there, with the certificates as PEM under cabundle.crt.",
        )
    return path


def _existing(path: Path, name: str) -> Path:
    if not path.is_file():
        raise StorageError(
            "ca_bundle_missing",
            f"The file of certificate authorities {path}, named by {name}, does not exist.",
            f"Mount it there, or correct {name}.",
        )
    return path
