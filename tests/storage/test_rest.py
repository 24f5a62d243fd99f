"""The Hugging Face Hub, WebHDFS and MLflow: peers that answer as their REST references say."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from tests.storage.peer import Peer, Reply, as_json
from tests.storage.support import contents

QUICK = Settings(retries=1, backoff=0.01, stall=5)
FILES = {"model.joblib": b"a model" * 50_000, "sub/a b.txt": b"x"}
COMMIT = "c" * 40


def hub(peer: Peer, sha256: str | None = None) -> Callable[[str, dict[str, str]], Reply]:
    """Answer as the Hub does: a commit, a tree in two pages, files behind a redirect to another name."""
    large = {"oid": sha256 or hashlib.sha256(FILES["model.joblib"]).hexdigest()}
    tree = [
        {"type": "file", "path": ".gitattributes", "size": 5, "oid": "0"},
        {
            "type": "file",
            "path": "model.joblib",
            "size": len(FILES["model.joblib"]),
            "oid": "1",
            "lfs": large,
        },
        {"type": "directory", "path": "sub", "size": 0, "oid": "2"},
        {"type": "file", "path": "sub/a b.txt", "size": 1, "oid": "3"},
    ]

    def reply(path: str, query: dict[str, str]) -> Reply:
        if path in ("/api/models/team/iris/revision/main", "/api/models/team/iris/revision/v1"):
            return as_json({"sha": COMMIT})
        if path == f"/api/models/team/iris/tree/{COMMIT}":
            if "cursor" in query:
                return as_json(tree[2:])
            return as_json(tree[:2], Link=f'<{peer.address}{path}?recursive=true&cursor=2>; rel="next"')
        if path.startswith(f"/team/iris/resolve/{COMMIT}/"):
            name = path.removeprefix(f"/team/iris/resolve/{COMMIT}/")
            return (
                302,
                {
                    "Location": f"{peer.address.replace('127.0.0.1', 'localhost')}/cdn/{name.replace(' ', '%20')}"
                },
                b"",
            )
        if path.startswith("/cdn/"):
            return 200, {}, FILES[path.removeprefix("/cdn/")]
        return 401, {}, b""

    return reply


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("hf://team/iris", FILES),
        ("hf://team/iris:v1", FILES),
        ("hf://team/iris/sub", {"a b.txt": b"x"}),
        ("hf://team/iris:v1/model.joblib", {"model.joblib": FILES["model.joblib"]}),
    ],
)
def test_a_repository_of_the_hub_arrives_and_the_token_stays_with_the_hub(
    uri: str, expected: dict[str, bytes], peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = hub(peer)
    monkeypatch.setenv("HF_ENDPOINT", peer.address)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    fetch(uri, dest, settings=QUICK)

    assert contents(dest) == expected
    for path, headers in peer.sent:
        assert ("Authorization" in headers) == (not path.startswith("/cdn/"))


@pytest.mark.parametrize(
    ("uri", "code"),
    [("hf://team/other", "not_found"), ("hf://team/iris/nothing", "not_found"), ("hf://team", "bad_uri")],
)
def test_a_repository_that_is_not_there_is_an_error(
    uri: str, code: str, peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = hub(peer)
    monkeypatch.setenv("HF_ENDPOINT", peer.address)

    with pytest.raises(StorageError) as failure:
        fetch(uri, dest, settings=QUICK)

    assert failure.value.code == code


def test_a_file_that_is_not_what_the_hub_promises_is_refused(
    peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = hub(peer, sha256="0" * 64)
    monkeypatch.setenv("HF_ENDPOINT", peer.address)

    with pytest.raises(StorageError) as failure:
        fetch("hf://team/iris", dest, settings=QUICK)

    assert failure.value.code == "digest_mismatch"
    assert contents(dest) == {}


def hdfs(peer: Peer) -> Callable[[str, dict[str, str]], Reply]:
    """Answer as a name node does: statuses, listings, and reads redirected to a data node."""

    def status(name: str, content: bytes | None) -> dict[str, object]:
        kind = "DIRECTORY" if content is None else "FILE"
        return {"pathSuffix": name, "type": kind, "length": len(content or b""), "modificationTime": 7}

    def reply(path: str, query: dict[str, str]) -> Reply:
        assert query.get("user.name") == "me"
        name = path.removeprefix("/webhdfs/v1/user/me/model").strip("/")
        if query["op"] == "OPEN":
            if path.startswith("/webhdfs/v1/datanode"):
                name = path.removeprefix("/webhdfs/v1/datanode/")
                start, length = int(query["offset"]), query.get("length")
                return 200, {"X-No-Ranges": ""}, FILES[name][start : start + int(length) if length else None]
            asked = f"op=OPEN&offset={query['offset']}&length={query['length']}&user.name=me"
            return (
                307,
                {"Location": f"{peer.address}/webhdfs/v1/datanode/{name.replace(' ', '%20')}?{asked}"},
                b"",
            )
        if query["op"] == "GETFILESTATUS" and name == "":
            return as_json({"FileStatus": status("", None)})
        if query["op"] == "GETFILESTATUS" and name in FILES:
            return as_json({"FileStatus": status("", FILES[name])})
        if query["op"] == "LISTSTATUS" and name in ("", "sub"):
            below = [status("model.joblib", FILES["model.joblib"]), status("sub", None)]
            return as_json(
                {"FileStatuses": {"FileStatus": below if name == "" else [status("a b.txt", b"x")]}}
            )
        return 404, {}, b"{}"

    return reply


@pytest.mark.parametrize(
    ("end", "expected"),
    [("", FILES), ("/model.joblib", {"model.joblib": FILES["model.joblib"]})],
)
def test_a_folder_or_file_of_hdfs_arrives(
    end: str,
    expected: dict[str, bytes],
    peer: Peer,
    dest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer.reply = hdfs(peer)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "HDFS_NAMENODE").write_text(peer.address)
    (tmp_path / "secret" / "USER_PROXY").write_text("me\n")
    monkeypatch.setenv("HDFS_SECRET_DIR", str(tmp_path / "secret"))

    fetch(f"hdfs://user/me/model{end}", dest, settings=Settings(span=100_000, stall=5))

    assert contents(dest) == expected


@pytest.mark.parametrize(
    ("uri", "setting", "code"),
    [
        pytest.param("webhdfs://user/me/missing", "", "not_found", id="missing"),
        pytest.param("hdfs://user/me/model", "KERBEROS_PRINCIPAL", "unsupported_setting", id="kerberos"),
    ],
)
def test_hdfs_that_cannot_be_read_is_an_error(
    uri: str, setting: str, code: str, peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDFS_NAMENODE", peer.address)
    if setting:
        monkeypatch.setenv(setting, "me@REALM")

    with pytest.raises(StorageError) as failure:
        fetch(uri, dest, settings=QUICK)

    assert failure.value.code == code


def mlflow(where: str) -> Callable[[str, dict[str, str]], Reply]:
    """Answer as an MLflow server does for the model `iris`, version 3, alias `champion`."""

    def reply(path: str, query: dict[str, str]) -> Reply:
        if path.endswith("/registered-models/alias") and query == {"name": "iris", "alias": "champion"}:
            return as_json({"model_version": {"version": "3"}})
        if path.endswith("/model-versions/get-download-uri") and query == {"name": "iris", "version": "3"}:
            return as_json({"artifact_uri": where})
        if path == "/api/2.0/mlflow-artifacts/artifacts":
            listing = {
                "1/abc": [
                    {"path": "model.joblib", "is_dir": False, "file_size": len(FILES["model.joblib"])},
                    {"path": "sub", "is_dir": True},
                ],
                "1/abc/sub": [{"path": "a b.txt", "is_dir": False, "file_size": 1}],
            }
            return as_json({"files": listing.get(query["path"], [])})
        if path.startswith("/api/2.0/mlflow-artifacts/artifacts/1/abc/"):
            return 200, {}, FILES[path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/1/abc/")]
        return 404, {}, b"{}"

    return reply


@pytest.mark.parametrize("uri", ["models:/iris/3", "models:/iris/champion", "models:/iris@champion"])
def test_a_registered_model_arrives_from_where_its_artifacts_are(
    uri: str, peer: Peer, dest: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = mlflow(model.as_uri())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", peer.address)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")

    manifest = fetch(uri, dest, settings=QUICK)

    assert contents(dest) == contents(model)
    assert manifest.sources[0].uri == uri
    assert all(headers["Authorization"] == "Bearer secret" for _, headers in peer.sent)


def test_artifacts_that_the_registry_hands_out_itself_arrive(
    peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = mlflow("mlflow-artifacts:/1/abc")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", peer.address)

    fetch("models:/iris@champion", dest, settings=QUICK)

    assert contents(dest) == FILES


@pytest.mark.parametrize(
    ("uri", "registry", "code"),
    [
        pytest.param("models:/iris/9", True, "not_found", id="missing-version"),
        pytest.param("models:/iris", True, "bad_uri", id="no-version"),
        pytest.param("models:/iris/3", False, "bad_setting", id="no-registry"),
    ],
)
def test_a_registered_model_that_cannot_be_found_is_an_error(
    uri: str, registry: bool, code: str, peer: Peer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.reply = mlflow("file:///nowhere")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if registry:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", peer.address)

    with pytest.raises(StorageError) as failure:
        fetch(uri, dest, settings=QUICK)

    assert failure.value.code == code
