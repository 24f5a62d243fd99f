"""Repositories over git's own HTTP server."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kserve_lite_server.storage import StorageError, fetch
from kserve_lite_server.storage.settings import Settings
from tests.git_http import GitHttp
from tests.storage.support import contents

QUICK = Settings(retries=1, backoff=0.01, stall=10)


@dataclass
class Hub:
    """A bare repository on a server, and the folder from which commits are pushed to it."""

    server: GitHttp
    work: Path

    @property
    def address(self) -> str:
        return f"{self.server.address}/team/model.git"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.work, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, bytes], message: str = "one") -> str:
        for path, content in files.items():
            (self.work / path).parent.mkdir(parents=True, exist_ok=True)
            (self.work / path).write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q", "--all")
        self.git("push", "-q", "--tags")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    root, work = tmp_path / "hub", tmp_path / "work"
    work.mkdir()
    with GitHttp(root) as server:
        hub = Hub(server, work)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", root / "team" / "model.git"], check=True)
        hub.git("init", "-q", "-b", "main")
        hub.git("remote", "add", "origin", str(root / "team" / "model.git"))
        yield hub


def test_the_default_branch_arrives(hub: Hub, dest: Path) -> None:
    hub.commit({"model.joblib": b"one" * 100_000, "sub/notes.txt": b"n"})

    fetch(hub.address, dest)

    assert contents(dest) == {"model.joblib": b"one" * 100_000, "sub/notes.txt": b"n"}


@pytest.mark.parametrize("kind", ["tag", "annotated-tag", "branch", "commit"])
def test_a_tag_a_branch_or_a_commit_can_be_named(kind: str, hub: Hub, dest: Path) -> None:
    first = hub.commit({"model.joblib": b"one"})
    hub.git("tag", "v1")
    hub.git("tag", "-a", "-m", "annotated", "v1a")
    hub.git("branch", "release/1")
    hub.commit({"model.joblib": b"two"}, "two")
    name = {"tag": "v1", "annotated-tag": "v1a", "branch": "release/1", "commit": first}[kind]
    bare = hub.git("remote", "get-url", "origin")
    subprocess.run(["git", "-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)

    fetch(f"{hub.address}@{name}", dest)

    assert contents(dest) == {"model.joblib": b"one"}


def test_a_folder_of_the_repository_can_be_named(hub: Hub, dest: Path) -> None:
    hub.commit({"models/iris/model.joblib": b"iris", "models/iris-old/model.joblib": b"old", "README": b"r"})

    fetch(f"{hub.address}#models/iris", dest)

    assert contents(dest) == {"model.joblib": b"iris"}


def test_a_new_commit_replaces_the_old_one(hub: Hub, dest: Path) -> None:
    hub.commit({"model.joblib": b"one", "gone.txt": b"g"})
    fetch(hub.address, dest)
    hub.git("rm", "-q", "gone.txt")
    hub.commit({"model.joblib": b"two"}, "two")

    fetch(hub.address, dest)

    assert contents(dest) == {"model.joblib": b"two"}


def test_a_private_repository_needs_its_password(
    hub: Hub, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit({"model.joblib": b"one"})
    hub.server.password = "hunter2"

    with pytest.raises(StorageError) as failure:
        fetch(hub.address, dest, settings=QUICK)
    assert failure.value.code == "wrong_credentials"

    monkeypatch.setenv("GIT_USERNAME", "me")
    monkeypatch.setenv("GIT_PASSWORD", "hunter2")
    fetch(hub.address, dest, settings=QUICK)
    assert contents(dest) == {"model.joblib": b"one"}


def _link(hub: Hub) -> None:
    (hub.work / "model.joblib").symlink_to("/etc/passwd")
    hub.commit({})


def _pointer(hub: Hub) -> None:
    hub.commit({"model.joblib": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"})


def _empty(hub: Hub) -> None:
    """Leave the repository without a commit."""


@pytest.mark.parametrize(
    ("prepare", "end", "code"),
    [
        pytest.param(_link, "", "unsafe_link", id="symlink"),
        pytest.param(_pointer, "", "unsupported_file", id="lfs-pointer"),
        pytest.param(_empty, "", "not_found", id="empty-repository"),
        pytest.param(_pointer, "@nowhere", "not_found", id="unknown-ref"),
        pytest.param(_pointer, "#nowhere", "not_found", id="unknown-path"),
        pytest.param(_pointer, "/../other.git", "not_found", id="unknown-repository"),
    ],
)
def test_what_cannot_be_a_model_is_one_error(prepare, end: str, code: str, hub: Hub, dest: Path) -> None:  # type: ignore[no-untyped-def]
    prepare(hub)

    with pytest.raises(StorageError) as failure:
        fetch(hub.address + end, dest, settings=QUICK)

    assert failure.value.code == code
    assert contents(dest) == {}
