"""Write an OCI image of static programs as containerd imports it: no engine, no registry, the same bytes every time."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def write(target: Path, reference: str, programs: Mapping[str, Path], entrypoint: Sequence[str]) -> None:
    """Write an archive of one image to `target`: `programs` are its files, by their paths in the image."""
    layer = target.with_suffix(".layer")
    digest = write_layer(layer, programs)
    config = {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin"], "Entrypoint": list(entrypoint)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    blobs: dict[str, bytes] = {}

    def blob(kind: str, value: object) -> dict[str, Any]:
        """Keep `value` as a blob and return its descriptor."""
        data = json.dumps(value).encode()
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return {
            "mediaType": f"application/vnd.oci.image.{kind}+json",
            "digest": f"sha256:{name}",
            "size": len(data),
        }

    described = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": f"sha256:{digest}",
        "size": layer.stat().st_size,
    }
    manifest = blob(
        "manifest.v1",
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob("config.v1", config),
            "layers": [described],
        },
    )
    manifest["annotations"] = {"io.containerd.image.name": reference}
    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w") as archive:
        add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
        for name, data in blobs.items():
            add(archive, f"blobs/sha256/{name}", data)
        archive.add(layer, f"blobs/sha256/{digest}", filter=plain)
    layer.unlink()
    partial.replace(target)


def write_layer(target: Path, programs: Mapping[str, Path]) -> str:
    """Write the files of the image as a layer; return its digest."""
    with tarfile.open(target, "w") as layer:
        folder = plain(tarfile.TarInfo("tmp"))
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        layer.addfile(folder)
        for name, path in programs.items():
            layer.add(path.resolve(), name.lstrip("/"), filter=plain)
    with open(target, "rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add one file to an archive."""
    info = plain(tarfile.TarInfo(name))
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Strip what differs from run to run: owner and time."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info
