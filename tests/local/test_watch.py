"""`--watch`: what changes is loaded before it is swapped in, and what cannot be loaded changes nothing."""

import json
import threading
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier

from tests.local.harness import Serve, isvc, serving

pytestmark = pytest.mark.slow

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
IRIS, SPECIES = load_iris(return_X_y=True)


def constant(value: int, file: Path) -> None:
    """Replace a model file, as a careful tool does, by one that always answers `value`."""
    model = DummyClassifier(strategy="constant", constant=value).fit(IRIS, SPECIES)
    joblib.dump(model, file.with_suffix(".new"))
    file.with_suffix(".new").rename(file)


def a_model(folder: Path, value: int) -> Path:
    folder.mkdir()
    constant(value, folder / "model.joblib")
    return folder


class Load:
    """Clients that ask without pause, and everything they were answered."""

    def __init__(self, serve: Serve) -> None:
        self.answers: list[tuple[int, Any]] = []
        self._serve = serve
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ending.wait(0.005):
            self.answers.append(self._serve.ask("/v1/models/m:predict", ROW))


def test_a_model_is_replaced_under_load_without_a_failed_request_and_a_bad_one_changes_nothing(
    tmp_path: Path,
) -> None:
    model = a_model(tmp_path / "model", 0) / "model.joblib"
    (tmp_path / "isvc.yaml").write_text(isvc("m", "./model"))

    with serving(tmp_path / "isvc.yaml", "--watch", cache=tmp_path / "cache") as serve:
        serve.listening()
        with Load(serve) as load:
            before = len(serve.events)
            constant(1, model)
            serve.phase("default/m", "Ready", after=before)
            swapped = serve.ask("/v1/models/m:predict", ROW)
            before = len(serve.events)
            model.write_bytes(b"no model")
            failed = serve.wait_for(lambda e: e["event"] == "failed", before)
            kept = serve.ask("/v1/models/m:predict", ROW)

    assert swapped == kept == (200, {"predictions": [1]})
    assert failed["still_serving"] is True
    assert failed["problem"]["code"] == "model_file_unreadable"
    assert {status for status, _ in load.answers} == {200}
    values = [answer["predictions"] for _, answer in load.answers]
    assert {0, 1} == {value for (value,) in values}


def test_services_come_change_and_go_with_the_yaml(tmp_path: Path) -> None:
    a_model(tmp_path / "one", 1)
    a_model(tmp_path / "two", 2)
    file = tmp_path / "isvc.yaml"
    file.write_text(isvc("m", "./one"))

    with serving(file, "--watch", cache=tmp_path / "cache") as serve:
        serve.listening()
        before = len(serve.events)
        file.write_text(isvc("m", "./one") + "\n---\n" + isvc("n", "./two"))
        serve.phase("default/n", "Ready", after=before)
        added = serve.ask("/v1/models/n:predict", ROW), serve.ask("/v1/models/m:predict", ROW)

        before = len(serve.events)
        file.write_text(isvc("n", "./one"))
        serve.phase("default/m", "Stopping", after=before)
        serve.phase("default/n", "Ready", after=before)
        changed = serve.ask("/v1/models/n:predict", ROW)
        gone = serve.ask("/v1/models/m:predict", ROW, Host="m.default")

        before = len(serve.events)
        file.write_text(json.dumps({"kind": "InferenceService"}))
        refused = serve.wait_for(lambda e: e["event"] == "refused", before)
        kept = serve.ask("/v1/models/n:predict", ROW)

    assert added == ((200, {"predictions": [2]}), (200, {"predictions": [1]}))
    assert changed == kept == (200, {"predictions": [1]})
    assert (gone[0], gone[1]["code"]) == (404, "unknown_host")
    assert refused["still_serving"] is True
    assert refused["problems"][0]["code"] == "missing_field"


def test_a_service_whose_model_is_not_there_yet_is_served_as_soon_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "isvc.yaml").write_text(isvc("m", "./model"))

    with serving(tmp_path / "isvc.yaml", "--watch", cache=tmp_path / "cache") as serve:
        failed = serve.wait_for(lambda e: e["event"] == "failed")
        status, said = serve.ask("/v1/models/m:predict", ROW)
        serve.listening()
        a_model(tmp_path / "model", 2)
        serve.phase("default/m", "Ready")
        answer = serve.ask("/v1/models/m:predict", ROW)

    assert failed["problem"]["path"] == "spec.predictor.model.storageUri"
    assert (status, said["code"]) == (503, failed["problem"]["code"])
    assert answer == (200, {"predictions": [2]})
