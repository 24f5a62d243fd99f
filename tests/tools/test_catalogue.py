"""What the repository says about its external programs."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tools import catalogue
from tools.errors import ToolError

FAMILIES = catalogue.families()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_pinned_with_hashes_and_names_no_address(name: str) -> None:
    folder = FAMILIES[name].folder
    if FAMILIES[name].kind == "go":
        assert "h1:" in (folder / "go.sum").read_text()
    else:
        assert any("sha" in path.read_text() for path in folder.iterdir())

    # A package-lock.json may name funding pages, never where its packages were fetched from.
    address = re.compile('"resolved"' if FAMILIES[name].kind == "npm" else "https?://")
    assert not [path for path in folder.iterdir() if address.search(path.read_text())]


def test_a_program_belongs_to_one_family() -> None:
    names = Counter(program for family in FAMILIES.values() for program in family.programs)

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("pins", "version"),
    [
        pytest.param("require (\n\tx.io/tool v1.2.3\n\tx.io/toolbox v9.9.9\n)\n", "1.2.3", id="go block"),
        pytest.param("require x.io/tool v1.2.3-rc.1 // indirect\n", "1.2.3-rc.1", id="go line"),
        pytest.param("x.io/tool==1.2.3 \\\n    --hash=sha256:00\n", "1.2.3", id="pypi"),
        pytest.param('{"node_modules/x.io/tool": {\n "version": "1.2.3"}}', "1.2.3", id="npm"),
    ],
)
def test_the_version_is_read_from_the_lock_file(pins: str, version: str) -> None:
    assert catalogue.pinned_version(pins, "x.io/tool") == version


def test_a_family_whose_pin_is_not_locked_is_refused() -> None:
    with pytest.raises(ToolError, match=r"x\.io/tool is not pinned"):
        catalogue.pinned_version("require x.io/toolbox v1.0.0\n", "x.io/tool")


def test_a_family_pinned_twice_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(FAMILIES["etcd"].folder, tmp_path / "etcd")
    (folder / "requirements.txt").write_text("etcd==1\n")

    with pytest.raises(ToolError, match="exactly one"):
        catalogue.read(folder)


def test_the_digest_changes_with_any_file_of_the_family(tmp_path: Path) -> None:
    folder = shutil.copytree(FAMILIES["etcd"].folder, tmp_path / "etcd")
    before = catalogue.read(folder).digest
    with open(folder / "go.sum", "a") as sums:
        sums.write("\n")

    assert before == FAMILIES["etcd"].digest
    assert catalogue.read(folder).digest != before


def test_a_family_name_stands_for_its_programs() -> None:
    assert catalogue.expand(["containerd", "helm3"]) == [
        "containerd",
        "containerd-shim-runc-v2",
        "ctr",
        "helm3",
    ]


def test_an_unknown_program_is_refused_with_the_way_to_the_list() -> None:
    with pytest.raises(ToolError, match="python -m tools list"):
        catalogue.expand(["kubctl"])
