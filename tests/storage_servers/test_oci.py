"""Model images in the reference registry."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import urllib3
import zstandard

from kserve_lite.local import ports
from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from tests.storage.support import contents
from tests.storage_servers.conftest import running
from tools.build import program

QUICK = Settings(retries=1, backoff=0.01, stall=10)
# What `htpasswd -nbB tester not-so-secret` prints; registries take nothing but bcrypt.
HTPASSWD = "tester:$2b$04$ZQKO8RoPoHk4327unswYhO.PO1Suv.wy67sT7m3tolR3BFi8tYm4a\n"
LOGIN = base64.b64encode(b"tester:not-so-secret").decode()
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass
class Registry:
    """A registry that asks for a password."""

    host: str
    scheme: str = "http"
    pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def push(
        self, name: str, *layers: tuple[str, bytes], tag: str = "v1", platforms: tuple[str, ...] = ()
    ) -> str:
        """Push an image and return its digest."""
        config = self._blob(name, b"{}")
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": config},
            "layers": [
                {"mediaType": kind, "size": len(content), "digest": self._blob(name, content)}
                for kind, content in layers
            ],
        }
        if not platforms:
            return self._manifest(name, tag, MANIFEST, manifest)
        digest = self._manifest(name, f"{tag}-one", MANIFEST, manifest)
        size = len(json.dumps(manifest))
        entries = [
            {
                "mediaType": MANIFEST,
                "digest": digest,
                "size": size,
                "platform": {"os": "linux", "architecture": each},
            }
            for each in platforms
        ]
        return self._manifest(
            name, tag, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        )

    def _blob(self, name: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self._ask("POST", f"{self.scheme}://{self.host}/v2/{name}/blobs/uploads/")
        where = begun.headers["Location"]
        self._ask(
            "PUT",
            f"{where}{'&' if '?' in where else '?'}digest={digest}",
            content,
            "application/octet-stream",
        )
        return digest

    def _manifest(self, name: str, tag: str, kind: str, document: dict[str, object]) -> str:
        content = json.dumps(document).encode()
        self._ask("PUT", f"{self.scheme}://{self.host}/v2/{name}/manifests/{tag}", content, kind)
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def _ask(self, method: str, url: str, body: bytes = b"", kind: str = "") -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Basic {LOGIN}"} | ({"Content-Type": kind} if kind else {})
        answer = self.pool.request(method, url, body=body, headers=headers)
        assert answer.status in (201, 202), answer.data
        return answer


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder, port = tmp_path_factory.mktemp("registry"), ports.free(1)[0]
    (folder / "htpasswd").write_text(HTPASSWD)
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\nauth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"
    )
    with running([program("oci-registry"), "serve", folder / "config.yml"], port, folder):
        yield Registry(f"127.0.0.1:{port}")


@pytest.fixture(autouse=True)
def login(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {registry.host: {"auth": LOGIN}}}))
    monkeypatch.setenv("KSERVE_OCI_DOCKER_CONFIG", str(config.parent))


def tar(**members: bytes | None) -> bytes:
    """Pack files by their path (`__` for `/`); None is a symbolic link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as package:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_wh_", ".wh."))
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            info.size = len(content or b"")
            package.addfile(info, io.BytesIO(content or b""))
    return packed.getvalue()


BASE = (
    f"{LAYER}+gzip",
    gzip.compress(tar(etc__passwd=b"root", bin__sh=None, models__old=b"old", models__sub__x=b"x")),
)
MODEL = (LAYER, tar(**{"models__model.joblib": b"a model" * 1000, "models___wh_old": b""}))
MORE = (f"{LAYER}+zstd", zstandard.compress(tar(models__sub__y=b"y")))


def test_the_folder_of_models_arrives_without_the_rest_of_the_image(registry: Registry, dest: Path) -> None:
    registry.push("team/model", BASE, MODEL, MORE)

    fetch(f"oci://{registry.host}/team/model:v1", dest)

    assert contents(dest) == {"model.joblib": b"a model" * 1000, "sub/x": b"x", "sub/y": b"y"}


def test_an_image_can_be_named_by_its_digest(registry: Registry, dest: Path) -> None:
    digest = registry.push("team/pinned", MODEL)

    fetch(f"oci://{registry.host}/team/pinned@{digest}", dest)

    assert set(contents(dest)) == {"model.joblib"}


def test_of_an_image_for_several_platforms_this_one_is_taken(registry: Registry, dest: Path) -> None:
    registry.push("team/many", MODEL, platforms=("amd64", "arm64"))

    fetch(f"oci+fetch://{registry.host}/team/many:v1", dest)

    assert set(contents(dest)) == {"model.joblib"}


def test_an_image_that_is_there_is_not_fetched_again(registry: Registry, dest: Path) -> None:
    registry.push("team/again", MODEL)
    fetch(f"oci://{registry.host}/team/again:v1", dest)
    before = (dest / "model.joblib").stat().st_ino

    fetch(f"oci://{registry.host}/team/again:v1", dest)

    assert (dest / "model.joblib").stat().st_ino == before


@pytest.mark.parametrize(
    ("layer", "end", "code"),
    [
        pytest.param(MODEL, "missing:v1", "not_found", id="missing-repository"),
        pytest.param(MODEL, "bad:v2", "not_found", id="missing-tag"),
        pytest.param((LAYER, tar(etc__passwd=b"x")), "bad:v1", "not_found", id="no-models"),
        pytest.param((LAYER, tar(models__link=None)), "bad:v1", "unsafe_archive", id="link"),
        pytest.param(
            (LAYER, tar(models__x=b"", **{"models__..__..__evil": b""})), "bad:v1", "unsafe_key", id="up"
        ),
        pytest.param(
            ("application/vnd.cncf.model.weight.v1.raw", b"x"), "bad:v1", "unsupported_file", id="no-layer"
        ),
    ],
)
def test_an_image_without_a_model_is_one_error(
    layer: tuple[str, bytes], end: str, code: str, registry: Registry, dest: Path
) -> None:
    registry.push("team/bad", layer)

    with pytest.raises(StorageError) as failure:
        fetch(f"oci://{registry.host}/team/{end}", dest, settings=QUICK)

    assert failure.value.code == code
    assert contents(dest) == {}


def test_a_registry_that_wants_a_password_says_so(
    registry: Registry, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.push("team/model", MODEL)
    monkeypatch.setenv("KSERVE_OCI_DOCKER_CONFIG", str(tmp_path / "nowhere"))

    with pytest.raises(StorageError) as failure:
        fetch(f"oci://{registry.host}/team/model:v1", dest, settings=QUICK)

    assert failure.value.code == "wrong_credentials"
