"""An image's bill of materials names what its package managers installed, and is a valid document."""

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tools.cluster.host import archive
from tools.images import sbom
from tools.images.catalogue import IMAGES

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u14

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def image(folder: Path) -> Path:
    """An image of one Debian package and one Python distribution."""
    status, metadata = folder / "status", folder / "METADATA"
    status.write_text(STATUS)
    metadata.write_text("Metadata-Version: 2.4\nName: numpy\nVersion: 2.3.1\n\nArrays.\n")
    site = "/opt/kserve-lite/lib/python3.12/site-packages/numpy-2.3.1.dist-info/METADATA"
    target = folder / "image.tar"
    archive.write(target, "localhost/one:1", {"/var/lib/dpkg/status": status, site: metadata}, ["/none"])
    return target


def test_it_names_what_is_installed_and_nothing_that_was_removed(tmp_path: Path) -> None:
    assert sbom.packages(image(tmp_path)) == [
        PackageURL("deb", "debian", "libc6", "2.36-9+deb12u14", {"arch": "amd64"}),
        PackageURL("pypi", name="numpy", version="2.3.1"),
    ]


def test_it_is_valid_cyclonedx_of_the_image_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    found = sbom.packages(image(tmp_path))
    text = sbom.document(IMAGES[0], found)
    assert text == sbom.document(IMAGES[0], found)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["name"] == IMAGES[0].reference.rpartition(":")[0]
    assert [one["purl"] for one in document["components"]] == [str(one) for one in found]
