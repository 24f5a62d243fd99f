"""oci://REGISTRY/REPOSITORY[:TAG|@DIGEST]: the folder /models of a model image, fetched without a container runtime."""

import json
import os
import platform
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlencode

from kserve_lite_server.storage import archive, keys, network
from kserve_lite_server.storage.errors import StorageError, missing
from kserve_lite_server.storage.http import Answer, Client, HttpSource
from kserve_lite_server.storage.manifest import File
from kserve_lite_server.storage.retry import retrying
from kserve_lite_server.storage.secrets import docker_configs
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.source import Body, Entry, Packed
from kserve_lite_server.storage.sources.web import byte_range
from kserve_lite_server.storage.uri import Location

ADDRESS = re.compile(
    r"oci(\+fetch|\+native)?://(?P<registry>[^/]+)/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
LAYERS = {"": ".tar", "+gzip": ".tar.gz", ".gzip": ".tar.gz", "+zstd": ".tar.zst"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
FOLDER = "models/"
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


def open_source(location: Location, settings: Settings) -> "ImageSource":
    """Return the source for an image."""
    found = ADDRESS.match(location.address)
    if not found:
        raise StorageError(
            "bad_uri",
            f"{location.shown} is no image.",
            "Write oci://REGISTRY/REPOSITORY:TAG or …@sha256:DIGEST.",
        )
    return ImageSource(location, found, settings)


@dataclass(frozen=True)
class _Login:
    """What the registry wants to see: nothing, a user's password, or a token got with it."""

    basic: str | None
    bearer: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self.bearer:
            return {"Authorization": f"Bearer {self.bearer}"}
        return {"Authorization": f"Basic {self.basic}"} if self.basic else {}


class ImageSource(HttpSource, Packed):
    """The layers of one image; every one is verified against the digest that names it."""

    def __init__(self, location: Location, found: re.Match[str], settings: Settings) -> None:
        registry = found["registry"]
        host = "registry-1.docker.io" if registry == "docker.io" else registry
        self._base = f"{'http' if _is_plain(registry) else 'https'}://{host}/v2/{found['repository']}"
        self._repository = found["repository"]
        self._reference = found["digest"] or found["tag"] or "latest"
        self._pinned = found["digest"]
        self._shown = location.shown
        self._settings = settings
        self._client = Client(settings)
        self._login = _Login(_password(registry))

    def entries(self) -> list[Entry]:
        """Return the image's layers, of this machine's platform when there are several."""
        manifest = self._manifest(self._reference, self._pinned)
        if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
            digest = self._platform(manifest["manifests"])
            manifest = self._manifest(digest, digest)
        return [self._layer(number, layer) for number, layer in enumerate(manifest.get("layers", []))]

    def open(self, entry: Entry, start: int, stop: int | None) -> Body:
        """Open a blob; its name is its version."""
        return self._get(f"/blobs/{entry.key}", byte_range(start, stop)).body()

    def unpack(self, packages: Sequence[Path], into: Path) -> list[File]:
        """Lay the layers' folder `models` over one another; a whiteout takes away what lower layers put there."""
        merged: dict[str, File] = {}
        for number, package in enumerate(packages):
            layer = into / f".kserve-lite-layer-{number}"
            layer.mkdir()
            found = archive.unpack(package, layer, self._settings, _below_models)
            for file in found:
                _take_away(merged, PurePosixPath(file.path))
            for file in found:
                if not PurePosixPath(file.path).name.startswith(WHITEOUT):
                    target = into / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    (layer / file.path).replace(target)
                    merged[file.path] = file
        if not merged:
            raise missing(self._shown, "The image has no file below /models; put the model there.")
        keys.check_distinct(list(merged.values()))
        return list(merged.values())

    def _layer(self, number: int, layer: dict[str, Any]) -> Entry:
        kind = str(layer["mediaType"])
        suffix = next((LAYERS[end] for end in LAYERS if end and kind.endswith(end)), ".tar")
        if not re.search(r"(layer\.v1\.tar|diff\.tar)", kind) or layer.get("urls"):
            raise StorageError(
                "unsupported_file",
                f"{self._shown} has a layer of the type {kind}, which is no image layer.",
                "Build the model as a container image with the model below /models.",
            )
        digest = str(layer["digest"])
        return Entry(
            f"layer-{number:04}{suffix}", int(layer["size"]), digest, digest, digest.removeprefix("sha256:")
        )

    def _manifest(self, reference: str, digest: str | None) -> dict[str, Any]:
        import hashlib

        accept = {"Accept": ", ".join(INDEXES + MANIFESTS)}
        content = retrying(lambda: self._get(f"/manifests/{reference}", accept).read(), self._settings)
        if digest and f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise StorageError(
                "digest_mismatch",
                f"The registry gives for {digest} of {self._shown} something else.",
                "Tell those who run the registry: it is damaged or compromised.",
            )
        document: dict[str, Any] = json.loads(content)
        return document

    def _platform(self, manifests: Sequence[dict[str, Any]]) -> str:
        machine = ARCHITECTURES.get(platform.machine(), platform.machine())
        offered = [
            (m.get("platform", {}).get("os"), m.get("platform", {}).get("architecture")) for m in manifests
        ]
        if ("linux", machine) in offered:
            return str(manifests[offered.index(("linux", machine))]["digest"])
        if len(manifests) == 1:  # a model is data: it doesn't mind who built its image
            return str(manifests[0]["digest"])
        raise missing(self._shown, f"The image is not built for linux/{machine}; build it for that platform.")

    def _get(self, path: str, headers: dict[str, str]) -> Answer:
        answer = self._client.get(self._base + path, self._login.headers | headers, accept=(401,))
        if answer.status == 401 and not self._login.bearer:
            answer.close()
            self._login = self._logged_in(answer.headers.get("WWW-Authenticate", ""))
            answer = self._client.get(self._base + path, self._login.headers | headers, accept=(401,))
        if answer.status == 401:
            answer.close()
            self._login = replace(
                self._login, bearer=None
            )  # an expired token is asked for anew on the next try
            raise network.status_error(401, self._shown)
        return answer

    def _logged_in(self, challenge: str) -> _Login:
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.lower().startswith("bearer") or "realm" not in asked:
            raise network.status_error(401, self._shown)
        query = {"service": asked.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        answer = self._client.get(f"{asked['realm']}?{urlencode(query)}", self._login.headers)
        given = json.loads(answer.read())
        return replace(self._login, bearer=given.get("token") or given.get("access_token"))


def _below_models(name: str) -> str | None:
    name = name.removeprefix("/")
    return name.removeprefix(FOLDER) if name.startswith(FOLDER) and name != FOLDER else None


def _take_away(merged: dict[str, File], path: PurePosixPath) -> None:
    """Drop from `merged` what a whiteout names."""
    if path.name == OPAQUE:
        gone = path.parent
    elif path.name.startswith(WHITEOUT):
        gone = path.with_name(path.name.removeprefix(WHITEOUT))
    else:
        return
    for name in [name for name in merged if PurePosixPath(name).is_relative_to(gone)]:
        del merged[name]


def _is_plain(registry: str) -> bool:
    """Whether to speak http: to this machine, as every container tool does, and where it is asked for."""
    insecure = os.environ.get("KSERVE_OCI_INSECURE_REGISTRY", "").lower()
    return registry.split(":")[0] in ("localhost", "127.0.0.1") or insecure in ("1", "true")


def _password(registry: str) -> str | None:
    """Return the user and password of a docker config, as base64."""
    given = os.environ.get("KSERVE_OCI_DOCKER_CONFIG") or os.environ.get("DOCKER_CONFIG") or "~/.docker"
    path = Path(given).expanduser()
    own = path / "config.json" if path.is_dir() else path
    for file in [own, *docker_configs()]:
        if file.is_file() and (password := _password_in(file, registry)):
            return password
    return None


def _password_in(file: Path, registry: str) -> str | None:
    """Look a registry up in a docker config; `.dockercfg`, the old form, has no `auths` around its entries."""
    try:
        document = json.loads(file.read_text())
        entries = document if file.name == ".dockercfg" else document.get("auths", {})
    except (ValueError, AttributeError) as error:
        raise StorageError(
            "bad_setting", f"{file} is no docker config.", "Correct the JSON in it."
        ) from error
    aliases: tuple[str, ...] = (registry, f"https://{registry}", f"https://{registry}/v1/")
    if registry == "docker.io":
        aliases = (*aliases, "https://index.docker.io/v1/")
    for login in (entries.get(alias) or {} for alias in aliases):
        if login.get("auth"):
            return str(login["auth"])
        if login.get("username"):
            return b64encode(f"{login['username']}:{login.get('password', '')}".encode()).decode()
    return None
