"""`python -m tools.images.sbom FOLDER`: what is inside each built image, as a CycloneDX document.

Read from the image's own archive: Debian's list of installed packages, and the metadata of every Python distribution.
"""

import argparse
import email
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from tools.images import contents
from tools.images.catalogue import IMAGES, Image, version

DPKG = "var/lib/dpkg/status"


def main(words: list[str]) -> int:
    """Write NAME.cdx.json for every image that is built; 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python -m tools.images.sbom", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documents go")
    folder = parser.parse_args(words).folder
    if missing := [image.name for image in IMAGES if not image.archive.exists()]:
        print(f"images are not built: {', '.join(missing)}; `make images`", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for image in IMAGES:
        found = packages(image.archive)
        (folder / f"{image.name}.cdx.json").write_text(document(image, found))
        kinds = [package.type for package in found]
        print(
            f"{image.name}: {kinds.count('deb')} Debian packages, {kinds.count('pypi')} Python distributions"
        )
    return 0


def packages(archive: Path) -> list[PackageURL]:
    """Return what the package managers of an image know of, each once; the last layer has the last word on Debian."""
    debian: list[PackageURL] = []
    python: dict[str, PackageURL] = {}
    for layer in contents.open_layers(archive):
        with tarfile.open(fileobj=layer, mode="r|*") as files:
            for file in files:
                name = file.name.removeprefix("./")
                if name == DPKG:
                    debian = list(_debian(_text(files, file)))
                elif name.endswith(".dist-info/METADATA"):
                    said = email.message_from_string(_text(files, file))
                    python[name] = PackageURL("pypi", name=said["Name"], version=said["Version"])
    return sorted({*debian, *python.values()}, key=str)


def document(image: Image, found: list[PackageURL]) -> str:
    """Return the document of an image, the same bytes for the same image."""
    itself = Component(
        name=image.reference.rpartition(":")[0],
        version=version(),
        type=ComponentType.CONTAINER,
        bom_ref=image.reference,
    )
    parts = [
        Component(
            name=package.name,
            version=package.version,
            purl=package,
            bom_ref=package.to_string(),
            type=ComponentType.LIBRARY,
        )
        for package in found
    ]
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, image.reference), components=parts)
    bom.metadata.component = itself
    bom.metadata.timestamp = datetime.fromtimestamp(0, tz=UTC)  # the layers have no other time either
    bom.register_dependency(itself, parts)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _debian(status: str) -> Iterator[PackageURL]:
    for paragraph in status.split("\n\n"):
        said = email.message_from_string(paragraph.strip())
        if said["Status"] == "install ok installed":
            yield PackageURL(
                "deb", "debian", said["Package"], said["Version"], {"arch": str(said["Architecture"])}
            )


def _text(files: tarfile.TarFile, file: tarfile.TarInfo) -> str:
    content = files.extractfile(file)
    return content.read().decode() if content else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
