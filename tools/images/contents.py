"""Read an image from its archive: what its layers unpack to, and what it says of itself."""

import gzip
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast


def layers(archive: Path) -> list[int]:
    """Return the unpacked bytes of each layer, the base's first."""
    return [length(layer) for layer in open_layers(archive)]


def open_layers(archive: Path) -> Iterator[IO[bytes]]:
    """Yield each layer as an unpacked tar, the base's first."""
    with tarfile.open(archive) as image:
        for layer in manifest(image)["layers"]:
            yield unpacked(member(image, blob(layer["digest"])), layer["mediaType"])


def config(archive: Path) -> Any:
    """Return the image's configuration: user, entry point, labels."""
    with tarfile.open(archive) as image:
        return read_json(image, blob(manifest(image)["config"]["digest"]))


def manifest(image: tarfile.TarFile) -> Any:
    """Return the manifest of the archive's only image."""
    index = read_json(image, "index.json")
    while "manifests" in index:  # Docker writes an index within the index
        index = read_json(image, blob(index["manifests"][0]["digest"]))
    return index


def unpacked(layer: IO[bytes], kind: str) -> IO[bytes]:
    """Return the tar of a layer."""
    return cast(IO[bytes], gzip.open(layer)) if kind.endswith("gzip") else layer


def length(stream: IO[bytes]) -> int:
    """Return how many bytes a stream has."""
    return sum(len(chunk) for chunk in iter(lambda: stream.read(1 << 20), b""))


def read_json(image: tarfile.TarFile, name: str) -> Any:
    """Return a JSON document of the archive."""
    return json.load(member(image, name))


def member(image: tarfile.TarFile, name: str) -> IO[bytes]:
    """Return a file of the archive."""
    found = image.extractfile(name)
    assert found is not None, f"{name} is no file"
    return found


def blob(digest: str) -> str:
    """Return where a digest's content is in the archive."""
    return f"blobs/{digest.replace(':', '/')}"
