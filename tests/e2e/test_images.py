"""What is in the images that were built, and that each runs as the charts run it: restricted, on a read-only disk."""

import re
import tarfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.cli import main
from tests.e2e import pods, services
from tests.e2e.client import Client
from tests.e2e.pods import Namespace
from tests.e2e.release import Release
from tools.cache import CLONE
from tools.cluster.provider import Provider
from tools.images import contents, engine
from tools.images.catalogue import IMAGES, Image, version

LOCKS = {
    "sklearnserver": "server",
    "storage-initializer": "storage",
    "router": "router",
    "kserve-lite": "runtime",
}
OURS = {
    "sklearnserver": {"kserve-lite-server", "kserve-lite-compat"},
    "storage-initializer": {"kserve-lite-server"},
    "router": {"kserve-lite-server"},
    "kserve-lite": {"kserve-lite"},
}
by_name = pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)


def files(image: Image) -> set[str]:
    """Return the paths of all files of the layers above the base."""
    above = engine.find().base_layers()
    return {
        member.name
        for layer in islice(contents.open_layers(image.archive), above, None)
        for member in tarfile.open(fileobj=layer)
        if member.isfile() or member.issym()
    }


@by_name
def test_an_image_says_what_it_is_and_runs_as_nobody_special(image: Image) -> None:
    said = contents.config(image.archive)["config"]

    assert said["User"] == "1000:1000"
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in said["Labels"].items()}
    assert labels["version"] == version()
    assert re.fullmatch("[0-9a-f]{40}(-changed)?", labels["revision"])
    assert {"title", "source", "licenses"} <= labels.keys()


@by_name
def test_an_image_has_the_locked_dependencies_of_its_target_and_no_others(image: Image) -> None:
    lock = (CLONE / "requirements" / f"{LOCKS[image.name]}.txt").read_text()
    locked = {
        normal(name): condition for name, condition in re.findall(r"^([\w.-]+)==\S+( ;)?", lock, re.MULTILINE)
    }

    found = {
        normal(name)
        for path in files(image)
        for name in re.findall(r"([^/]+)-[^/-]+\.dist-info/METADATA", path)
    }

    assert OURS[image.name] <= found
    assert found - OURS[image.name] <= locked.keys()
    left_out = locked.keys() - found
    assert {name for name in left_out if not locked[name]} == set(), (
        "left out without a mark for other systems"
    )


@by_name
def test_an_image_has_no_compiler_no_installer_no_tests_and_all_bytecode(image: Image) -> None:
    paths = files(image)
    modules = {path for path in paths if path.endswith(".py") and "/site-packages/" in path}
    compiled = {re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in paths}

    assert not [
        path for path in paths if re.search(r"/(gcc|cc|ld|as|make|pip|uv)$|/site-packages/(pip|uv)/", path)
    ]
    assert not [path for path in modules if "/tests/" in path]
    assert modules
    assert modules <= compiled


@by_name
def test_an_image_runs_restricted_on_a_read_only_disk(
    namespace: Namespace, wait_for: Callable[..., Any], image: Image
) -> None:
    container = {
        "name": "help",
        "image": image.reference,
        "imagePullPolicy": "Never",
        "args": ["--help"],
        "securityContext": pods.RESTRICTED,
    }
    pod = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    namespace.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "help"}, "spec": pod})

    wait_for(lambda: namespace.get("pod", "help")["status"]["phase"] in ("Succeeded", "Failed"))

    log = namespace.run("logs", "help")
    assert namespace.get("pod", "help")["status"]["phase"] == "Succeeded", log
    assert log.startswith("usage: ")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_image_of_a_new_project_is_built_on_the_servers_and_serves_by_its_own_manifest(
    cluster: Provider,
    kserve_lite: Release,
    namespace: Namespace,
    client: Client,
    wait_for: Callable[..., Any],
    tmp_path: Path,
) -> None:
    reference, archive = "localhost/kserve-lite/new-predictor:1", tmp_path / "image.tar"
    assert main(["new", "predictor", "mine", "--to", str(tmp_path)]) == 0
    builder = engine.find()
    builder.build_folder(tmp_path / "mine", reference, pods.SERVER)
    builder.save(reference, archive)
    said = contents.config(archive)["config"]
    assert (said["User"], said["Entrypoint"]) == ("1000:1000", ["python", "/app/predictor.py"])
    cluster.load([archive])

    service = services.yaml_of(tmp_path / "mine" / "isvc.yaml")
    (container,) = service["spec"]["predictor"]["containers"]
    container |= {"image": reference, "imagePullPolicy": "IfNotPresent"}
    namespace.apply(service)
    wait_for(lambda: services.is_ready(namespace, "mine"), timeout=120)

    url = f"http://mine.{namespace.name}.svc.cluster.local/v1/models/mine:predict"
    assert client.post(url, {"instances": [[1, 2]]}) == [200, {"predictions": [6]}]
