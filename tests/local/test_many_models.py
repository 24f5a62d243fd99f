"""TrainedModels on this machine: one server has them all, and they come, change and go while it runs."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.dummy import DummyClassifier

from tests.local.harness import Serve, isvc, run, serving

pytestmark = pytest.mark.slow

ROW = {"instances": [[0.0]]}
WIDTH = {"iris": 4, "wine": 13, "cancer": 30, "digits": 64}
PARENT = json.dumps(
    {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "many"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}},
    }
)


def trained(name: str, uri: str, parent: str = "many", framework: str = "sklearn") -> str:
    spec = {"storageUri": uri, "framework": framework, "memory": "8Mi"}
    return json.dumps(
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "TrainedModel",
            "metadata": {"name": name},
            "spec": {"inferenceService": parent, "model": spec},
        }
    )


def constant(folder: Path, answer: int) -> None:
    """Put a model that always answers the same in place, as a careful tool does."""
    folder.mkdir(parents=True, exist_ok=True)
    model = DummyClassifier(strategy="constant", constant=answer).fit([[0], [1]], [answer, answer + 1])
    joblib.dump(model, folder / "new")
    (folder / "new").rename(folder / "model.joblib")


def predict(serve: Serve, name: str) -> Any:
    status, answer = serve.ask(f"/v1/models/{name}:predict", ROW)
    return answer["predictions"][0] if status == 200 else (status, answer["code"])


@contextmanager
def asking(serve: Serve, name: str) -> Iterator[set[Any]]:
    """Ask one model without pause; what it answered is there afterwards."""
    answers: set[Any] = set()
    ending = threading.Event()

    def ask() -> None:
        while not ending.wait(0.005):
            answers.add(predict(serve, name))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ending.set()
        thread.join()


def test_the_example_serves_its_twenty_models_from_one_process(examples: Path, tmp_path: Path) -> None:
    folder = examples / "many-models"
    names = sorted(path.name for path in (folder / "model").iterdir())
    assert len(names) == 20
    with serving(folder, cache=tmp_path) as serve:
        listening = serve.listening()
        assert listening["failed"] == 0
        for name in names:
            row = [[0.5] * WIDTH[name.partition("-")[0]]]
            expected = joblib.load(folder / "model" / name / "model.joblib").predict(row).tolist()
            answer = serve.ask(f"/v1/models/{name}:predict", {"instances": row})
            assert answer == (200, {"predictions": expected}), name
        assert sum(event["event"] == "phase" and event["phase"] == "Loading" for event in serve.events) == 1
        assert any("/v1/models/cancer-bayes:predict" in line for line in listening["try"])


def test_models_come_change_and_go_while_the_others_answer(tmp_path: Path) -> None:
    for number in range(4):
        constant(tmp_path / "model" / f"m{number}", number)
    files = tmp_path / "models"
    files.mkdir()
    (files / "many.yaml").write_text(PARENT)
    for number in range(3):
        (files / f"m{number}.yaml").write_text(trained(f"m{number}", f"file://../model/m{number}"))
    with serving(files, "--watch", cache=tmp_path / "cache") as serve:
        assert serve.listening()["failed"] == 0
        with asking(serve, "m0") as answers:
            before = len(serve.events)
            constant(tmp_path / "model" / "m1", 11)
            serve.phase("default/m1", "Ready", after=before)
            changed = predict(serve, "m1")

            before = len(serve.events)
            (files / "m2.yaml").unlink()
            (files / "m3.yaml").write_text(trained("m3", "file://../model/m3"))
            serve.phase("default/m3", "Ready", after=before)
            serve.phase("default/m2", "Stopped", after=before)
            added, gone = predict(serve, "m3"), predict(serve, "m2")

            before = len(serve.events)
            (tmp_path / "model" / "m1" / "model.joblib").write_bytes(b"no model")
            failed = serve.wait_for(lambda e: e["event"] == "failed", before)
            kept = predict(serve, "m1")

        assert (changed, added, gone, kept) == (11, 3, (404, "model_not_found"), 11)
        assert failed["service"] == "default/m1"
        assert failed["still_serving"] is True
        assert failed["problem"]["code"] == "model_not_loaded"
        assert answers == {0}
        assert not any(
            e["event"] == "phase" and e["service"] == "default/many" for e in serve.events[before:]
        )


def test_the_last_model_goes_and_its_server_waits_for_the_next(tmp_path: Path) -> None:
    constant(tmp_path / "model", 7)
    files = tmp_path / "files"
    files.mkdir()
    (files / "many.yaml").write_text(PARENT)
    (files / "only.yaml").write_text(trained("only", "file://../model"))
    with serving(files, "--watch", cache=tmp_path / "cache") as serve:
        serve.listening()

        before = len(serve.events)
        (files / "only.yaml").unlink()
        serve.phase("default/only", "Stopped", after=before)
        gone = predict(serve, "only")
        (files / "next.yaml").write_text(trained("next", "file://../model"))
        serve.phase("default/next", "Ready", after=before)

        assert (gone, predict(serve, "next")) == ((404, "model_not_found"), 7)
        assert not any(
            e["event"] == "phase" and e["service"] == "default/many" for e in serve.events[before:]
        )


def test_a_model_waits_for_its_parent_and_one_that_cannot_be_had_disturbs_no_other(tmp_path: Path) -> None:
    constant(tmp_path / "model" / "good", 5)
    good = "file://./model/good"
    own = isvc("own", "./model/good")
    orphan, taken = trained("orphan", good, "nobody"), trained("taken", good, "own")
    foreign = trained("foreign", good, framework="xgboost")
    documents = (PARENT, own, trained("good", good), orphan, taken, foreign)
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(documents))
    with serving(file, "--watch", cache=tmp_path / "cache") as serve:
        assert serve.listening()["failed"] == 3
        failed = {e["service"]: e["problem"] for e in serve.events if e["event"] == "failed"}
        answers = predict(serve, "good"), predict(serve, "own"), predict(serve, "foreign")

        before = len(serve.events)
        file.write_text("\n---\n".join((*documents, PARENT.replace('"many"', '"nobody"'))))
        serve.phase("default/orphan", "Ready", after=before)
        found = predict(serve, "orphan")

    assert failed["default/orphan"]["code"] == "parent_missing"
    assert failed["default/orphan"]["where"]["line"] == 7
    assert failed["default/taken"]["code"] == "parent_has_own_model"
    assert failed["default/foreign"]["message"].startswith("framework xgboost is not served")
    assert answers == (5, 5, (503, "model_not_ready"))
    assert found == 5


def test_a_file_of_models_alone_is_refused(examples: Path, tmp_path: Path) -> None:
    file = shutil.copy(examples / "many-models" / "models.yaml", tmp_path)

    done = run("serve", file, cache=tmp_path / "cache")

    assert done.returncode == 1
    assert "nothing_to_serve" in done.stdout + done.stderr
