"""Bring a model from the URI where it lives into a local folder: whole and checked, or not at all.

Light to import on purpose: a scheme's client is imported when a URI names that scheme.
"""

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.fetch import fetch
from kserve_lite_server.storage.manifest import File, Manifest, Origin
from kserve_lite_server.storage.progress import Progress

__all__ = ["File", "Manifest", "Origin", "Progress", "StorageError", "fetch"]
