"""The clients of PyPI's `kserve`, in an environment of their own, against a running server: every call they have."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.environments import build, python_of
from tests.server.models import PEOPLE
from tests.server.process import Server
from tests.server.rpc.client import DTYPES, grpc_port

pytestmark = pytest.mark.slow

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])
# The client itself refuses FP16 but in binary.
SENT = [
    f"{way} {datatype}" for datatype in DTYPES for way in ("v2 json", "v2 binary", "grpc typed", "grpc raw")
]
SENT = [call for call in SENT if call not in ("v2 json FP16", "grpc typed FP16")]


@pytest.fixture(scope="module")
def answers(servers: Callable[[str], Server]) -> dict[str, Any]:
    """What each call returned or raised; one process makes them all, since importing the package takes seconds."""
    build("kserve")
    script = Path(__file__).with_name("kserve_calls.py")
    server = servers("true")
    addresses = [f"http://127.0.0.1:{server.port}", f"127.0.0.1:{grpc_port(server)}"]
    done = subprocess.run(
        [python_of("kserve"), script, *addresses],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("call", [
    "v1 live", "v1 model ready", "v2 live", "v2 ready", "v2 model ready", "grpc live", "grpc ready", "grpc model ready",
])  # fmt: skip
def test_health_is_true(answers: dict[str, Any], call: str) -> None:
    assert answers[call] is True


def test_an_unknown_model_is_not_ready(answers: dict[str, Any]) -> None:
    assert answers["v1 unknown model ready"]["status"] == 404
    assert answers["v2 unknown model ready"] is False
    assert answers["grpc unknown model ready"]["status"] == "NOT_FOUND"
    assert answers["grpc unknown model"]["status"] == "NOT_FOUND"


def test_v1_answers_rows(answers: dict[str, Any], models: dict[str, Any]) -> None:
    assert answers["v1 infer"] == {"predictions": models["iris"].predict(ROWS).tolist()}
    assert answers["v1 response headers"] == "application/json"


@pytest.mark.parametrize("call", SENT)
def test_every_datatype_comes_back_as_the_models_label(
    answers: dict[str, Any], models: dict[str, Any], call: str
) -> None:
    rows = np.rint(ROWS).astype(DTYPES[call.split()[-1]])

    assert answers[call] == {"output-0": models["flowers"].predict(rows).tolist()}


@pytest.mark.parametrize("way", ["v2 json", "v2 binary", "grpc typed", "grpc raw"])
def test_text_and_columns(answers: dict[str, Any], models: dict[str, Any], way: str) -> None:
    text = models["text"].predict(["good fine great", "bad awful poor"])
    columns = models["mixed"].predict(PEOPLE.iloc[[0, 3]])

    assert answers[f"{way} text"] == {"output-0": text.tolist()}
    assert answers[f"{way} columns"] == {"output-0": columns.tolist()}


@pytest.mark.parametrize("call", ["v2 json out", "v2 binary out"])
def test_labels_come_back_as_json_and_binary(
    answers: dict[str, Any], models: dict[str, Any], call: str
) -> None:
    assert answers[call] == {"output-0": models["flowers"].predict(ROWS).tolist()}


def test_outputs_are_named_and_ids_echoed(answers: dict[str, Any], models: dict[str, Any]) -> None:
    proba = models["iris"].predict_proba(ROWS).reshape(-1).tolist()

    assert answers["v2 several outputs"] == {
        "predict_proba": proba, "predict": models["iris"].predict(ROWS).tolist()
    }  # fmt: skip
    assert answers["v2 id"] == ["mine", "iris"]


def test_refusals_carry_the_sentence(answers: dict[str, Any]) -> None:
    assert answers["v1 wrong width"]["status"] == 400
    assert "X has 2 features" in answers["v1 wrong width"]["error"]
    assert answers["grpc wrong width"]["status"] == "INVALID_ARGUMENT"
    assert "X has 2 features" in answers["grpc wrong width"]["error"]
    assert answers["v1 explain"]["status"] == 501
