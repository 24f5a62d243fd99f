"""Whatever is wrong with files and models is said with its place and the way out, and the exit code is 1."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.local.harness import isvc, run

pytestmark = pytest.mark.slow

GOOD = isvc("iris", "./model")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param("a: [1\n", "yaml_syntax", "isvc.yaml:", id="unreadable YAML"),
        pytest.param("spec:\n\tpredictor: {}\n", "yaml_tab", "isvc.yaml:2", id="tabs"),
        pytest.param(
            f"{GOOD}\n---\n{GOOD}\n", "duplicate_object", "isvc.yaml:3", id="two documents with one name"
        ),
        pytest.param(
            GOOD.replace("InferenceService", "InferenceServce"), "unknown_kind", "did you mean", id="kind"
        ),
        pytest.param(
            GOOD.replace("v1beta1", "v1"),
            "wrong_api_version",
            "write serving.kserve.io/v1beta1",
            id="version",
        ),
        pytest.param(
            GOOD.replace("storageUri", "storageURI"), "unknown_field", "storageUri", id="unknown field"
        ),
        pytest.param(
            GOOD.replace('"./model"}', '"ftp://x/y"}'), "storage_scheme_unknown", "s3://", id="unknown scheme"
        ),
        pytest.param(
            GOOD.replace('"./model"}', '"pvc://data/x"}'),
            "claim_not_mounted",
            "--mount data=FOLDER",
            id="claim",
        ),
        pytest.param(
            GOOD.replace("sklearn", "tensorflow"),
            "runtime_not_local",
            "deploy this one to a cluster",
            id="image",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
            "nothing_to_serve",
            "InferenceService",
            id="no isvc",
        ),
    ],
)
def test_a_file_that_cannot_be_served_is_refused_at_its_line(
    tmp_path: Path, text: str, code: str, said: str
) -> None:
    (tmp_path / "isvc.yaml").write_text(text)

    done = run("serve", tmp_path / "isvc.yaml", cache=tmp_path / "cache")

    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert said in done.stderr
    assert "→" in done.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = run("serve", tmp_path / "nope.yaml", cache=tmp_path / "cache")

    assert done.returncode == 1
    assert f"{tmp_path / 'nope.yaml'}" in done.stderr
    assert "[file_missing]" in done.stderr


def test_a_variable_from_a_secret_is_taken_from_this_machine_or_asked_for(tmp_path: Path) -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    (tmp_path / "isvc.yaml").write_text(isvc("iris", "./nowhere", env=[variable]))

    without = run("serve", tmp_path / "isvc.yaml", cache=tmp_path / "cache")
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TOKEN": "t"}
    given = run("serve", tmp_path / "isvc.yaml", cache=tmp_path / "cache", env=env)

    assert "[variable_not_local]" in without.stderr
    assert "TOKEN=…" in without.stderr
    assert "variable_not_local" not in given.stderr


def test_models_that_cannot_be_loaded_are_each_told_with_cause_and_field(tmp_path: Path) -> None:
    model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
    for name in ("empty", "two", "foreign", "table"):
        (tmp_path / name).mkdir()
    joblib.dump(model, tmp_path / "two/model.joblib")
    joblib.dump(model, tmp_path / "two/model.pkl")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/mylib.py").write_text("class Model:\n    def predict(self, rows): return rows\n")
    write = "import joblib, mylib; joblib.dump(mylib.Model(), 'foreign/model.joblib')"
    subprocess.run(
        [sys.executable, "-c", write], cwd=tmp_path, env={**os.environ, "PYTHONPATH": "lib"}, check=True
    )
    (tmp_path / "table/model.pkl").write_bytes(pickle.dumps({"coefficients": [1.0, 2.0]}))
    (tmp_path / "empty/readme.txt").write_text("nothing")
    names = ("gone", "empty", "two", "foreign", "table")
    (tmp_path / "isvc.yaml").write_text("\n---\n".join(isvc(name, f"./{name}") for name in names))

    done = run("serve", tmp_path / "isvc.yaml", "--output", "json", cache=tmp_path / "cache")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    failed = {e["service"].removeprefix("default/"): e["problem"] for e in events if e["event"] == "failed"}
    assert done.returncode == 1
    assert {name: problem["code"] for name, problem in failed.items()} == {
        "gone": "not_found",
        "empty": "model_file_missing",
        "two": "model_file_ambiguous",
        "foreign": "model_module_missing",
        "table": "model_without_method",
    }
    assert failed["gone"]["path"] == "spec.predictor.model.storageUri"
    assert "mylib" in failed["foreign"]["message"] + failed["foreign"]["remedy"]
    assert "model.joblib and model.pkl" in failed["two"]["message"]
    assert all(problem["remedy"] for problem in failed.values())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["serve"], id="no file"),
        pytest.param(["serve", "x", "--port", "0"], id="port"),
        pytest.param(["serve", "x", "--mount", "data"], id="mount without a folder"),
        pytest.param(
            ["serve", "x", "--mount", "data=/no/such/folder"], id="mount of a folder that is not there"
        ),
        pytest.param(["serv"], id="unknown command"),
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    assert run(*arguments, cache=tmp_path / "cache").returncode == 2
