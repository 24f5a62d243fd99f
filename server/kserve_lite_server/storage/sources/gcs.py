"""gs://bucket/object-or-prefix, at Google or at the emulator that STORAGE_EMULATOR_HOST names."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import GCSStore

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.network import ca_bundle
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Entry
from kserve_lite_server.storage.sources.objects import ObjectSource, client_options, no_retries
from kserve_lite_server.storage.uri import Location

if TYPE_CHECKING:
    from obstore.store import GCSConfig


def open_source(location: Location, settings: Settings) -> ObjectSource:
    """Return the source for `gs://bucket/path`."""
    bucket, _, path = location.address.partition("://")[2].partition("/")
    if not bucket:
        raise StorageError("bad_uri", f"{location.shown} names no bucket.", "Write gs://bucket/path.")

    def store(config: "GCSConfig") -> GCSStore:
        bundle = ca_bundle(os.environ)
        return GCSStore(
            bucket,
            config=config,
            client_options=client_options(settings, bundle),
            retry_config=no_retries(),
        )

    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        url = emulator.rstrip("/") if "://" in emulator else f"http://{emulator}"
        config: GCSConfig = {"base_url": url, "skip_signature": True}
        return ObjectSource(store(config), path, location.shown, settings)
    signed = ObjectSource(store({}), path, location.shown, settings)
    if _has_credentials(os.environ):
        return signed
    public = ObjectSource(store({"skip_signature": True}), path, location.shown, settings)
    return AmbientSource(signed, public)


class AmbientSource(ObjectSource):
    """With nothing configured: the machine's own identity where it has one (GKE, GCE), else anonymous."""

    def __init__(self, identified: ObjectSource, anonymous: ObjectSource) -> None:
        self._chosen = identified
        self._anonymous = anonymous

    def entries(self) -> list[Entry]:
        """List with the identity, and without when there is none."""
        try:
            return self._chosen.entries()
        except StorageError as error:
            if error.code != "no_credentials":
                raise
        self._chosen = self._anonymous
        return self._chosen.entries()

    def open(self, entry: Entry, start: int, stop: int | None):  # type: ignore[no-untyped-def]
        """Open as listed."""
        return self._chosen.open(entry, start, stop)


def _has_credentials(environment: Mapping[str, str]) -> bool:
    if any(name.startswith("GOOGLE_") and environment[name] for name in environment):
        return True
    return Path("~/.config/gcloud/application_default_credentials.json").expanduser().is_file()
