"""What the guide says about codes, settings and schemes is what the code has."""

import re
from pathlib import Path

from kserve_lite_server.storage import errors
from kserve_lite_server.storage.sources import SCHEMES

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "storage.md").read_text()
SOURCES = [path.read_text() for path in sorted(Path(errors.__file__).parent.rglob("*.py"))]


def test_the_guide_lists_every_error_code_and_no_other() -> None:
    raised = set(re.findall(r'StorageError\(\s*"(\w+)"', "".join(SOURCES)))
    raised |= {"rate_limited", "server_error"}  # chosen by status
    listed = set(re.findall(r"`(\w+)`", GUIDE.split("Codes:")[1].split("Addresses")[0]))

    assert listed == raised


def test_the_guide_names_every_setting() -> None:
    read = set(re.findall(r'read\.\w+\("(STORAGE_\w+)"', "".join(SOURCES)))

    assert read
    assert all(name in GUIDE for name in read)


def test_the_guide_names_every_scheme() -> None:
    aliases = {"az", "abfss", "http", "oci+fetch"}

    assert all(f"{scheme}:/" in GUIDE for scheme in SCHEMES.keys() - aliases)
