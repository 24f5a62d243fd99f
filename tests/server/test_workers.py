"""Several workers: one set of metrics, one set of models, little more memory, and a dead one is replaced."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from tests.server.models import IRIS, iris, save, scaler
from tests.server.process import Server, serving, until
from tests.server.test_metrics import samples

pytestmark = pytest.mark.slow

ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
ROUNDS = 40  # requests on new connections: enough that one of two workers is not left out by chance


def pids(server: Server) -> list[int]:
    return [int(pid) for pid in re.findall(r"worker (\d+) began", server.log())]


def private(pid: int) -> float:
    """Megabytes that no other process shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"Private_(?:Clean|Dirty):\s+(\d+)", text)) / 1024


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Server]:
    save(iris(), tmp_path / "a")
    save(iris(), tmp_path / "b")
    with serving(tmp_path, "--workers=2") as server:
        until(lambda: server.log().count("serving a, b on") == 2)
        yield server


def test_metrics_add_up_and_load_and_unload_reach_every_worker(pair: Server) -> None:
    for _ in range(ROUNDS):
        assert pair.post("/v1/models/a:predict", ROW).status == 200
    for _ in range(5):
        counted = samples(pair)
        assert (
            counted["kserve_lite_requests_total", "code=200,method=predict,model_name=a,protocol=v1"]
            == ROUNDS
        )
        assert counted["kserve_lite_model_ready", "model_name=a"] == 1

    assert pair.post("/v2/repository/models/a/unload").status == 200
    assert {pair.post("/v1/models/a:predict", ROW).status for _ in range(ROUNDS)} == {404}

    root = Path(re.findall(r"--model_dir=(\S+)", " ".join(map(str, pair.process.args)))[0])
    save(scaler(), root / "a")
    assert pair.post("/v2/repository/models/a/load").status == 200
    answers = {str(pair.post("/v1/models/a:predict", ROW).json["predictions"]) for _ in range(ROUNDS)}
    assert answers == {str(scaler().transform(ROW["instances"]).tolist())}

    (root / "b/model.joblib").write_bytes(b"broken")
    assert pair.post("/v2/repository/models/b/load").status == 503
    assert {pair.post("/v1/models/b:predict", ROW).status for _ in range(ROUNDS)} == {200}


def test_a_worker_that_dies_is_replaced_and_knows_what_happened(pair: Server) -> None:
    assert pair.post("/v2/repository/models/b/unload").status == 200
    os.kill(pids(pair)[0], signal.SIGKILL)
    until(lambda: pair.log().count("serving") == 3)

    assert len(pids(pair)) == 3
    assert {pair.post("/v1/models/b:predict", ROW).status for _ in range(ROUNDS)} == {404}
    assert {pair.post("/v1/models/a:predict", ROW).status for _ in range(ROUNDS)} == {200}


def test_all_end_with_the_parent_on_a_signal_and_when_it_is_killed(tmp_path: Path) -> None:
    save(iris(), tmp_path)
    with serving(tmp_path, "--workers=2") as server:
        until(lambda: server.log().count("serving model on") == 2)
        workers = pids(server)
        assert server.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)

    with serving(tmp_path, "--workers=2") as server:
        until(lambda: server.log().count("serving model on") == 2)
        workers = pids(server)
        server.process.kill()
        until(lambda: not any(alive(pid) for pid in workers))


def alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_second_worker_costs_little_memory_and_parallel_models_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.vstack([IRIS.data + rng.normal(scale=0.3, size=IRIS.data.shape) for _ in range(20)])
    labels = np.tile(IRIS.target, 20)
    save(RandomForestClassifier(200, random_state=0).fit(rows, labels), tmp_path / "forest")
    save(HistGradientBoostingClassifier(max_iter=20).fit(rows, labels), tmp_path / "boosted")

    with serving(tmp_path, "--workers=2") as server:
        until(lambda: server.log().count("serving boosted, forest on") == 2)
        for name in ("forest", "boosted"):
            for _ in range(ROUNDS):
                assert (
                    server.post(f"/v1/models/{name}:predict", {"instances": IRIS.data.tolist()}).status == 200
                )

        assert all(private(pid) < 30 for pid in pids(server)), [private(pid) for pid in pids(server)]
