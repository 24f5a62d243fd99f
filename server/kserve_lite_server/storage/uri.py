"""What a storage URI says, before anything is opened."""

import re
from urllib.parse import urlsplit, urlunsplit

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.record import NamedTuple

PIN = r"(?P<before>[?&])sha256=(?P<digest>[0-9a-fA-F]*)(?P<after>&|$)"  # compiled for the few that have one
SCHEME = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*):/")


class Location(NamedTuple):
    """A URI taken apart: `address` is what the source opens, `shown` what logs and messages may say.

    `store` is the key of the entry in the storage Secret that holds its credentials, if one was named.
    """

    scheme: str
    address: str
    shown: str
    sha256: str | None
    store: str = ""


def parse(uri: str) -> Location:
    """Split off the scheme and the digest pin; a text without a scheme is a local path."""
    if not uri.strip():
        raise StorageError("bad_uri", "The storage URI is empty.", "Give a URI such as s3://bucket/folder.")
    address, digest = _split_pin(uri)
    found = SCHEME.match(address)
    scheme = found["scheme"].lower() if found else "file"
    return Location(scheme, address, shown(address) if found else address, digest)


def shown(uri: str) -> str:
    """Return `uri` without what may be secret in it: user, password and query."""
    parts = urlsplit(uri)
    if not parts.scheme:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return (
        urlunsplit((parts.scheme, host, parts.path, "", parts.fragment))
        if parts.netloc
        else uri.split("?")[0]
    )


def _split_pin(uri: str) -> tuple[str, str | None]:
    if "sha256=" not in uri or not (pin := re.search(PIN, uri)):
        return uri, None
    if len(pin["digest"]) != 64:
        raise StorageError(
            "bad_uri",
            f"The digest in sha256={pin['digest']} has {len(pin['digest'])} digits; a SHA-256 has 64.",
            "Give the whole digest, as `sha256sum FILE` prints it.",
        )
    rest = uri[: pin.start()] + (pin["before"] if pin["after"] else "") + uri[pin.end() :]
    return rest, pin["digest"].lower()
