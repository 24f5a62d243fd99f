"""What the images are made from, and how they are weighed."""

import gzip
import io
import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from tools.cache import CLONE
from tools.cluster.host import archive
from tools.errors import ToolError
from tools.images import __main__ as command
from tools.images import contents, engine
from tools.images.catalogue import IMAGES, Image


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_every_image_is_the_target_of_its_dockerfile_and_runs_as_nobody_special(image: Image) -> None:
    text = (CLONE / image.dockerfile).read_text()

    assert re.search(rf"^FROM \S+ AS {image.name}$", text, re.MULTILINE)
    assert "USER 1000:1000" in text


@pytest.mark.parametrize("path", ["Dockerfile", "server/Dockerfile"])
def test_a_dockerfile_copies_dependencies_before_code(path: str) -> None:
    copies = re.findall(r"^COPY --from=(\S+)", (CLONE / path).read_text(), re.MULTILINE)

    assert copies
    assert all(copy.endswith("dependencies") for copy in copies[::2])
    assert set(copies[1::2]) <= {"code", "sdk"}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_layer_weighs_what_it_unpacks_to(tmp_path: Path, compressed: bool) -> None:
    (tmp_path / "program").write_bytes(bytes(5_000_000))
    archive.write(tmp_path / "image.tar", "x.io/p:1", {"/program": tmp_path / "program"}, ["/program"])
    if compressed:
        compress_layer(tmp_path / "image.tar")

    (weight,) = contents.layers(tmp_path / "image.tar")

    assert 5_000_000 <= weight < 5_100_000


def test_an_image_over_its_budget_is_refused() -> None:
    with pytest.raises(ToolError, match="sklearnserver is 10 MB over its budget"):
        command.weigh(Image("sklearnserver", "server/Dockerfile", budget=320), 330_000_000)


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match="sklearnserver, storage-initializer, router, kserve-lite"):
        command.choose(["sklearn"])


def test_a_base_that_was_pulled_before_does_without_its_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = offline_docker(tmp_path, monkeypatch, has_base=True)

    engine.Docker("docker").build(IMAGES[0])

    assert [call.split()[0] for call in calls.read_text().splitlines()] == [
        "pull",
        "image",
        "context",
        "build",
    ]
    assert "is the one pulled before: " in capsys.readouterr().err


def test_a_base_that_was_never_pulled_needs_its_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = offline_docker(tmp_path, monkeypatch, has_base=False)

    with pytest.raises(ToolError, match="no such host"):
        engine.Docker("docker").build(IMAGES[0])

    assert "\nbuild " not in calls.read_text()


def test_docker_itself_builds_whatever_builder_its_user_chose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "elsewhere")
    calls = offline_docker(tmp_path, monkeypatch, has_base=True)

    engine.Docker("docker").build(IMAGES[0])
    engine.Docker("docker").build_folder(tmp_path, "mine:1", "server:1")

    builders = [call.split()[-1] for call in calls.read_text().splitlines() if call.startswith("build ")]
    assert builders == ["BUILDX_BUILDER=desktop-linux", "BUILDX_BUILDER=desktop-linux"]


def offline_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, *, has_base: bool) -> Path:
    """Put a Docker first on PATH that reaches no registry; return where it writes what it is asked."""
    calls = folder / "calls"
    (folder / "docker").write_text(
        f"""#!/bin/sh
echo "$@ BUILDX_BUILDER=$BUILDX_BUILDER" >>{calls}
case $1 in
    pull) echo "no such host" >&2; exit 1 ;;
    image) exit {0 if has_base else 1} ;;
    context) echo desktop-linux ;;
esac
"""
    )
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return calls


def compress_layer(path: Path) -> None:
    """Rewrite an archive with its layer compressed, as docker and buildah write them."""
    with tarfile.open(path) as image:
        members = [(member, image.extractfile(member).read()) for member in image]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as image:
        for member, data in members:
            if b'"layers"' in data:
                data = data.replace(b"layer.v1.tar", b"layer.v1.tar+gzip")
                assert json.loads(data)
            elif len(data) > 1_000_000:
                data = gzip.compress(data)
            member.size = len(data)
            image.addfile(member, io.BytesIO(data))
