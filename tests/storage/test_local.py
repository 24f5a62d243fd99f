"""Files and folders of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kserve_lite_server.storage import Progress, StorageError, fetch
from kserve_lite_server.storage.manifest import NAME, folder_digest
from tests.storage.support import contents, digest


def test_a_folder_arrives_with_all_its_files_and_a_manifest(model: Path, dest: Path) -> None:
    manifest = fetch(model.as_uri(), dest)

    assert contents(dest) == contents(model)
    assert json.loads((dest / NAME).read_text())["version"] == 1
    [origin] = manifest.sources
    assert origin.uri == model.as_uri()
    assert {(file.path, file.size, file.sha256) for file in origin.files} == {
        (path, len(content), digest(content)) for path, content in contents(model).items()
    }


def test_one_file_arrives_under_its_own_name(model: Path, dest: Path) -> None:
    fetch(str(model / "model.joblib"), dest)

    assert contents(dest) == {"model.joblib": (model / "model.joblib").read_bytes()}


def test_escapes_in_a_file_uri_are_decoded(tmp_path: Path, dest: Path) -> None:
    (tmp_path / "my models").mkdir()
    (tmp_path / "my models" / "model.joblib").write_bytes(b"x")

    fetch((tmp_path / "my models").as_uri(), dest)

    assert contents(dest) == {"model.joblib": b"x"}


def test_what_is_there_in_this_version_is_not_copied_again(model: Path, dest: Path) -> None:
    fetch(str(model), dest)
    before = (dest / "model.joblib").stat().st_ino

    fetch(str(model), dest)

    assert (dest / "model.joblib").stat().st_ino == before


def test_a_changed_source_replaces_changed_files_and_removes_gone_ones(model: Path, dest: Path) -> None:
    fetch(str(model), dest)
    (model / "model.joblib").write_bytes(b"second")
    (model / "sub" / "vocabulary.txt").unlink()

    fetch(str(model), dest)

    assert contents(dest) == contents(model)


def test_a_damaged_copy_is_repaired(model: Path, dest: Path) -> None:
    fetch(str(model), dest)
    (dest / "sub" / "vocabulary.txt").write_bytes(b"damaged..")

    fetch(str(model), dest)

    assert contents(dest) == contents(model)


def test_two_sources_share_a_folder_and_a_manifest(model: Path, tmp_path: Path, dest: Path) -> None:
    (tmp_path / "extra.txt").write_bytes(b"extra")

    fetch(str(model), dest)
    manifest = fetch(str(tmp_path / "extra.txt"), dest)

    assert contents(dest) == {**contents(model), "extra.txt": b"extra"}
    assert [origin.uri for origin in manifest.sources] == [str(model), str(tmp_path / "extra.txt")]


def test_a_second_source_does_not_overwrite_the_first(model: Path, tmp_path: Path, dest: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(b"other")
    fetch(str(model), dest)

    with pytest.raises(StorageError) as failure:
        fetch(str(tmp_path / "model.joblib"), dest)

    assert failure.value.code == "destination_occupied"
    assert contents(dest) == contents(model)


@pytest.mark.parametrize("subject", ["file", "folder"])
def test_a_pinned_digest_is_verified_before_anything_is_published(
    subject: str, model: Path, dest: Path
) -> None:
    uri = str(model / "model.joblib") if subject == "file" else str(model)
    right = (
        digest((model / "model.joblib").read_bytes())
        if subject == "file"
        else subprocess.run(
            "find . -type f | sed 's,^./,,' | LC_ALL=C sort | xargs sha256sum | sha256sum",
            cwd=model, shell=True, check=True, capture_output=True, text=True,
        ).stdout.split()[0]
    )  # fmt: skip

    with pytest.raises(StorageError) as failure:
        fetch(f"{uri}?sha256={'0' * 64}", dest)
    assert failure.value.code == "digest_mismatch"
    assert contents(dest) == {}

    manifest = fetch(f"{uri}?sha256={right}", dest)
    assert contents(dest)["model.joblib"] == (model / "model.joblib").read_bytes()
    assert right in (manifest.sources[0].files[0].sha256, folder_digest(manifest.sources[0].files))


def test_links_inside_a_folder_are_followed_as_a_mounted_configmap_has_them(
    tmp_path: Path, dest: Path
) -> None:
    data = tmp_path / "mount" / "..2026_11_22"
    data.mkdir(parents=True)
    (data / "model.joblib").write_bytes(b"x")
    (tmp_path / "mount" / "..data").symlink_to(data.name)
    (tmp_path / "mount" / "model.joblib").symlink_to("..data/model.joblib")

    fetch(str(tmp_path / "mount"), dest)

    assert contents(dest) == {"model.joblib": b"x"}


def _link_out(folder: Path) -> None:
    (folder / "passwords").symlink_to("/etc/passwd")


def _link_up(folder: Path) -> None:
    (folder / "sub" / "again").symlink_to("..")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def _same_name_but_case(folder: Path) -> None:
    (folder / "MODEL.joblib").write_bytes(b"y")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(_link_out, "unsafe_link", id="link-out"),
        pytest.param(_link_up, "unsafe_link", id="link-up"),
        pytest.param(_pipe, "not_a_file", id="pipe"),
        pytest.param(_same_name_but_case, "clashing_keys", id="case"),
    ],
)
def test_a_folder_with_something_unsafe_is_refused_whole(spoil, code: str, model: Path, dest: Path) -> None:  # type: ignore[no-untyped-def]
    spoil(model)

    with pytest.raises(StorageError) as failure:
        fetch(str(model), dest)

    assert failure.value.code == code
    assert failure.value.remedy
    assert contents(dest) == {}


@pytest.mark.parametrize(
    ("uri", "code", "word"),
    [
        pytest.param("/nowhere/at/all", "not_found", "/nowhere/at/all", id="missing-path"),
        pytest.param("file:///nowhere", "not_found", "file:///nowhere", id="missing-uri"),
        pytest.param("file://elsewhere/model", "bad_uri", "elsewhere", id="other-machine"),
        pytest.param("pvc://claim/model", "unsupported_scheme", "--mount", id="claim"),
        pytest.param("nosuch://place", "unsupported_scheme", "file://", id="unknown-scheme"),
        pytest.param("", "bad_uri", "s3://", id="empty"),
        pytest.param("/etc/hostname?sha256=12", "bad_uri", "64", id="short-pin"),
    ],
)
def test_a_uri_that_leads_nowhere_is_refused_with_a_remedy(
    uri: str, code: str, word: str, dest: Path
) -> None:
    with pytest.raises(StorageError) as failure:
        fetch(uri, dest)

    assert failure.value.code == code
    assert word in failure.value.message + failure.value.remedy


def test_an_empty_folder_is_an_error(tmp_path: Path, dest: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(StorageError) as failure:
        fetch(str(tmp_path / "empty"), dest)

    assert failure.value.code == "not_found"


def test_a_destination_that_cannot_be_written_is_an_error(model: Path) -> None:
    with pytest.raises(StorageError) as failure:
        fetch(str(model), Path("/proc/model"))

    assert failure.value.code == "destination_not_writable"


def test_a_model_larger_than_the_disk_is_refused_before_a_byte_is_written(tmp_path: Path, dest: Path) -> None:
    with (tmp_path / "model.joblib").open("wb") as file:
        file.truncate(1 << 42)

    with pytest.raises(StorageError) as failure:
        fetch(str(tmp_path / "model.joblib"), dest)

    assert failure.value.code in ("disk_full", "too_large")
    assert contents(dest) == {}


@pytest.mark.parametrize(
    ("allow", "ignore", "expected"),
    [
        pytest.param("*.joblib", "", {"model.joblib"}, id="allow"),
        pytest.param("", '["sub/"]', {"model.joblib", "empty.txt"}, id="ignore-folder"),
        pytest.param("*.txt,*.joblib", "*empty*", {"model.joblib", "sub/vocabulary.txt"}, id="both"),
    ],
)
def test_patterns_choose_files(
    allow: str, ignore: str, expected: set[str], model: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_ALLOW_PATTERNS", allow)
    monkeypatch.setenv("STORAGE_IGNORE_PATTERNS", ignore)

    fetch(str(model), dest)

    assert set(contents(dest)) == expected


def test_patterns_that_let_nothing_through_are_an_error(
    model: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_ALLOW_PATTERNS", "*.onnx")

    with pytest.raises(StorageError) as failure:
        fetch(str(model), dest)

    assert failure.value.code == "nothing_matches"


def test_the_report_ends_with_everything(model: Path, dest: Path) -> None:
    seen: list[Progress] = []

    fetch(str(model), dest, seen.append)

    size = sum(len(content) for content in contents(model).values())
    assert (seen[-1].bytes, seen[-1].total, seen[-1].files) == (size, size, 3)


def test_a_fetch_from_this_machine_brings_no_client_and_nothing_that_it_does_without(
    model: Path, dest: Path
) -> None:
    idle = {"asyncio", "bz2", "dataclasses", "http.client", "inspect", "lzma", "math", "numpy", "obstore", "shutil",
            "sklearn", "ssl", "tarfile", "typing", "unicodedata"}  # fmt: skip
    fetching = (
        "import sys; from kserve_lite_server.storage.__main__ import main; status = main(sys.argv[1:]); "
        f"print(sorted({idle} & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )

    command = [sys.executable, "-c", fetching, model.as_uri(), str(dest)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    assert done.stderr.splitlines()[-1] == "[]"
