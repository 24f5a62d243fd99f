"""Archives of the charts: what is in them, and that their signatures hold."""

import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from generator.charts import CHARTS
from kserve_lite import __version__
from tests.helm.conftest import runner
from tools.charts.package import changes, package


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """Secret and public keyring of a key made for this test."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def gpg(*arguments: str) -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(home),
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]
        return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout

    gpg("--quick-generate-key", "charts@example.com", "rsa3072", "sign", "1d")
    secret, public = tmp_path / "secret.gpg", tmp_path / "public.gpg"
    secret.write_bytes(gpg("--export-secret-keys"))
    public.write_bytes(gpg("--export"))
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
    return secret, public


def test_an_archive_holds_the_chart_and_no_test_of_it(tmp_path: Path) -> None:
    archives = package(tmp_path / "out")
    assert {archive.name for archive in archives} == {f"{name}-{__version__}.tgz" for name in CHARTS}
    for archive in archives:
        with tarfile.open(archive) as content:
            names = {name.partition("/")[2] for name in content.getnames()}
            chart = content.extractfile(f"{archive.name.removesuffix(f'-{__version__}.tgz')}/Chart.yaml")
            assert chart is not None
            annotations = yaml.safe_load(chart)["annotations"]
        assert {"LICENSE", "README.md", "values.schema.json"} <= names
        assert not any(name.startswith(("tests/", "ci/")) for name in names)
        assert yaml.safe_load(annotations["artifacthub.io/changes"])


def test_a_signature_holds_and_an_archive_that_was_changed_is_refused(
    keys: tuple[Path, Path], tmp_path: Path
) -> None:
    secret, public = keys
    helm = runner("helm", tmp_path)
    for archive in package(tmp_path / "out", "charts@example.com", secret):
        verified = helm("verify", str(archive), "--keyring", str(public))
        assert verified.returncode == 0, verified.stderr
        assert "charts@example.com" in verified.stdout
    archive.write_bytes(archive.read_bytes() + b"x")
    assert helm("verify", str(archive), "--keyring", str(public)).returncode != 0


def test_what_is_new_is_the_newest_section_of_the_changelog() -> None:
    assert changes("# Changelog\n\n## 2\n\n- One,\n  two.\n- Three.\n\n## 1\n\n- Old.\n") == [
        "One, two.",
        "Three.",
    ]
