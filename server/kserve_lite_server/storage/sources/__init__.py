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
}

# What an http(s) address says by its host or path.
ADDRESSES = (
    (
        re.compile(r"https://[a-z0-9-]+\.(blob\.core\.[a-z.]+|z\d+\.blob\.storage\.azure\.net)/", re.I),
        "azure",
    ),
)


def open_source(location: Location, settings: Settings) -> Source:
    """Return the source that `location` names. Nothing is asked of it yet."""
    if location.scheme == "pvc":
        raise StorageError(
            "unsupported_scheme",
            f"{location.shown} is a claim in a cluster, which a pod mounts and nobody downloads.",
            "On a laptop, map it to a folder: --mount CLAIM=/path/to/folder.",
        )
    if location.scheme not in SCHEMES:
        raise StorageError(
            "unsupported_scheme",
            f"{location.shown} has the scheme {location.scheme!r}, which this version can't fetch.",
            f"Use a local path or one of: {', '.join(f'{scheme}://' for scheme in SCHEMES)}.",
        )
    module = import_module(f"kserve_lite_server.storage.sources.{_module(location)}")
    source: Source = module.open_source(location, settings)
    return source


def _module(location: Location) -> str:
    for pattern, module in ADDRESSES:
        if pattern.match(location.address):
            return module
    return SCHEMES[location.scheme]
