"""The table: every scheme times every fault of the network or the service. Right files, or one error with a remedy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from tests.storage.faults import certificate
from tests.storage.peer import peer
from tests.storage.proxy import EVER, Breaks, between
from tests.storage.support import contents, digest
from tests.storage_servers.backends import Backend, backend
from tests.storage_servers.test_git import hub
from tests.storage_servers.test_oci import registry

__all__ = ["backend", "hub", "peer", "registry"]

PATIENT = Settings(connections=3, span=100_000, mark=16 << 10, retries=3, backoff=0.01, connect=5, stall=10)
HASTY = PATIENT._replace(stall=0.7)
WHOLE = frozenset({"git"})  # one answer holds all: nothing of it can be half there


@contextmanager
def broken(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, tls: tuple[Path, Path] | None = None, **faults: Any
) -> Iterator[tuple[Breaks, str]]:
    """Stand between us and a backend; yields the proxy and the model's URI through it."""
    # Registries on 127.0.0.1 are asked without TLS by every tool, so TLS needs another address of this machine.
    host = "127.0.0.2" if tls else "127.0.0.1"
    with between(Breaks(backend.upstream, host=backend.host, **faults), host, tls) as breaks:
        backend.moved(breaks.address)
        for name, value in backend.environment(breaks.address).items():
            monkeypatch.setenv(name, value)
        yield breaks, backend.uri(breaks.address)


def check(failure: StorageError, backend: Backend, dest: Path) -> None:
    """One error with code, sentence and remedy, no secret in it, nothing half-published."""
    assert failure.message.endswith(".")
    assert failure.remedy.strip()
    assert backend.secret not in str(failure)
    assert "sig=" not in str(failure)
    assert contents(dest) == {}


@pytest.mark.parametrize(
    ("faults", "settings"),
    [
        pytest.param({}, PATIENT, id="nothing"),
        pytest.param({"statuses": [429, 429]}, PATIENT, id="429-then-fine"),
        pytest.param({"statuses": [500, 503]}, PATIENT, id="500-then-fine"),
        pytest.param({"cut": 2}, PATIENT, id="truncated-then-fine"),
        pytest.param({"reset": 2}, PATIENT, id="reset-then-fine"),
        pytest.param({"short_header": 1}, PATIENT, id="wrong-length-then-fine"),
        pytest.param({"stall": 1}, HASTY, id="stalled-then-fine"),
    ],
)
def test_a_model_arrives_in_spite_of(
    faults: dict[str, Any],
    settings: Settings,
    backend: Backend,
    dest: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with broken(backend, monkeypatch, **faults) as (_, uri):
        fetch(uri, dest, settings=settings)

    assert contents(dest) == backend.files


@pytest.mark.parametrize(
    ("faults", "settings", "codes"),
    [
        pytest.param({"always": 404}, PATIENT, "not_found", id="missing"),
        pytest.param({"always": 403}, PATIENT, "access_denied", id="denied"),
        # The Hub says 401 of a repository that does not exist, too; the remedy names both.
        pytest.param({"always": 401}, PATIENT, "wrong_credentials not_found", id="wrong-credentials"),
        pytest.param({"always": 429}, PATIENT, "rate_limited", id="429-for-ever"),
        pytest.param({"always": 500}, PATIENT, "server_error", id="500-for-ever"),
        pytest.param({"cut": EVER}, PATIENT, "unreachable wrong_length", id="truncated-for-ever"),
        pytest.param({"reset": EVER}, PATIENT, "unreachable", id="reset-for-ever"),
        pytest.param({"stall": EVER}, HASTY._replace(retries=1), "stalled", id="stalled-for-ever"),
        pytest.param({"bulk_status": 404, "bulk_after": 1}, PATIENT, "not_found", id="404-half-way"),
        pytest.param({"bulk_status": 503, "bulk_after": 1}, PATIENT, "server_error", id="503-half-way"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_error(
    faults: dict[str, Any],
    settings: Settings,
    codes: str,
    backend: Backend,
    dest: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "bulk_after" in faults and backend.scheme in WHOLE:
        faults = {**faults, "bulk_after": 0}
    with broken(backend, monkeypatch, **faults) as (_, uri), pytest.raises(StorageError) as failure:
        fetch(uri, dest, settings=settings)

    assert failure.value.code in codes.split()
    check(failure.value, backend, dest)


def test_a_length_that_is_always_wrong_is_an_error_or_does_not_matter(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for a range knows when it has come, whatever the length says."""
    error: StorageError | None = None
    with broken(backend, monkeypatch, short_header=EVER) as (_, uri):
        try:
            fetch(uri, dest, settings=PATIENT)
        except StorageError as raised:
            error = raised

    if error is None:
        assert contents(dest) == backend.files
    else:
        assert error.code in ("unreachable", "wrong_length")
        check(error, backend, dest)


def test_a_bit_that_flips_on_the_way_is_found_by_a_pin(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken(backend, monkeypatch, flip=1) as (_, uri), pytest.raises(StorageError) as failure:
        fetch(f"{uri}?sha256={'a' * 64}" if "#" not in uri else uri, dest, settings=PATIENT)

    # Content that its name vouches for is refused before the pin is even looked at.
    assert failure.value.code in ("digest_mismatch", "bad_archive", "unreachable", "server_error")
    check(failure.value, backend, dest)


@pytest.mark.parametrize("days", [2, -1])
def test_a_certificate_that_nobody_vouches_for_or_that_has_expired_is_refused(
    days: int, backend: Backend, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path, days=days)
    if days < 0:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))  # known, and too old all the same

    with (
        broken(backend, monkeypatch, tls=(cert, key)) as (_, uri),
        pytest.raises(StorageError) as failure,
    ):
        fetch(uri, dest, settings=PATIENT)

    assert failure.value.code == "untrusted_certificate"
    assert ("expired" in failure.value.message) == (days < 0)
    check(failure.value, backend, dest)


def test_a_certificate_whose_authority_is_named_is_trusted(
    backend: Backend, dest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))

    with broken(backend, monkeypatch, tls=(cert, key)) as (_, uri):
        fetch(uri, dest, settings=PATIENT)

    assert contents(dest) == backend.files


def test_a_redirect_to_another_host_takes_no_secret_along(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        thief = stack.enter_context(between(Breaks(always=200), "127.0.0.3"))
        _, uri = stack.enter_context(broken(backend, monkeypatch, redirect=f"{thief.address}/model"))
        with pytest.raises(StorageError) as failure:
            fetch(uri, dest, settings=PATIENT._replace(retries=0))

    told = " ".join(f"{path} {headers}" for path, headers in thief.requests)
    assert "Authorization" not in told
    assert "not-so-secret" not in told
    check(failure.value, backend, dest)


def test_a_full_disk_is_an_error(backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, whose files may not grow."""
    with broken(backend, monkeypatch) as (_, uri):
        limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (150_000, 150_000))"
        run = "from kserve_lite_server.storage.__main__ import main; import sys; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", f"{limit}; {run}", uri, str(dest)],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert '"code": "disk_full"' in done.stdout
    assert backend.secret not in done.stdout + done.stderr
    assert contents(dest) == {}


def test_what_an_interrupted_fetch_left_is_continued(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first try that ends after one body, a second that asks for what is missing."""
    if backend.scheme in WHOLE:
        pytest.skip("a repository comes in one answer")
    one_by_one = PATIENT._replace(connections=1, retries=0)
    with broken(backend, monkeypatch, bulk_status=503, bulk_after=1) as (breaks, uri):
        with pytest.raises(StorageError):
            fetch(uri, dest, settings=one_by_one)
        breaks.bulk_status = None
        bulks = breaks.bulks

        fetch(uri, dest, settings=one_by_one)

        assert contents(dest) == backend.files
        size = max(map(len, backend.files.values()))
        assert breaks.bulks - bulks < -(-size // one_by_one.span)


def test_the_command_line_and_its_output_hold_no_secret(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with broken(backend, monkeypatch, always=403) as (_, uri):
        command = [sys.executable, "-m", "kserve_lite_server.storage", uri, str(dest)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "STORAGE_RETRIES": "0"},
            check=False,
        )

    assert done.returncode == 1
    assert '"code": "access_denied"' in done.stdout
    assert backend.secret not in " ".join([*command, done.stdout, done.stderr])


def test_the_pin_of_what_is_there_is_that_of_sha256sum(
    backend: Backend, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = sorted(backend.files.items(), key=lambda item: item[0].encode())
    pin = digest("".join(f"{digest(content)}  {path}\n" for path, content in lines).encode())
    with broken(backend, monkeypatch) as (_, uri):
        if backend.scheme == "oci":
            pytest.skip("an image is pinned by its own digest, …@sha256:")
        fetch(f"{uri}?sha256={pin}", dest, settings=PATIENT)

    assert contents(dest) == backend.files
