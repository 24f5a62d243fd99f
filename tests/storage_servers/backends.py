"""Every scheme that has a server of its own, by one shape: a small model at a URI, and how to reach it by a proxy."""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3

from tests.storage import test_azure_files, test_rest
from tests.storage.peer import Peer
from tests.storage_servers.conftest import Store
from tests.storage_servers.test_git import Hub
from tests.storage_servers.test_oci import LAYER, LOGIN, Registry

MODEL = {"model.bin": random.Random(7).randbytes(300_000), "sub/words.txt": b"one\n"}


@dataclass
class Backend:
    """A model at `uri(address)` of the server at `upstream`; `address` is the proxy that stands before it."""

    scheme: str
    upstream: str
    uri: Callable[[str], str]
    environment: Callable[[str], Mapping[str, str]]
    files: Mapping[str, bytes] = field(default_factory=lambda: MODEL)
    secret: str = "not-so-secret"
    host: str | None = None
    moved: Callable[[str], None] = lambda address: None  # told the address, when the server names itself


def object_store(store: Store, scheme: str) -> Backend:
    put = store.put if scheme != "gs" else partial(upload, store.environment["STORAGE_EMULATOR_HOST"])
    for path, content in MODEL.items():
        put(f"faulty/{path}", content)
    put("faulty-old/model.bin", b"another")
    name, endpoint = next((n, v) for n, v in store.environment.items() if v.startswith("http"))
    host, _, path = endpoint.removeprefix("http://").partition("/")
    return Backend(
        scheme,
        f"http://{host}",
        lambda address: f"{store.uri.removesuffix('/model')}/faulty",
        lambda address: {**store.environment, name: f"{address}/{path}".rstrip("/")},
        host=host if scheme == "gs" else None,
        secret=store.environment.get("AZURE_STORAGE_ACCESS_KEY", "not-so-secret"),
    )


def upload(emulator: str, key: str, content: bytes, bucket: str = "models") -> None:
    """Put an object into the emulator of Google's while it runs."""
    url = f"{emulator}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
    answer = urllib3.request("POST", url, body=content)
    assert answer.status == 200, answer.data


def image(registry: Registry, folder: Path) -> Backend:
    def environment(address: str) -> Mapping[str, str]:
        config = folder / "docker.json"
        config.write_text(json.dumps({"auths": {address.partition("://")[2]: {"auth": LOGIN}}}))
        return {"KSERVE_OCI_DOCKER_CONFIG": str(config)}

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in MODEL.items():
            member = tarfile.TarInfo(f"models/{path}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    registry.push("team/faulty", (f"{LAYER}+gzip", gzip.compress(packed.getvalue())))
    return Backend(
        "oci",
        f"http://{registry.host}",
        lambda address: f"oci://{address.partition('://')[2]}/team/faulty:v1",
        environment,
        secret=LOGIN,
    )


def repository(hub: Hub) -> Backend:
    hub.password = "not-so-secret"
    hub.commit(dict(MODEL))
    upstream, _, path = hub.address.partition("/team/")
    login = {"GIT_USERNAME": "me", "GIT_PASSWORD": "not-so-secret"}
    return Backend("git", upstream, lambda address: f"{address}/team/{path}", lambda address: login)


def models_hub(peer: Peer) -> Backend:
    own = peer.address

    def moved(address: str) -> None:
        peer.address = address

    peer.reply = test_rest.hub(peer)
    return Backend(
        "hf",
        own,
        lambda address: "hf://team/iris",
        lambda address: {"HF_ENDPOINT": address, "HF_TOKEN": "not-so-secret"},
        test_rest.FILES,
        moved=moved,
    )


def hadoop(peer: Peer) -> Backend:
    own = peer.address

    def moved(address: str) -> None:
        peer.address = address

    peer.reply = test_rest.hdfs(peer)
    return Backend(
        "webhdfs",
        own,
        lambda address: "webhdfs://user/me/model",
        lambda address: {"HDFS_NAMENODE": address, "HADOOP_USER_NAME": "me"},
        test_rest.FILES,
        moved=moved,
    )


def share(peer: Peer) -> Backend:
    peer.reply = test_azure_files.share(peer)
    return Backend(
        "azure-files",
        peer.address,
        lambda address: test_azure_files.URI,
        lambda address: {
            "AZURE_STORAGE_FILE_ENDPOINT": address,
            "AZURE_STORAGE_ACCESS_KEY": test_azure_files.KEY,
        },
        test_azure_files.FILES,
        secret=test_azure_files.KEY,
    )


MAKERS: dict[str, tuple[str, Callable[..., Backend]]] = {
    "s3": ("s3", lambda store, _: object_store(store, "s3")),
    "gs": ("gs", lambda store, _: object_store(store, "gs")),
    "azure": ("azure", lambda store, _: object_store(store, "azure")),
    "oci": ("registry", image),
    "git": ("hub", lambda hub, _: repository(hub)),
    "hf": ("peer", lambda peer, _: models_hub(peer)),
    "webhdfs": ("peer", lambda peer, _: hadoop(peer)),
    "azure-files": ("peer", lambda peer, _: share(peer)),
}


@pytest.fixture(params=list(MAKERS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each scheme in turn, over its server."""
    fixture, make = MAKERS[request.param]
    return make(request.getfixturevalue(fixture), request.getfixturevalue("tmp_path"))
