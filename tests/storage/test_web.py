"""http(s) and everything that goes wrong on the way."""

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import MIB, Settings
from tests.storage.faults import Faults, certificate, serving
from tests.storage.support import contents, digest

CONTENT = os.urandom(3 * MIB + 17)
QUICK = Settings(connections=4, span=MIB, mark=256 << 10, retries=3, backoff=0.02, stall=0.5)
ONE_BY_ONE = QUICK._replace(connections=1)


@pytest.fixture
def web() -> Iterator[Faults]:
    with serving(Faults(content=CONTENT)) as faults:
        yield faults


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="ranges"),
        pytest.param({"ranges": False}, id="no-ranges"),
        pytest.param({"ranges": False, "no_length": True}, id="chunked-without-length"),
        pytest.param({"etag": None}, id="no-version"),
        pytest.param({"headers": {"Content-Type": "text/plain"}}, id="any-content-type"),
        pytest.param({"statuses": [(429, {"Retry-After": "0"})] * 2}, id="429-then-fine"),
        pytest.param({"statuses": [(500, {}), (503, {"Retry-After": "0"})]}, id="500-then-fine"),
        pytest.param({"cut_after": 2 * MIB, "cuts": 3}, id="truncated-then-fine"),
        pytest.param({"cut_after": 2 * MIB, "cuts": 3, "reset": True}, id="reset-then-fine"),
        pytest.param({"cut_after": 2 * MIB, "cuts": 2, "ranges": False}, id="truncated-without-ranges-then-fine"),
        pytest.param({"stall_after": 2 * MIB, "stalls": 2}, id="stalled-then-fine"),
    ],
)  # fmt: skip
def test_a_file_arrives_in_spite_of(change: dict[str, object], web: Faults, dest: Path) -> None:
    for name, value in change.items():
        setattr(web, name, value)

    manifest = fetch(f"{web.address}/some/model.joblib?version=3", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": CONTENT}
    assert manifest.sources[0].uri == f"{web.address}/some/model.joblib"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"always": 404}, "not_found", id="missing"),
        pytest.param({"always": 401}, "wrong_credentials", id="wrong-credentials"),
        pytest.param({"always": 403}, "access_denied", id="denied"),
        pytest.param({"always": 429}, "rate_limited", id="429-for-ever"),
        pytest.param({"statuses": [(429, {"Retry-After": "3600"})]}, "rate_limited", id="429-for-an-hour"),
        pytest.param({"always": 500}, "server_error", id="500-for-ever"),
        pytest.param({"always": 418}, "server_error", id="another-refusal"),
        pytest.param({"cut_after": 0}, "unreachable", id="truncated-at-once"),
        pytest.param({"cut_after": 100_000, "ranges": False}, "unreachable", id="truncated-for-ever"),
        pytest.param({"cut_after": 0, "reset": True}, "unreachable", id="reset-for-ever"),
        pytest.param({"stall_after": 0}, "stalled", id="stalled"),
        pytest.param({"extra_length": 1000, "ranges": False}, "unreachable", id="wrong-length"),
        pytest.param({"redirect": "/again"}, "too_many_redirects", id="redirect-loop"),
        pytest.param({"redirect": "file:///etc/passwd"}, "bad_uri", id="redirect-to-file"),
    ],
)
def test_a_file_that_cannot_be_had_is_one_error_and_nothing_is_published(
    change: dict[str, object], code: str, web: Faults, dest: Path
) -> None:
    for name, value in change.items():
        setattr(web, name, value)

    with pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib?sig=SECRET", dest, settings=QUICK)

    assert failure.value.code == code
    assert failure.value.remedy
    assert "SECRET" not in str(failure.value)
    assert contents(dest) == {}


def test_a_404_half_way_is_an_error(web: Faults, dest: Path) -> None:
    def gone(progress: object) -> None:
        web.always = 404

    web.delay = 0.02
    with pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib", dest, gone, settings=ONE_BY_ONE)

    assert failure.value.code == "not_found"
    assert contents(dest) == {}


def test_a_file_that_changes_under_way_is_an_error(web: Faults, dest: Path) -> None:
    def changed(progress: object) -> None:
        web.etag = '"v2"'

    web.delay = 0.02
    with pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib", dest, changed, settings=ONE_BY_ONE)

    assert failure.value.code == "source_changed"
    assert contents(dest) == {}


def test_a_pin_is_held_against_what_came(web: Faults, dest: Path) -> None:
    fetch(f"{web.address}/model.joblib?sha256={digest(CONTENT)}", dest, settings=QUICK)
    web.content = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    web.etag = '"v2"'

    with pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib?a=b&sha256={digest(CONTENT)}", dest, settings=QUICK)

    assert failure.value.code == "digest_mismatch"
    assert contents(dest) == {"model.joblib": CONTENT}
    assert all("sha256" not in path for path, _ in web.requests)


def test_an_unchanged_file_is_asked_for_once_and_not_fetched_again(web: Faults, dest: Path) -> None:
    fetch(f"{web.address}/model.joblib", dest, settings=QUICK)
    before = web.served["bytes"]

    fetch(f"{web.address}/model.joblib", dest, settings=QUICK)

    assert web.served["bytes"] - before <= 1


def test_an_empty_file_is_a_file(web: Faults, dest: Path) -> None:
    web.content = b""

    fetch(f"{web.address}/empty.txt", dest, settings=QUICK)

    assert contents(dest) == {"empty.txt": b""}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="model.joblib"', "model.joblib"),
        ("attachment; filename=model.joblib", "model.joblib"),
        ("attachment; filename*=UTF-8''mod%C3%A8le.joblib", "modèle.joblib"),
    ],
)
def test_the_server_may_name_the_file(disposition: str, name: str, web: Faults, dest: Path) -> None:
    web.headers["Content-Disposition"] = disposition

    fetch(f"{web.address}/download?id=3", dest, settings=QUICK)

    assert contents(dest) == {name: CONTENT}


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil", "..", ".kserve-lite-manifest.json"])
def test_a_server_cannot_name_a_file_out_of_the_folder(name: str, web: Faults, dest: Path) -> None:
    web.headers["Content-Disposition"] = f'attachment; filename="{name}"'

    with pytest.raises(StorageError):
        fetch(f"{web.address}/download", dest, settings=QUICK)

    assert contents(dest.parent) == {}


def test_an_archive_from_the_web_is_unpacked(web: Faults, dest: Path) -> None:
    web.content = gzip.compress(b"a model")

    fetch(f"{web.address}/model.joblib.gz", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": b"a model"}


def test_headers_of_a_host_come_from_the_environment(
    web: Faults, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("127.0.0.1-headers", json.dumps({"Authorization": "Bearer t", "X-Key": "k"}))

    fetch(f"{web.address}/model.joblib", dest, settings=QUICK)

    assert all(sent["Authorization"] == "Bearer t" and sent["X-Key"] == "k" for _, sent in web.requests)


def test_a_redirect_to_another_host_takes_no_header_along(
    web: Faults, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "127.0.0.1-headers", json.dumps({"Authorization": "Bearer t", "X-Key": "k", "Cookie": "c"})
    )

    with serving(Faults(redirect=f"{web.address}/model.joblib")) as first:
        fetch(f"{first.address}/model.joblib", dest, settings=QUICK)
        assert {"Authorization", "X-Key", "Cookie"} <= first.requests[0][1].keys()

    assert contents(dest) == {"model.joblib": CONTENT}
    assert not {"Authorization", "X-Key", "Cookie"} & {name for _, sent in web.requests for name in sent}


def test_a_user_and_password_in_the_address_are_refused(dest: Path) -> None:
    with pytest.raises(StorageError) as failure:
        fetch("https://me:hunter2@example.com/model.joblib", dest)

    assert failure.value.code == "secret_in_uri"
    assert "hunter2" not in str(failure.value)


def test_a_self_signed_certificate_is_refused_until_its_ca_is_named(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    with serving(Faults(content=CONTENT), tls=(cert, key)) as web:
        with pytest.raises(StorageError) as failure:
            fetch(f"{web.address}/model.joblib", dest, settings=QUICK)
        assert failure.value.code == "untrusted_certificate"

        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        fetch(f"{web.address}/model.joblib", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": CONTENT}


def test_a_certificate_of_another_host_is_refused_even_with_its_ca(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path, host="models.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))

    with serving(Faults(content=CONTENT), tls=(cert, key)) as web, pytest.raises(StorageError) as failure:
        fetch(f"{web.address.replace('127.0.0.1', 'localhost')}/model.joblib", dest, settings=QUICK)

    assert failure.value.code == "untrusted_certificate"
    assert failure.value.message.endswith("'localhost'.")


def test_an_expired_certificate_is_refused_even_with_its_ca(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path, days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))

    with serving(Faults(content=CONTENT), tls=(cert, key)) as web, pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib", dest, settings=QUICK)

    assert failure.value.code == "untrusted_certificate"
    assert "expired" in failure.value.message


def test_a_ca_bundle_that_is_not_there_is_an_error(dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")

    with pytest.raises(StorageError) as failure:
        fetch("https://127.0.0.1:1/model.joblib", dest, settings=QUICK)

    assert failure.value.code == "ca_bundle_missing"
    assert "SSL_CERT_FILE" in failure.value.message


def test_a_proxy_is_used_and_left_out_for_the_hosts_of_no_proxy(
    web: Faults, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Faults(content=b"through the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address.replace("://", "://user:pass@"))
        fetch("http://models.example/model.joblib", dest, settings=QUICK)
        assert proxy.requests[0][0] == "http://models.example/model.joblib"
        assert proxy.requests[0][1]["proxy-authorization"].startswith("Basic ")

        monkeypatch.setenv("no_proxy", "127.0.0.1")
        fetch(f"{web.address}/direct.joblib", dest, settings=QUICK)

    assert contents(dest) == {"model.joblib": b"through the proxy", "direct.joblib": CONTENT}


def test_a_host_that_refuses_connections_is_unreachable(dest: Path) -> None:
    with pytest.raises(StorageError) as failure:
        fetch("http://127.0.0.1:1/model.joblib", dest, settings=QUICK)

    assert failure.value.code == "unreachable"


def test_a_total_time_out_ends_a_slow_fetch(web: Faults, dest: Path) -> None:
    web.delay = 0.4
    began = time.monotonic()

    with pytest.raises(StorageError) as failure:
        fetch(f"{web.address}/model.joblib", dest, settings=Settings(total=0.6, stall=5))

    assert failure.value.code == "timeout"
    assert time.monotonic() - began < 10
    assert contents(dest) == {}


def test_a_full_disk_is_an_error_with_the_room_to_make(
    web: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    web.ranges = False
    web.no_length = True  # so that only the write can tell
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
    try:
        with pytest.raises(StorageError) as failure:
            fetch(f"{web.address}/model.joblib", tmp_path / "dest", settings=QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert failure.value.code == "disk_full"
    assert contents(tmp_path / "dest") == {}
