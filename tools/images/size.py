"""How large an image is on a node: what its layers unpack to, from its archive."""

import gzip
import json
import tarfile
from pathlib import Path
from typing import IO, Any


def layers(archive: Path) -> list[int]:
    """Return the unpacked bytes of each layer, the base's first."""
    with tarfile.open(archive) as image:
        index = read_json(image, "index.json")
        manifest = read_json(image, blob(index["manifests"][0]["digest"]))
        if "manifests" in manifest:  # Docker writes an index within the index
            manifest = read_json(image, blob(manifest["manifests"][0]["digest"]))
        return [unpacked(member(image, blob(layer["digest"])), layer) for layer in manifest["layers"]]


def unpacked(layer: IO[bytes], descriptor: dict[str, Any]) -> int:
    """Return the length of a layer's tar."""
    if not descriptor["mediaType"].endswith("gzip"):
        return int(descriptor["size"])
    with gzip.open(layer) as stream:
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
