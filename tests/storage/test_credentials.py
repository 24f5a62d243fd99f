"""Credentials and settings as a pod gives them: Secrets as files, entries of the storage Secret, KServe's variables."""

import base64
import json
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, secrets
from kserve_lite_server.storage.settings import Settings, from_environment
from kserve_lite_server.storage.sources.oci import _password
from kserve_lite_server.storage.sources.s3 import storage_config
from kserve_lite_server.storage.storage_config import resolved
from kserve_lite_server.storage.uri import parse


def mounted(root: Path, **entries: dict[str, str]) -> dict[str, str]:
    """Lay Secrets down as a kubelet does, with its links, and return the variable that names their folder."""
    for secret, files in entries.items():
        data = root / secret / "..2026_11_26"
        data.mkdir(parents=True)
        (root / secret / "..data").symlink_to(data.name)
        for name, text in files.items():
            (data / name).write_text(text)
            (root / secret / name).symlink_to(f"..data/{name}")
    return {"STORAGE_SECRETS_DIR": str(root)}


def loaded(environment: dict[str, str]) -> dict[str, str]:
    secrets.load(environment)
    return environment


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "k\n", "AWS_SECRET_ACCESS_KEY": "s\n", "S3_ENDPOINT": "minio:9000", "note": "x"},
            {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "S3_ENDPOINT": "minio:9000"},
            id="s3",
        ),
        pytest.param(
            {"awsAccessKeyID": "k", "awsSecretAccessKey": "s"},
            {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"},
            id="s3-with-the-names-of-old-guides",
        ),
        pytest.param({"AZ_CLIENT_ID": "a"}, {"AZ_CLIENT_ID": "a"}, id="azure"),
        pytest.param({"HF_TOKEN": "h"}, {"HF_TOKEN": "h"}, id="hub"),
        pytest.param(
            {"https-host": "files.example", "headers": '{"A": "b"}'}, {"files.example-headers": '{"A": "b"}'}, id="web"
        ),
        pytest.param({"token": "t", "ca.crt": "c", "namespace": "n"}, {}, id="a-token-of-the-account-is-none"),
    ],
)  # fmt: skip
def test_a_mounted_secret_is_read_by_its_entries(
    entries: dict[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    environment = mounted(tmp_path, creds=entries)

    assert loaded(dict(environment)) == environment | expected


def test_files_are_named_where_a_client_wants_a_file(tmp_path: Path) -> None:
    environment = loaded(
        mounted(
            tmp_path,
            google={"gcloud-application-credentials.json": "{}"},
            hadoop={"HDFS_NAMENODE": "http://nn", "N_THREADS": "2"},
        )
    )

    assert environment["GOOGLE_APPLICATION_CREDENTIALS"] == str(
        tmp_path / "google" / "gcloud-application-credentials.json"
    )
    assert environment["HDFS_SECRET_DIR"] == str(tmp_path / "hadoop")
    assert from_environment(environment, "webhdfs").connections == 2


def test_a_variable_goes_before_a_secret_and_a_changed_secret_is_seen(tmp_path: Path) -> None:
    environment = mounted(tmp_path, creds={"AWS_ACCESS_KEY_ID": "one", "AWS_DEFAULT_REGION": "a"})
    environment["AWS_DEFAULT_REGION"] = "mine"
    secrets.load(environment)
    (tmp_path / "creds" / "..data" / "AWS_ACCESS_KEY_ID").write_text("two")

    secrets.load(environment)

    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_DEFAULT_REGION"]) == ("two", "mine")


def test_headers_that_cannot_be_read_are_an_error_without_them(tmp_path: Path) -> None:
    environment = mounted(tmp_path, creds={"https-host": "h", "headers": "Bearer hunter2"})

    with pytest.raises(StorageError) as failure:
        secrets.load(environment)

    assert failure.value.code == "bad_setting"
    assert "creds" in failure.value.message
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param(
            ".dockerconfigjson",
            {"auths": {"registry.example": {"auth": base64.b64encode(b"u:p").decode()}}},
            id="auth",
        ),
        pytest.param(
            ".dockerconfigjson",
            {"auths": {"registry.example": {"username": "u", "password": "p"}}},
            id="user",
        ),
        pytest.param(
            ".dockercfg", {"https://registry.example": {"auth": base64.b64encode(b"u:p").decode()}}, id="old"
        ),
    ],
)
def test_a_pull_secret_opens_a_registry(
    name: str, document: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "STORAGE_SECRETS_DIR", mounted(tmp_path, pull={name: json.dumps(document)})["STORAGE_SECRETS_DIR"]
    )

    assert _password("registry.example") == base64.b64encode(b"u:p").decode()
    assert _password("another.example") is None


ENTRY = {"type": "s3", "bucket": "b", "access_key_id": "k", "secret_access_key": "hunter2"}


@pytest.mark.parametrize(
    ("uri", "files", "parameters", "expected"),
    [
        pytest.param("storage-config://prod/a/b", {"prod": ENTRY}, {}, "s3://b/a/b", id="key"),
        pytest.param("storage-config:///a/b", {"default": ENTRY}, {}, "s3://b/a/b", id="default"),
        pytest.param(
            "storage-config:///a", {"default_s3": ENTRY}, {"type": "s3"}, "s3://b/a", id="default-of-type"
        ),
        pytest.param(
            "storage-config://prod/a", {"prod": ENTRY}, {"bucket": "c"}, "s3://c/a", id="bucket-overridden"
        ),
        pytest.param(
            "storage-config:///a", {}, {"type": "s3", "bucket": "c"}, "s3://c/a", id="parameters-only"
        ),
        pytest.param(
            "storage-config://h/user/me", {"h": {"type": "webhdfs"}}, {}, "webhdfs://user/me", id="hdfs"
        ),
    ],
)
def test_a_storage_entry_names_the_store(
    uri: str, files: dict[str, object], parameters: dict[str, str], expected: str, tmp_path: Path
) -> None:
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))
    environment = {"STORAGE_CONFIG_DIR": str(tmp_path), "STORAGE_OVERRIDE_CONFIG": json.dumps(parameters)}

    found = resolved(parse(f"{uri}?sha256={'a' * 64}"), environment)

    assert (found.shown, found.sha256) == (expected, "a" * 64)
    if files and found.scheme == "s3":
        assert storage_config(environment, found.store)["AWS_SECRET_ACCESS_KEY"] == "hunter2"


@pytest.mark.parametrize(
    ("uri", "files", "said"),
    [
        pytest.param("storage-config://prod/a", {}, "no entry prod", id="no-entry"),
        pytest.param("storage-config:///a", {}, "type None", id="no-default"),
        pytest.param("storage-config://prod/a", {"prod": {"type": "ftp"}}, "'ftp'", id="type"),
        pytest.param("storage-config://prod/a", {"prod": {"type": "s3"}}, "no bucket", id="no-bucket"),
        pytest.param("storage-config://prod/a", {"prod": "hunter2"}, "not a JSON object", id="no-object"),
    ],
)
def test_a_storage_entry_that_names_none_is_an_error(
    uri: str, files: dict[str, object], said: str, tmp_path: Path
) -> None:
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))

    with pytest.raises(StorageError) as failure:
        resolved(parse(uri), {"STORAGE_CONFIG_DIR": str(tmp_path)})

    assert failure.value.code == "bad_setting"
    assert said in failure.value.message
    assert failure.value.remedy
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("kind", "variables", "expected"),
    [
        pytest.param("s3", {"S3_MAX_FILE_CONCURRENCY": "3"}, {"connections": 3}, id="s3-files"),
        pytest.param("s3", {"S3_MAX_ATTEMPTS": "1"}, {"retries": 0}, id="s3-attempts"),
        pytest.param("s3", {"S3_READ_TIMEOUT": "7"}, {"stall": 7.0}, id="s3-read"),
        pytest.param("s3", {"S3_CONNECT_TIMEOUT": "2"}, {"connect": 2.0}, id="s3-connect"),
        pytest.param("azure", {"AZURE_MAX_FILE_CONCURRENCY": "2"}, {"connections": 8}, id="azure-files"),
        pytest.param(
            "azure",
            {"AZURE_MAX_FILE_CONCURRENCY": "2", "AZURE_MAX_CHUNK_CONCURRENCY": "3"},
            {"connections": 6},
            id="azure-ranges",
        ),
        pytest.param("webhdfs", {"N_THREADS": "5"}, {"connections": 5}, id="hdfs"),
        pytest.param("huggingface", {"HF_HUB_DOWNLOAD_TIMEOUT": "9"}, {"stall": 9.0}, id="hub"),
        pytest.param(
            "s3",
            {"S3_MAX_ATTEMPTS": "9", "STORAGE_RETRIES": "2", "STORAGE_STALL_SECONDS": "4"},
            {"retries": 2, "stall": 4.0, "connect": 4.0},
            id="ours-go-first",
        ),
    ],
)
def test_the_settings_of_kserve_are_honoured(
    kind: str, variables: dict[str, str], expected: dict[str, float]
) -> None:
    changed = from_environment(variables, kind)._asdict().items() - Settings()._asdict().items()

    assert dict(changed) == expected


def test_a_setting_that_cannot_be_read_is_an_error_that_names_it() -> None:
    with pytest.raises(StorageError) as failure:
        from_environment({"S3_MAX_ATTEMPTS": "many"}, "s3")

    assert failure.value.code == "bad_setting"
    assert "S3_MAX_ATTEMPTS" in failure.value.message
