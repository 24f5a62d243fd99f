"""S3, Google Cloud Storage and Azure blobs, against servers that check signatures."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import MIB, Settings
from tests.storage.support import contents, digest
from tests.storage.test_kill import journalled
from tests.storage_servers.backends import upload
from tests.storage_servers.conftest import FILES, Store, minio_over_tls, trained

QUICK = Settings(retries=1, backoff=0.01, stall=5)
SMALL_SPANS = Settings(span=MIB, connections=8)


def test_a_folder_arrives_without_its_sibling(store: Store, dest: Path) -> None:
    manifest = fetch(store.uri, dest, settings=SMALL_SPANS)

    assert contents(dest) == FILES
    assert {file.path: file.sha256 for file in manifest.sources[0].files} == {
        path: digest(content) for path, content in FILES.items()
    }


def test_a_folder_written_with_a_slash_is_the_same(store: Store, dest: Path) -> None:
    fetch(f"{store.uri}/", dest)

    assert contents(dest) == FILES


def test_one_object_arrives_under_its_own_name(store: Store, dest: Path) -> None:
    fetch(f"{store.uri}/model.joblib?sha256={digest(FILES['model.joblib'])}", dest)

    assert contents(dest) == {"model.joblib": FILES["model.joblib"]}


def test_a_prefix_that_ends_inside_a_name_is_nothing(store: Store, dest: Path) -> None:
    with pytest.raises(StorageError) as failure:
        fetch(f"{store.uri[:-2]}", dest, settings=QUICK)

    assert failure.value.code == "not_found"
    assert contents(dest) == {}


def test_an_archive_is_unpacked(store: Store, dest: Path) -> None:
    fetch(store.uri.removesuffix("model") + "packed/model.joblib.gz", dest)

    assert contents(dest) == {"model.joblib": b"a model"}


def test_a_listing_of_several_pages_arrives_whole(store: Store, dest: Path) -> None:
    """Servers end a page after 1,000 keys, Azure's after 5,000 at most."""
    put = store.put
    if emulator := store.environment.get("STORAGE_EMULATOR_HOST"):
        put = partial(upload, emulator)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: put(f"pages/{number:04}", b"%d" % number), range(1100)))

    fetch(store.uri.removesuffix("model") + "pages", dest)

    assert contents(dest) == {f"{number:04}": b"%d" % number for number in range(1100)}


def test_what_is_there_is_not_fetched_again(store: Store, dest: Path) -> None:
    fetch(store.uri, dest)
    before = (dest / "model.joblib").stat().st_ino

    fetch(store.uri, dest)

    assert (dest / "model.joblib").stat().st_ino == before


def test_a_wrong_pin_publishes_nothing(store: Store, dest: Path) -> None:
    with pytest.raises(StorageError) as failure:
        fetch(f"{store.uri}?sha256={'0' * 64}", dest)

    assert failure.value.code == "digest_mismatch"
    assert contents(dest) == {}


def test_a_server_that_is_not_there_is_unreachable(
    store: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "STORAGE_EMULATOR_HOST", "AZURE_STORAGE_ENDPOINT"):
        if name in os.environ:
            monkeypatch.setenv(name, "http://127.0.0.1:1")

    with pytest.raises(StorageError) as failure:
        fetch(store.uri, dest, settings=QUICK)

    assert failure.value.code == "unreachable"


def use(store: Store, monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    for name, value in {**store.environment, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"AWS_SECRET_ACCESS_KEY": "hunter2"}, "wrong_credentials", id="wrong-secret"),
        pytest.param({"AWS_ACCESS_KEY_ID": "nobody"}, "wrong_credentials", id="wrong-key"),
        pytest.param({"awsAnonymousCredential": "true"}, "access_denied", id="anonymous"),
    ],
)
def test_s3_credentials_that_do_not_fit_are_an_error_without_the_secret(
    changes: dict[str, str], code: str, s3: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(s3, monkeypatch, **changes)

    with pytest.raises(StorageError) as failure:
        fetch(s3.uri, dest, settings=QUICK)

    assert failure.value.code == code
    assert "hunter2" not in str(failure.value)
    assert contents(dest) == {}


def test_an_azure_key_that_does_not_fit_is_an_error(
    azure: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(azure, monkeypatch, AZURE_STORAGE_ACCESS_KEY="d3Jvbmc=")

    with pytest.raises(StorageError) as failure:
        fetch(azure.uri, dest, settings=QUICK)

    assert failure.value.code in ("wrong_credentials", "access_denied")


def test_a_bucket_that_is_not_there_is_named(s3: Store, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(s3, monkeypatch)

    with pytest.raises(StorageError) as failure:
        fetch("s3://nowhere/model", dest, settings=QUICK)

    assert failure.value.code == "not_found"
    assert "bucket" in failure.value.remedy


def test_the_storage_config_secret_is_read_as_upstream_reads_it(
    s3: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "type": "s3",
        "access_key_id": s3.environment["AWS_ACCESS_KEY_ID"],
        "secret_access_key": s3.environment["AWS_SECRET_ACCESS_KEY"],
        "endpoint_url": "http://overridden.invalid",
    }
    monkeypatch.setenv("STORAGE_CONFIG", json.dumps(config))
    monkeypatch.setenv(
        "STORAGE_OVERRIDE_CONFIG", json.dumps({"endpoint_url": s3.environment["AWS_ENDPOINT_URL"]})
    )

    fetch(s3.uri, dest)

    assert contents(dest) == FILES


def test_the_keys_of_a_profile_are_used(
    s3: Store, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").write_text(
        "[team]\naws_access_key_id = tester\naws_secret_access_key = not-so-secret\n"
    )
    use(s3, monkeypatch, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "team")

    fetch(s3.uri, dest)

    assert contents(dest) == FILES


def test_keys_that_lead_out_of_the_folder_are_refused(
    s3: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(s3, monkeypatch)
    s3.put("hostile/Model.pkl", b"1")
    s3.put("hostile/model.pkl", b"2")

    with pytest.raises(StorageError) as failure:
        fetch("s3://models/hostile", dest, settings=QUICK)

    assert failure.value.code == "clashing_keys"
    assert contents(dest) == {}


def test_the_address_of_the_seed_works_as_written(
    gs: Store, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(gs, monkeypatch)

    fetch("gs://my-bucket/my-sklearn-model", dest)

    assert contents(dest) == {"model.joblib": trained()}


def test_s3_over_tls_needs_its_ca(tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with minio_over_tls(tmp_path / "minio") as (port, cert):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-so-secret")
        with pytest.raises(StorageError) as failure:
            fetch("s3://models/model", dest, settings=QUICK)
        assert failure.value.code == "untrusted_certificate"

        for trust in ({"AWS_CA_BUNDLE": str(cert)}, {"S3_VERIFY_SSL": "0"}):
            with monkeypatch.context() as patch:
                for name, value in trust.items():
                    patch.setenv(name, value)
                with pytest.raises(StorageError) as failure:
                    fetch("s3://models/model", dest, settings=QUICK)
                assert failure.value.code == "not_found"  # that far it comes only when it trusts


def killed_at(point: float, command: list[str], environment: dict[str, str], dest: Path) -> int:
    """Kill a fetch at so many bytes; return what was complete by then. A fetch that was faster is done again."""
    for _ in range(10):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and journalled(dest) < point:
            pass
        process.kill()
        if process.wait() == -signal.SIGKILL:
            return journalled(dest)
        shutil.rmtree(dest)
    pytest.fail("no fetch was slow enough to be killed")


@pytest.mark.parametrize("seed", range(10))
def test_a_fetch_from_s3_that_is_killed_goes_on(seed: int, s3: Store, dest: Path) -> None:
    point = random.Random(seed).uniform(0.05, 0.95) * len(FILES["model.joblib"])
    command = [sys.executable, "-m", "kserve_lite_server.storage", s3.uri, str(dest)]
    environment = {**os.environ, **s3.environment, "STORAGE_CONNECTIONS": "2"}
    complete = killed_at(point, command, environment, dest)

    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert second.returncode == 0, second.stdout
    assert contents(dest) == FILES
    told = [json.loads(line) for line in second.stdout.splitlines()]
    started_with = next(line["bytes"] for line in told if line["phase"] == "downloading")
    assert started_with >= 0.8 * complete
