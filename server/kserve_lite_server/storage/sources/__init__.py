"""The schemes: which module opens which URI. A module is imported when its scheme is first asked for."""

from importlib import import_module

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Source
from kserve_lite_server.storage.uri import Location

SCHEMES = {
    "file": "local",
}


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
    module = import_module(f"kserve_lite_server.storage.sources.{SCHEMES[location.scheme]}")
    source: Source = module.open_source(location, settings)
    return source
