"""`kserve-lite explain` and `plan --chart` against a real API server, with the settings of the release in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.cli import main
from tests.apiserver.serving import RUNTIME, Kubectl, Namespace, controlling, isvc, limited, settled, until
from tests.apiserver.test_inferencegraph import graph
from tests.apiserver.test_trainedmodel import model
from tools.build import program

CHART = Path(__file__).parents[2] / "charts" / "kserve-lite-models"
Run = Callable[..., Any]


@pytest.fixture
def run(kubeconfig: Path, here: Namespace, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command against the namespace; return its exit code, stdout and stderr."""

    def command(name: str, *arguments: str, config: Path = kubeconfig) -> tuple[int, str, str]:
        code = main([name, *arguments, "--namespace", here.name, "--kubeconfig", str(config)])
        said = capsys.readouterr()
        return code, said.out, said.err

    async def run(*arguments: Any, **more: Any) -> tuple[int, str, str]:
        return await asyncio.to_thread(command, *arguments, **more)

    return run


@pytest.fixture
def release(here: Namespace) -> Iterator[Callable[[str], None]]:
    """Return a function that writes the ConfigMap of a release as the chart does; it goes with the test."""
    labels = {"app.kubernetes.io/name": "kserve-lite", "helm.sh/chart": "kserve-lite-0.1.0"}
    head = {"apiVersion": "v1", "kind": "ConfigMap"}

    def write(config: str) -> None:
        here.apply(
            {**head, "metadata": {"name": "kserve-lite", "labels": labels}, "data": {"config.yaml": config}}
        )

    yield write
    here.run("delete", "configmap", "kserve-lite", "--ignore-not-found")  # plans look into all namespaces


async def test_the_way_of_a_service_is_walked_from_spec_to_verdict(
    kubeconfig: Path, here: Namespace, run: Run
) -> None:
    assert (await run("explain", "iris"))[0] == 1  # there is none

    here.apply(isvc())
    code, out, _ = await run("explain", "iris")
    assert code == 1
    assert "is the controller running, and does it serve this namespace?" in out

    async with controlling(kubeconfig, here.name) as process:
        await until(lambda: here.names("deployments"))
        await settled(process)
        code, out, _ = await run("explain", "iris", "--output", "json")
        steps = {step["title"]: step for step in json.loads(out)}
        assert code == 1
        assert list(steps) == ["spec", "runtime", "storage", "children", "verdict"]
        assert steps["runtime"]["text"] == "sklearn over v1, image kserve-lite/sklearnserver:test"
        assert steps["storage"]["lines"][1:] == ["as the service account default"]
        assert "Deployment iris-predictor" in steps["children"]["text"]
        assert (steps["verdict"]["state"], steps["verdict"]["text"]) == ("wait", "Starting")

        here.run("delete", "servingruntime", "sklearn")
        here.apply(isvc("second"))
        code, out, _ = await run("explain", "second")
        assert code == 1
        assert "no runtime is installed" in out
        here.apply({**RUNTIME, "metadata": {"name": "sklearn"}})

        here.answer("iris-predictor")
        await until(lambda: here.ready().get("status") == "True")
        code, out, _ = await run("explain", "iris")
        assert code == 0
        assert f"ready: http://iris.{here.name}.svc.cluster.local answers" in out
        assert "answers" in out.splitlines()[-2]  # the pod, right before the verdict


async def test_a_graph_and_a_model_tell_what_they_wait_for(
    kubeconfig: Path, here: Namespace, run: Run
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc("a"), graph("a"), model("rose"))
        await until(lambda: here.read("tm", "rose").get("status"))
        await until(lambda: here.names("deployments") == ["a-predictor", "g"])

        code, out, _ = await run("explain", "g")
        assert code == 1
        assert "Node.root" in out
        assert "the InferenceService a is not ready" in out

        code, out, _ = await run("explain", "rose")
        assert code == 1
        assert "ParentMissing" in out

        for name in ("a-predictor", "g"):
            here.answer(name)
        await until(lambda: here.read("ig", "g")["status"]["conditions"][0]["status"] == "True")
        code, out, _ = await run("explain", "g")
        assert code == 0
        assert f"ready: http://g.{here.name}.svc.cluster.local answers" in out


async def test_a_plan_of_a_chart_takes_the_settings_of_the_release(
    here: Namespace, run: Run, release: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(program('helm')).parent}:/usr/bin:/bin")
    values = tmp_path / "values.yaml"
    values.write_text("models: {iris: {format: sklearn, storageUri: pvc://models/iris}}\n")

    code, out, err = await run("plan", "--chart", str(CHART), "--values", str(values))
    assert code == 0, err
    assert "3 to create" in out
    assert "no release is in sight" in err

    release("network: {mode: ingress}")
    code, out, err = await run("plan", "--chart", str(CHART), "--values", str(values))
    assert (code, err) == (0, "")
    assert "+ Ingress iris" in out

    release("network: {mod: ingress}")
    code, _, err = await run("plan", "--chart", str(CHART), "--values", str(values))
    assert code == 1
    assert f"ConfigMap {here.name}/kserve-lite" in err

    here.run("delete", "configmap", "kserve-lite")
    values.write_text("models: {iris: {format: sklearn, storageUri: 7}}\n")
    code, _, err = await run("plan", "--chart", str(CHART), "--values", str(values))
    assert code == 1
    assert "[chart_invalid]" in err


async def test_who_may_look_into_one_namespace_alone_is_answered_from_there(
    kubeconfig: Path, here: Namespace, run: Run, release: Callable[[str], None], kubectl: Kubectl
) -> None:
    release("network: {mode: ingress}")
    here.apply(isvc())
    narrow = limited(kubeconfig, here.name, kubectl)
    code, out, err = await run("explain", "iris", config=narrow)
    assert (code, err) == (1, "")
    assert "Ingress iris is not there" in out


@pytest.fixture
def unreachable(kubeconfig: Path, tmp_path: Path) -> Path:
    """A kubeconfig that leads to nobody."""
    broken = json.loads(kubeconfig.read_text())
    broken["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "unreachable"
    file.write_text(json.dumps(broken))
    (tmp_path / "isvc.json").write_text(json.dumps(isvc()))
    return file


async def test_an_api_server_that_cannot_be_reached_is_said_in_the_same_words(
    run: Run, unreachable: Path, tmp_path: Path
) -> None:
    for command in (("explain", "iris"), ("plan", str(tmp_path / "isvc.json")), ("migrate",)):
        code, _, err = await run(*command, config=unreachable)
        assert code == 1
        assert "[cluster_unreachable]" in err
        assert "check the kubeconfig" in err
