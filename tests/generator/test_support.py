"""Every field of KServe's is accounted for: honoured with the same type, refused with a remedy, or out of scope."""

import json
from typing import Any

import pytest

from generator.__main__ import CLONE
from generator.support import ABSENT, Field, fields, own_tree, paths, rows, upstream
from kserve_lite.api import KINDS, RULES, InvalidObject
from kserve_lite.api.manifests import load

pytestmark = pytest.mark.slow


def crd(kind: str) -> Any:
    (plural,) = (one.plural for one in KINDS if one.name == kind)
    return {"spec": json.loads((CLONE / f"charts/kserve-lite-crds/files/{plural}.json").read_text())}


@pytest.fixture(scope="module", params=[kind.name for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_no_field_of_kserves_is_unaccounted_for(kind: str) -> None:
    found = fields(kind, crd(kind), RULES)

    assert [field.path for field in found if field.verdict == "unaccounted"] == []
    assert all(field.reason for field in found if field.verdict != "honoured")


def test_a_field_that_is_honoured_has_kserves_type(kind: str) -> None:
    ours = dict(paths(own_tree(crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]), {}))

    different = {
        field.path: (field.type, ours[field.path])
        for field in fields(kind, crd(kind), RULES)
        if field.verdict == "honoured" and ours[field.path] != field.type
    }

    assert different == {}


def test_a_field_that_nobody_speaks_of_is_unaccounted_for() -> None:
    shrunk = crd("TrainedModel")
    del shrunk["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][
        "model"
    ]

    found = fields("TrainedModel", shrunk, RULES)

    assert {field.path for field in found if field.verdict == "unaccounted"} == {
        "spec.model", "spec.model.framework", "spec.model.memory", "spec.model.storageUri",
    }  # fmt: skip


def test_every_reason_for_an_absent_field_is_needed() -> None:
    given = {field.reason for one in KINDS for field in fields(one.name, crd(one.name), RULES)}

    assert {reason for _, _, reason in ABSENT} <= given


def test_the_list_says_which_kserve_it_is() -> None:
    assert upstream()["version"] == "v0.20.0"
    assert set(upstream()["kinds"]) == {kind.name for kind in KINDS}


def test_a_row_stands_for_all_below_it_with_one_verdict() -> None:
    found = [
        Field("spec", "object", "honoured"),
        Field("spec.a", "object", "honoured"),
        Field("spec.a.b", "string", "honoured"),
        Field("spec.c", "array", "refused", "remove it"),
        Field("spec.c[]", "string", "refused", "remove it"),
    ]

    assert [(field.path, number) for field, number in rows(found)] == [("spec.a", 2), ("spec.c", 2)]


@pytest.mark.parametrize("field", ["confidential", "lifecycle", "stdin"])
def test_a_refused_field_is_refused_indeed(field: str) -> None:
    with pytest.raises(InvalidObject) as caught:
        load(
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": {"name": "a"},
                "spec": {"predictor": {"sklearn": {field: {}}}},
            }
        )

    assert [problem.path for problem in caught.value.problems] == [f"spec.predictor.sklearn.{field}"]
