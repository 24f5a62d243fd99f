"""The graphs of examples/graphs, served from their own YAML by processes of this machine."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

from tests.local.harness import Serve, run, serving

pytestmark = pytest.mark.slow

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]


@pytest.fixture(scope="module")
def folder(examples: Path) -> Path:
    return examples / "graphs"


@pytest.fixture(scope="module")
def graphs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with serving(folder, cache=tmp_path_factory.mktemp("cache")) as serve:
        serve.all_serve()
        yield serve


def ask(serve: Serve, graph: str, rows: list[Any], **headers: str) -> tuple[int, Any]:
    return serve.ask("/", {"instances": rows}, Host=f"{graph}.default.svc.cluster.local", **headers)


def predicted(folder: Path, model: str, rows: list[Any]) -> Any:
    return {"predictions": joblib.load(folder / "model" / model / "model.joblib").predict(rows).tolist()}


def test_an_ensemble_brings_every_models_vote(graphs: Serve, folder: Path) -> None:
    models = ("linear", "forest", "neighbors")

    assert ask(graphs, "ensemble-vote", ROWS) == (
        200,
        {name: predicted(folder, name, ROWS) for name in models},
    )


def test_a_sequence_classifies_what_was_projected(graphs: Serve, folder: Path) -> None:
    projected = joblib.load(folder / "model" / "project" / "model.joblib").transform(ROWS)

    assert ask(graphs, "two-step", ROWS) == (200, predicted(folder, "classify", projected))


def test_a_switch_chooses_by_a_feature(graphs: Serve, folder: Path) -> None:
    for rows, model in ((ROWS, "forest"), (ROWS[:1], "linear")):
        assert ask(graphs, "switch-by-feature", rows) == (200, predicted(folder, model, rows))

    status, answer = graphs.ask("/", {"inputs": 1}, Host="switch-by-feature.default")
    assert (status, answer["code"], answer["step"]) == (404, "no_route", "root")


def test_a_splitter_answers_every_user(graphs: Serve) -> None:
    answers = Counter(
        ask(graphs, "ab-splitter", ROWS, **{"X-User": f"user {number % 30}"})[0] for number in range(60)
    )

    assert answers == {200: 60}


def test_a_step_that_refuses_is_passed_through(graphs: Serve) -> None:
    status, answer = ask(graphs, "two-step", [["no number", 1, 1, 1]])

    assert status == 400
    assert "error" in answer


def test_the_printed_command_line_asks_the_graph(graphs: Serve) -> None:
    lines = [line for line in graphs.listening()["try"] if "two-step" in line]

    assert len(lines) == 1
    assert lines[0].endswith(f"http://localhost:{graphs.port}/")


def test_a_changed_graph_is_taken_and_a_faulty_one_refused_while_it_answers(
    folder: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "graphs"))
    for file in ("ab-splitter", "ensemble-vote", "switch-by-feature"):
        (mine / f"{file}.yaml").unlink()
    file = mine / "two-step.yaml"
    with serving(mine, "--watch", cache=tmp_path / "cache") as serve:
        serve.listening()
        before = len(serve.events)
        file.write_text(file.read_text().replace("serviceName: classify", "serviceName: nobody"))
        refused = serve.wait_for(lambda event: event["event"] == "refused", before)
        assert refused["problems"][0]["code"] == "service_not_found"
        assert ask(serve, "two-step", ROWS)[0] == 200

        file.write_text(file.read_text().replace("serviceName: nobody", "serviceUrl: http://127.0.0.1:9"))
        serve.phase("default/two-step", "Reloading", before)
        status = 200
        while status == 200:
            status, answer = ask(serve, "two-step", ROWS)
        assert (status, answer["code"], answer["step"]) == (503, "step_unreachable", "root.classify")


def test_a_graph_of_nobody_is_refused_with_its_line(folder: Path, tmp_path: Path) -> None:
    done = run("serve", folder / "two-step.yaml", cache=tmp_path)

    assert done.returncode == 1
    assert "two-step.yaml:12" in done.stderr + done.stdout
    assert "service_not_found" in done.stderr + done.stdout
