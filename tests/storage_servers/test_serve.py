"""`kserve-lite serve` with a model at every kind of address: the laptop answers from a real server of each."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.local.harness import descendants, isvc, serving
from tests.storage import test_azure_files, test_rest
from tests.storage.faults import certificate
from tests.storage.peer import Peer, peer
from tests.storage_servers.backends import upload
from tests.storage_servers.conftest import Store, trained
from tests.storage_servers.test_git import Hub, hub
from tests.storage_servers.test_oci import LAYER, LOGIN, Registry, registry
from tests.storage_servers.web import Nginx, nginx

__all__ = ["hub", "peer", "registry"]

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
PASSWORD = "not-so-secret"
SEEDS_YAML = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: sklearn-iris
spec:
  predictor:
    sklearn:
      storageUri: gs://my-bucket/my-sklearn-model
"""


@dataclass
class Place:
    """Where the model lies, and what `serve` must be told to get at it."""

    uri: str
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    secret: str = PASSWORD


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    with nginx(folder, certificate(folder)) as server:
        (server.files / "model.joblib").write_bytes(trained())
        (server.files / "model.tar.gz").write_bytes(packed("model.joblib"))
        with zipfile.ZipFile(server.files / "model.zip", "w") as package:
            package.writestr("model.joblib", trained())
        yield server


def packed(name: str) -> bytes:
    """Return a tar.gz that holds the model under a name."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as package:
        member = tarfile.TarInfo(name)
        member.size = len(trained())
        package.addfile(member, io.BytesIO(trained()))
    return content.getvalue()


def stored(scheme: str) -> Callable[..., Place]:
    def place(store: Store, *_: object) -> Place:
        store.put("served/model.joblib", trained())
        secret = store.environment.get("AZURE_STORAGE_ACCESS_KEY", PASSWORD)
        return Place(f"{scheme}://models/served", store.environment, secret=secret)

    return place


def google(store: Store, *_: object) -> Place:
    upload(store.environment["STORAGE_EMULATOR_HOST"], "served/model.joblib", trained())
    return Place("gs://models/served", store.environment)


def azure_of_hadoop(store: Store, *_: object) -> Place:
    store.put("served/model.joblib", trained())
    uri = "abfs://models@devstoreaccount1.dfs.core.windows.net/served"
    return Place(uri, store.environment, secret=store.environment["AZURE_STORAGE_ACCESS_KEY"])


def private(web: Nginx, *_: object) -> Place:
    login = b64encode(f"me:{PASSWORD}".encode()).decode()
    headers = json.dumps({"Authorization": f"Basic {login}"})
    return Place(f"{web.address}/private/model.joblib", {"127.0.0.1-headers": headers}, secret=login)


def secure(web: Nginx, *_: object) -> Place:
    authority = web.files.parent / "cert.pem"
    return Place(f"{web.secure}/open/model.zip", {"SSL_CERT_FILE": str(authority)})


def image(scheme: str) -> Callable[..., Place]:
    def place(registry: Registry, folder: Path, _: pytest.MonkeyPatch) -> Place:
        registry.push("team/served", (f"{LAYER}+gzip", packed("models/model.joblib")))
        config = folder / "docker.json"
        config.write_text(json.dumps({"auths": {registry.host: {"auth": LOGIN}}}))
        uri = f"{scheme}://{registry.host}/team/served:v1"
        return Place(uri, {"KSERVE_OCI_DOCKER_CONFIG": str(config)}, secret=LOGIN)

    return place


def repository(hub: Hub, *_: object) -> Place:
    hub.password = PASSWORD
    hub.commit({"models/iris/model.joblib": trained(), "README.md": b"not a model"})
    hub.git("tag", "v1")
    hub.git("push", "-q", "--tags")
    return Place(f"{hub.address}@v1#models/iris", {"GIT_USERNAME": "me", "GIT_PASSWORD": PASSWORD})


def huggingface(peer: Peer, _: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setitem(test_rest.FILES, "model.joblib", trained())
    peer.reply = test_rest.hub(peer)
    return Place("hf://team/iris:v1", {"HF_ENDPOINT": peer.address, "HF_TOKEN": PASSWORD})


def hadoop(peer: Peer, _: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setitem(test_rest.FILES, "model.joblib", trained())
    peer.reply = test_rest.hdfs(peer)
    return Place("webhdfs://user/me/model", {"HDFS_NAMENODE": peer.address, "HADOOP_USER_NAME": "me"})


def registered(peer: Peer, _: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setitem(test_rest.FILES, "model.joblib", trained())
    peer.reply = test_rest.mlflow("mlflow-artifacts:/1/abc")
    return Place(
        "models:/iris@champion", {"MLFLOW_TRACKING_URI": peer.address, "MLFLOW_TRACKING_TOKEN": PASSWORD}
    )


def share(peer: Peer, _: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setitem(test_azure_files.FILES, "model.joblib", trained())
    peer.reply = test_azure_files.share(peer)
    key = test_azure_files.KEY
    return Place(
        test_azure_files.URI,
        {"AZURE_STORAGE_FILE_ENDPOINT": peer.address, "AZURE_STORAGE_ACCESS_KEY": key},
        secret=key,
    )


def claim(folder: Path, *_: object) -> Place:
    on_disk(folder / "data" / "iris")
    return Place("pvc://shared/iris", arguments=("--mount", f"shared={folder / 'data'}"))


def local(folder: Path, *_: object) -> Place:
    return Place(on_disk(folder / "iris").as_uri())


def on_disk(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.joblib").write_bytes(trained())
    return folder


PLACES: dict[str, tuple[str, Callable[..., Place]]] = {
    "s3": ("s3", stored("s3")),
    "gs": ("gs", google),
    "azure": ("azure", stored("azure")),
    "abfs": ("azure", azure_of_hadoop),
    "azure-files": ("peer", share),
    "http": ("web", lambda web, *_: Place(f"{web.address}/open/model.joblib")),
    "http-archive": ("web", lambda web, *_: Place(f"{web.address}/moved/model.tar.gz")),
    "http-password": ("web", private),
    "https": ("web", secure),
    "hf": ("peer", huggingface),
    "oci": ("registry", image("oci")),
    "oci+native": ("registry", image("oci+native")),
    "git": ("hub", repository),
    "webhdfs": ("peer", hadoop),
    "models": ("peer", registered),
    "pvc": ("tmp_path", claim),
    "file": ("tmp_path", local),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_model_is_served_from(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture, put = PLACES[name]
    place = put(request.getfixturevalue(fixture), tmp_path, monkeypatch)
    for variable, value in place.environment.items():
        monkeypatch.setenv(variable, value)
    file = tmp_path / "isvc.yaml"
    file.write_text(isvc("iris", place.uri))

    with serving(file, *place.arguments, cache=tmp_path / "cache") as serve:
        serve.listening()
        answer = serve.ask("/v1/models/iris:predict", ROW)
        processes = descendants(tmp_path / "cache")

    assert answer == (200, {"predictions": [0]})
    assert place.secret not in json.dumps([serve.events, processes])


def test_the_yaml_of_the_seed_is_served_as_it_is_written(
    gs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gs.environment["STORAGE_EMULATOR_HOST"])
    (tmp_path / "isvc.yaml").write_text(SEEDS_YAML)

    with serving(tmp_path / "isvc.yaml", cache=tmp_path / "cache") as serve:
        serve.listening()
        answer = serve.ask("/v1/models/sklearn-iris:predict", ROW)

    assert answer == (200, {"predictions": [0]})
