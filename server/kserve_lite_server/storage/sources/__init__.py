"""The schemes: which module opens which URI. A module is imported when its scheme is first asked for."""

import re
from importlib import import_module

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Source
from kserve_lite_server.storage.uri import Location

SCHEMES = {
    "file": "local",
    "s3": "s3",
    "gs": "gcs",
    "azure": "azure",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "http": "web",
    "https": "web",
    "hf": "huggingface",
    "oci": "oci",
    "oci+fetch": "oci",
    "oci+native": "oci",  # a cluster mounts it; a laptop has no other way than to fetch the same files
    "webhdfs": "webhdfs",
    "hdfs": "webhdfs",
    "models": "mlflow",
}

UNSUPPORTED = {
    "pvc": (
        "is a claim in a cluster, which a pod mounts and nobody downloads",
        "On a laptop, map it to a folder: --mount CLAIM=/path/to/folder.",
    ),
}

SOURCES = frozenset({*SCHEMES.values(), "git", "azure_files"})

# What an http(s) address says by its host or path; compiled when there is one, which takes longer than a small copy.
AZURE_HOST = r"(?i)https://[a-z0-9-]+\.({0}\.core\.[a-z.]+|z\d+\.{0}\.storage\.azure\.net)/"
ADDRESSES = (
    (AZURE_HOST.format("blob"), "azure"),
    (AZURE_HOST.format("file"), "azure_files"),
    (r"https?://[^#?]+\.git/?(@[^#]*)?(#.*)?$", "git"),
)


def open_source(location: Location, settings: Settings) -> Source:
    """Return the source that `location` names. Nothing is asked of it yet."""
    name = kind(location)
    if name in UNSUPPORTED:
        what, remedy = UNSUPPORTED[name]
        raise StorageError("unsupported_scheme", f"{location.shown} {what}.", remedy)
    if name not in SOURCES:
        raise StorageError(
            "unsupported_scheme",
            f"{location.shown} has the scheme {location.scheme!r}, which this version can't fetch.",
            f"Use a local path or one of: {', '.join(f'{scheme}://' for scheme in SCHEMES)}.",
        )
    module = import_module(f"kserve_lite_server.storage.sources.{name}")
    source: Source = module.open_source(location, settings)
    return source


def kind(location: Location) -> str:
    """Return the module for a location, or the name of a kind that is not supported."""
    if location.scheme in ("http", "https"):
        for pattern, name in ADDRESSES:
            if re.match(pattern, location.address):
                return name
    return SCHEMES.get(location.scheme, location.scheme)
