"""Many models in one server: a file says which, and it is followed while requests are answered."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.dummy import DummyClassifier

from kserve_lite_server.repository.assigned import amount, read
from tests.server.process import Server, serving

MEMORY = 100


class Pause:
    """What takes half a second to load."""

    def __reduce__(self) -> tuple[Callable[[float], None], tuple[float]]:
        return time.sleep, (0.5,)


def model(folder: Path, answer: int, *, slow: bool = False) -> str:
    """Save a model that always answers the same, and may be slow to load; return its URI."""
    folder.mkdir(parents=True, exist_ok=True)
    fitted = DummyClassifier(strategy="constant", constant=answer).fit([[0], [1]], [answer, answer + 1])
    if slow:
        fitted.pause_ = Pause()
    joblib.dump(fitted, folder / "model.joblib")
    return f"file://{folder}"


def entry(name: str, uri: str, memory: int = MEMORY, framework: str = "sklearn") -> dict[str, Any]:
    return {"modelName": name, "modelSpec": {"storageUri": uri, "framework": framework, "memory": memory}}


def assign(file: Path, *entries: dict[str, Any]) -> None:
    draft = file.with_suffix(".next")
    draft.write_text(json.dumps(entries))
    draft.replace(file)


def predict(server: Server, name: str) -> Any:
    reply = server.post(f"/v1/models/{name}:predict", {"instances": [[0]]})
    return reply.json["predictions"][0] if reply.status == 200 else reply.status


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def states(server: Server) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["state"], one["reason"]) for one in server.post("/v2/repository/index").json}


def test_twenty_models_come_change_and_go_while_another_answers(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    uris = {f"m{n}": model(tmp_path / "store" / f"m{n}", n) for n in range(20)}
    assign(file)
    with serving(tmp_path / "models", f"--model_config={file}") as server:
        assert server.get("/v2/health/ready").status == 200
        assign(file, *(entry(name, uri) for name, uri in uris.items()))
        until(lambda: all(predict(server, f"m{n}") == n for n in range(20)))
        answers: set[Any] = set()
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                answers.add(predict(server, "m0"))

        asking = threading.Thread(target=ask)
        asking.start()
        uris["m1"] = model(tmp_path / "store" / "m1-new", 77)
        del uris["m2"]
        assign(file, *(entry(name, uri) for name, uri in uris.items()))
        until(lambda: predict(server, "m1") == 77 and predict(server, "m2") == 404)
        stop.set()
        asking.join()

        assert answers == {0}
        assert "m2" not in states(server)
        until(lambda: len(list((tmp_path / "models").iterdir())) == 19)


def test_models_beyond_the_memory_make_room_for_each_other_by_their_last_use(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    # Half a second is long enough to see that the request which brings a model back is told to come again.
    assign(file, *(entry(f"m{n}", model(tmp_path / f"m{n}", n, slow=n == 1)) for n in range(3)))
    with serving(tmp_path / "models", f"--model_config={file}", f"--models_memory={2 * MEMORY}") as server:
        until(lambda: predict(server, "m0") == 0 and predict(server, "m1") == 1)
        assert predict(server, "m0") == 0  # so m1 is the one used least recently
        until(lambda: predict(server, "m2") == 2)

        assert states(server)["m1"][0] == "UNAVAILABLE"
        assert "its next request loads it" in states(server)["m1"][1]
        assert states(server)["m0"][0] == "READY"
        reply = server.post("/v1/models/m1:predict", {"instances": [[0]]})
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        until(lambda: predict(server, "m1") == 1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"memory": 10**12}, "for all models", id="larger than memory"),
        pytest.param({"framework": "xgboost"}, "framework xgboost is not served", id="framework"),
        pytest.param({"uri": "file:///nowhere"}, "/nowhere", id="not there"),
    ],
)
def test_a_model_that_cannot_be_had_says_why_and_disturbs_no_other(
    tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    file, good = tmp_path / "models.json", model(tmp_path / "good", 5)
    assign(file, entry("bad", wrong.pop("uri", good), **wrong), entry("good", good))
    with serving(tmp_path / "models", f"--model_config={file}", "--models_memory=1000") as server:
        until(lambda: predict(server, "good") == 5)

        state, reason = states(server)["bad"]
        assert state == "UNAVAILABLE"
        assert says in reason
        assert server.post("/v1/models/bad:predict", {"instances": [[0]]}).status == 503
        assert server.get("/v2/health/ready").status == 200


def test_a_list_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    assign(file, entry("m", model(tmp_path / "m", 4)))
    with serving(tmp_path / "models", f"--model_config={file}") as server:
        until(lambda: predict(server, "m") == 4)
        file.write_text("{")
        until(lambda: any("is not valid" in line for line in server.lines))

        assert predict(server, "m") == 4


def test_amounts_are_read_as_kubernetes_writes_them() -> None:
    assert [amount(text) for text in ("1Gi", "100M", 5, "1500m", "1.5Ki", "1e3")] == [
        2**30,
        10**8,
        5,
        1,
        1536,
        1000,
    ]


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '[{"modelName": "a"}]', '[{"modelName": "../a", "modelSpec": {}}]']
)
def test_a_list_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"list|entry|name"):
        read(text.encode())
