"""The status of a TrainedModel: what its parent lacks, and what the parent's servers say."""

from __future__ import annotations

from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.controller.trainedmodel.status import status
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.multimodel import UPDATING, Report
from kserve_lite.resolve.surroundings import Surroundings

Object = dict[str, Any]

MODEL: Object = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "TrainedModel",
    "metadata": {"name": "m", "namespace": "ns", "generation": 1},
    "spec": {
        "inferenceService": "many",
        "model": {"storageUri": "s3://b/m", "framework": "sklearn", "memory": "1Mi"},
    },
}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def parent(**predictor: Any) -> Object:
    model = {"modelFormat": {"name": "sklearn"}, **predictor}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "many", "namespace": "ns", "generation": 1},
        "spec": {"predictor": {"model": model}},
        "status": READY,
    }


def effective(service: Object) -> Effective:
    around = Surroundings({}, (), frozenset({"many"}))
    found = understand(service, BUILT_IN, [], Config(), around).effective
    assert found is not None
    return found


PARENT = parent()
EFFECTIVE = effective(PARENT)
OWN = parent(storageUri="s3://b/own")
STARTING = {
    **PARENT,
    "status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "it starts"}]},
}
INVALID = {**MODEL, "spec": {"inferenceService": "many"}}
PARENTS = "InferenceServiceReady"
FAILED = {"m": Report("UNAVAILABLE", "no such file", "s3://b/m")}
NEXT = {"m": Report("READY", UPDATING, "")}
HAS = {"m": Report("READY", "", "")}


@pytest.mark.parametrize(
    ("model", "service", "resolved", "said", "condition", "value", "reason"),
    [
        pytest.param(INVALID, PARENT, EFFECTIVE, [HAS], PARENTS, "False", "InvalidSpec", id="invalid"),
        pytest.param(MODEL, None, None, [], PARENTS, "False", "ParentMissing", id="no parent"),
        pytest.param(MODEL, PARENT, None, [], PARENTS, "False", "ParentNotValid", id="an invalid parent"),
        pytest.param(
            MODEL, OWN, effective(OWN), [], PARENTS, "False", "ParentHasOwnModel", id="a parent with a model"
        ),
        pytest.param(
            MODEL, STARTING, EFFECTIVE, [], PARENTS, "False", "ParentNotReady", id="a parent that starts"
        ),
        pytest.param(MODEL, PARENT, EFFECTIVE, [], "Loaded", "Unknown", "NoServerAnswers", id="no server"),
        pytest.param(MODEL, PARENT, EFFECTIVE, [HAS, {}], "Loaded", "Unknown", "Loading", id="one of two has it"),
        pytest.param(
            MODEL, PARENT, EFFECTIVE, [FAILED], "Loaded", "False", "ModelLoadFailed",
            id="it does not load",
        ),
        pytest.param(
            MODEL, PARENT, EFFECTIVE, [NEXT], "Loaded", "Unknown", "Updating",
            id="another version is on its way",
        ),
    ],
)  # fmt: skip
def test_what_a_model_waits_for_is_said_and_ready_repeats_the_first_of_it(
    model: Object,
    service: Object | None,
    resolved: Effective | None,
    said: list[dict[str, Report]],
    condition: str,
    value: str,
    reason: str,
) -> None:
    found = status(model, service, resolved, said)

    ready = next(one for one in found["conditions"] if one["type"] == "Ready")
    told = next(one for one in found["conditions"] if one["type"] == condition)
    assert (told["status"], told["reason"]) == (ready["status"], ready["reason"]) == (value, reason)
    assert "url" not in found


def test_a_model_that_every_server_has_is_ready_at_its_own_url() -> None:
    found = status(
        MODEL, PARENT, EFFECTIVE, [HAS, {"m": Report("UNAVAILABLE", "its next request loads it", "")}]
    )

    assert {one["type"]: one["status"] for one in found["conditions"]} == {
        "Ready": "True", "InferenceServiceReady": "True", "Loaded": "True",
    }  # fmt: skip
    assert found["url"] == "http://many.ns.svc.cluster.local/v1/models/m:predict"
