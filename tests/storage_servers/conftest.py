"""Real stores on loopback: MinIO, fake-gcs-server, Azurite, an OCI registry and git over HTTP."""

import gzip
import io
import os
import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
import obstore
import pytest
from obstore.store import AzureStore, S3Store
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from kserve_lite.local import ports
from tests.storage.faults import certificate
from tools.build import program
from tools.wait import wait_for

FILES = {
    "model.joblib": random.Random(1).randbytes(40 << 20),
    "sub/vocabulary.txt": b"word one\n",
    "sub/a b#c%20é.txt": b"a name to be escaped\n",
    "empty.txt": b"",
}
SIBLING = {"model.joblib": b"another model"}
# Microsoft publishes account and key for the emulator.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass
class Store:
    """A running store that holds a bucket `models` with `model/…` and `model-old/…`."""

    uri: str
    environment: dict[str, str]
    put: Callable[[str, bytes], object]


@cache
def trained() -> bytes:
    """Return a model of scikit-learn that tells irises apart, as the file that people store."""
    data = load_iris()
    packed = io.BytesIO()
    joblib.dump(LogisticRegression(max_iter=1000).fit(data.data, data.target), packed)
    return packed.getvalue()


@contextmanager
def running(command: list[object], port: int, folder: Path, **environment: str) -> Iterator[None]:
    """Run a server until the block ends, from when it accepts connections."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        wait_for(
            f"{command[0]} on port {port}",
            lambda: process.poll() is not None or accepts(port),
            timeout=60,
            remedy=f"read {folder / 'log'}",
        )
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def minio_over_tls(folder: Path, **env: str) -> Iterator[tuple[int, Path]]:
    """Run MinIO with a bucket called models behind a certificate that nobody trusts; give its port and that."""
    port = ports.free(1)[0]
    (folder / "data" / "models").mkdir(parents=True)
    (folder / "certs").mkdir()
    (folder / "tls").mkdir()
    cert, key = certificate(folder / "tls")
    (folder / "certs" / "public.crt").write_bytes(cert.read_bytes())
    (folder / "certs" / "private.key").write_bytes(key.read_bytes())
    command: list[object] = [program("minio"), "server", "--certs-dir", folder / "certs"]
    command += ["--address", f"127.0.0.1:{port}", folder / "data"]
    with running(command, port, folder, MINIO_ROOT_USER="tester", MINIO_ROOT_PASSWORD="not-so-secret", **env):
        yield port, cert


def fill(put: Callable[[str, bytes], object]) -> None:
    for path, content in FILES.items():
        put(f"model/{path}", content)
    for path, content in SIBLING.items():
        put(f"model-old/{path}", content)
    put("packed/model.joblib.gz", gzip.compress(b"a model"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no credential or proxy of the developer's into a test."""
    for name in os.environ:
        if name.upper().startswith(
            ("AWS_", "S3_", "AZURE_", "AZ_", "GOOGLE_", "STORAGE_")
        ) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder, port = tmp_path_factory.mktemp("minio"), ports.free(1)[0]
    (folder / "data" / "models").mkdir(parents=True)
    command = [program("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}", folder / "data"]
    with running(command, port, folder, MINIO_ROOT_USER="tester", MINIO_ROOT_PASSWORD="not-so-secret"):
        endpoint = f"http://127.0.0.1:{port}"
        client = S3Store(
            "models",
            endpoint=endpoint,
            access_key_id="tester",
            secret_access_key="not-so-secret",
            client_options={"allow_http": True},
        )
        fill(lambda key, content: obstore.put(client, key, content))
        yield Store(
            "s3://models/model",
            {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ACCESS_KEY_ID": "tester",
                "AWS_SECRET_ACCESS_KEY": "not-so-secret",
            },
            lambda key, content: obstore.put(client, key, content),
        )


@pytest.fixture(scope="session")
def gs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder, port = tmp_path_factory.mktemp("gcs"), ports.free(1)[0]

    def put(key: str, content: bytes) -> None:
        file = folder / "data" / "models" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    fill(put)
    seed = folder / "data" / "my-bucket" / "my-sklearn-model"
    seed.mkdir(parents=True)
    (seed / "model.joblib").write_bytes(trained())
    command = [program("fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", port]
    command += [
        "-data",
        folder / "data",
        "-filesystem-root",
        folder / "state",
        "-public-host",
        f"127.0.0.1:{port}",
    ]
    with running(command, port, folder):
        yield Store("gs://models/model", {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}, put)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder, port = tmp_path_factory.mktemp("azurite"), ports.free(1)[0]
    command = [program("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", port, "--location", folder]
    with running([*command, "--skipApiVersionCheck", "--silent"], port, folder):
        endpoint = f"http://127.0.0.1:{port}/devstoreaccount1"
        client = AzureStore(
            "models",
            account_name="devstoreaccount1",
            account_key=AZURITE_KEY,
            endpoint=endpoint,
            client_options={"allow_http": True},
        )
        make_container(endpoint, "models")
        fill(lambda key, content: obstore.put(client, key, content))
        yield Store(
            "azure://models/model",
            {
                "AZURE_STORAGE_ENDPOINT": endpoint,
                "AZURE_STORAGE_ACCOUNT_NAME": "devstoreaccount1",
                "AZURE_STORAGE_ACCESS_KEY": AZURITE_KEY,
            },
            lambda key, content: obstore.put(client, key, content),
        )


def make_container(endpoint: str, name: str, ca: Path | None = None) -> None:
    """Create a container, which obstore can't: one request, signed with the account's key."""
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate

    import urllib3

    date = formatdate(usegmt=True)
    resource = f"/devstoreaccount1/devstoreaccount1/{name}\nrestype:container"
    signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n{resource}"
    key = hmac.new(base64.b64decode(AZURITE_KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey devstoreaccount1:{base64.b64encode(key).decode()}",
        "Content-Length": "0",
    }
    pool = urllib3.PoolManager(ca_certs=str(ca) if ca else None)
    answer = pool.request("PUT", f"{endpoint}/{name}?restype=container", headers=headers)
    assert answer.status == 201, answer.data


@pytest.fixture(params=["s3", "gs", "azure"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Each object store in turn, with its credentials in the environment."""
    found: Store = request.getfixturevalue(request.param)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "dest"
