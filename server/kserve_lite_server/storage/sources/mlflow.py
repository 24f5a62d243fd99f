"""models:/NAME/VERSION and models:/NAME@ALIAS: an MLflow registry says where a model is, another scheme fetches it."""

import json
import os
import re
from base64 import b64encode
from urllib.parse import urlencode

from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Answer, Client
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry, Source
from kserve_lite_server.storage.sources import open_source as open_any
from kserve_lite_server.storage.sources.web import byte_range
from kserve_lite_server.storage.uri import Location, parse

ADDRESS = re.compile(r"models:/+(?P<name>[^/@]+)(/(?P<which>[^/@]+)|@(?P<alias>[^/@]+))$")
API = "/api/2.0/mlflow"
PROXIED = re.compile(r"mlflow-artifacts:(//[^/]*)?/(?P<path>.*)")


def open_source(location: Location, settings: Settings) -> Source:
    """Ask the registry that MLFLOW_TRACKING_URI names, and return the source of what it answers."""
    found = ADDRESS.match(location.address)
    if not found:
        raise StorageError(
            "bad_uri",
            f"{location.shown} is no registered model.",
            "Write models:/NAME/VERSION, models:/NAME/ALIAS or models:/NAME@ALIAS.",
        )
    registry = Registry(location, settings)
    where = registry.where(found["name"], found["which"], found["alias"])
    if proxied := PROXIED.match(where):
        return ArtifactSource(registry, proxied["path"].strip("/"))
    registry.close()
    return open_any(parse(where)._replace(shown=location.shown), settings)


class Registry:
    """The REST interface of an MLflow server."""

    def __init__(self, location: Location, settings: Settings) -> None:
        address = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get("MLFLOW_TRACKING_URI", "")
        if not address.startswith(("http://", "https://")):
            raise StorageError(
                "bad_setting",
                f"{location.shown} needs the address of an MLflow server.",
                "Set MLFLOW_TRACKING_URI to it: https://mlflow.example.com.",
            )
        self.shown = location.shown
        self._address = address.rstrip("/")
        self._settings = settings
        self._client = Client(settings)
        self._headers = _authorization()

    def where(self, name: str, which: str | None, alias: str | None) -> str:
        """Return the URI of the artifacts of a version, or of the version that an alias points to."""
        version = which if which and which.isdecimal() else self._version(name, alias or which or "")
        query = urlencode({"name": name, "version": version})
        return str(self.ask(f"{API}/model-versions/get-download-uri?{query}")["artifact_uri"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, path: str) -> dict[str, object]:
        """Return the JSON answer to a GET."""
        try:
            document: dict[str, object] = retrying(lambda: json.loads(self.get(path).read()), self._settings)
        except StorageError as error:
            if error.code == "not_found":
                raise missing(self.shown, "Check the model's name and version or alias in MLflow.") from error
            raise
        except ValueError as error:
            raise StorageError(
                "server_error",
                f"The MLflow server answers for {self.shown} with something that is no JSON.",
                "Check that MLFLOW_TRACKING_URI is the address of the MLflow server itself.",
            ) from error
        return document

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Return the answer to a GET with the registry's credentials."""
        return self._client.get(self._address + path, self._headers | (headers or {}))

    def _version(self, name: str, alias: str) -> str:
        query = urlencode({"name": name, "alias": alias})
        answer = self.ask(f"{API}/registered-models/alias?{query}")
        found: dict[str, object] = answer["model_version"]  # type: ignore[assignment]
        return str(found["version"])


class ArtifactSource(Source):
    """Artifacts that the MLflow server itself hands out."""

    def __init__(self, registry: Registry, path: str) -> None:
        self._registry = registry
        self._path = path

    def entries(self) -> list[Entry]:
        """Walk the artifact folders."""
        return list(self._walk(self._path))

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open an artifact."""
        from urllib.parse import quote

        path = f"/api/2.0/mlflow-artifacts/artifacts/{quote(entry.key)}"
        return self._registry.get(path, byte_range(start, stop)).body()

    def close(self) -> None:
        """Close the registry's connections."""
        self._registry.close()

    def _walk(self, folder: str) -> list[Entry]:
        query = urlencode({"path": folder})
        listing = self._registry.ask(f"/api/2.0/mlflow-artifacts/artifacts?{query}")
        found: list[Entry] = []
        items: list[dict[str, object]] = listing.get("files") or []  # type: ignore[assignment]
        for item in items:
            key = f"{folder}/{item['path']}"
            if item.get("is_dir"):
                found += self._walk(key)
            else:
                size = item.get("file_size")
                path = key.removeprefix(f"{self._path}/")
                found.append(Entry(path, int(str(size)) if size is not None else None, None, key))
        return found


def _authorization() -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        secret = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
    return {}
