"""`python -m tools.charts.package FOLDER`: the charts as archives, with what is new, signed if a key is named."""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from tools.build import program
from tools.cache import CLONE
from tools.charts.suites import CHARTS

MOST = 40  # Artifact Hub shows a list, not a history


def main() -> None:
    """Package all charts into a folder."""
    parser = argparse.ArgumentParser(prog="python -m tools.charts.package", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the archives go")
    parser.add_argument("--key", help="user id of the signing key; without it nothing is signed")
    parser.add_argument(
        "--keyring", type=Path, help="file of secret keys, as gpg --export-secret-keys writes it"
    )
    arguments = parser.parse_args()
    for archive in package(arguments.folder, arguments.key, arguments.keyring):
        print(archive)


def package(folder: Path, key: str | None = None, keyring: Path | None = None) -> list[Path]:
    """Return one archive a chart; beside each its `.prov` when there is a key."""
    folder.mkdir(parents=True, exist_ok=True)
    signing = ["--sign", "--key", key, "--keyring", str(keyring)] if key else []
    archives = []
    for chart in sorted(path.parent for path in CHARTS.glob("*/Chart.yaml")):
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / chart.name
            shutil.copytree(chart, copy)
            shutil.copy(CLONE / "LICENSE", copy / "LICENSE")
            _say_what_is_new(copy / "Chart.yaml", changes((CLONE / "CHANGELOG.md").read_text()))
            done = subprocess.run(
                [program("helm"), "package", copy, "--destination", folder, *signing],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"{chart.name}: {done.stderr}")
        archives.append(Path(done.stdout.rsplit(": ", 1)[1].strip()))
    return archives


def changes(changelog: str) -> list[str]:
    """Return the entries of the newest section, one sentence each."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    entries = re.findall(r"^- (.*?)(?=^- |\Z|^$)", newest, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+", " ", entry).strip() for entry in entries][:MOST]


def _say_what_is_new(chart: Path, entries: Sequence[str]) -> None:
    document = yaml.safe_load(chart.read_text())
    document["annotations"]["artifacthub.io/changes"] = yaml.safe_dump(list(entries), allow_unicode=True)
    chart.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    main()
