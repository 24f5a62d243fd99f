"""Manifests are read with every fault of every file, each with place, path and remedy."""

from pathlib import Path

import pytest

from kserve_lite.api.inferenceservice import InferenceService
from kserve_lite.api.manifests import load, read, read_text
from kserve_lite.api.problems import InvalidObject

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: sklearn-iris
spec:
  predictor:
    sklearn:
      storageUri: gs://models/iris
"""


def one(text: str) -> str:
    (problem,) = read_text(text, "f.yaml").problems
    return str(problem)


def test_a_service_is_read() -> None:
    found = read_text(SERVICE)

    (service,) = found.of(InferenceService)
    assert found.problems == []
    assert (service.name, service.namespace) == ("sklearn-iris", "default")
    assert service.spec.predictor.framework is not None
    assert service.spec.predictor.framework[0] == "sklearn"
    assert service.as_yaml()["spec"] == {"predictor": {"sklearn": {"storageUri": "gs://models/iris"}}}


def test_kubernetes_fields_stand_beside_our_own() -> None:
    text = SERVICE + "    serviceAccountName: reader\n    minReplicas: 2\n"
    predictor = read_text(text).of(InferenceService)[0].spec.predictor

    assert predictor.pod == {"serviceAccountName": "reader"}
    assert predictor.min_replicas == 2


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(
            "storageUri:", "storageUrl:",
            "f.yaml:8:7: spec.predictor.sklearn.storageUrl: this field does not exist; "
            "did you mean `storageUri`? [unknown_field]",
            id="misspelt",
        ),
        pytest.param(
            "storageUri:", "storage_uri:",
            "f.yaml:8:7: spec.predictor.sklearn.storage_uri: this field does not exist; "
            "did you mean `storageUri`? [unknown_field]",
            id="python's spelling",
        ),
        pytest.param(
            "    sklearn:\n      storageUri: gs://models/iris", "    storageUri: gs://models/iris\n    sklearn: {}",
            "f.yaml:7:5: spec.predictor.storageUri: this field does not exist; "
            "`storageUri` belongs under spec.predictor.model [unknown_field]",
            id="one level too high",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "storageUri: gs://models/iris\n      minReplicas: 1",
            "f.yaml:9:7: spec.predictor.sklearn.minReplicas: this field does not exist; "
            "`minReplicas` belongs under spec.predictor [unknown_field]",
            id="one level too deep",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "storageUri: 7",
            "f.yaml:8:7: spec.predictor.sklearn.storageUri: must be text, not the number 7; "
            "write it in quotes [wrong_type]",
            id="number for text",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "storageUri:",
            "f.yaml:8:7: spec.predictor.sklearn.storageUri: this field has no value; "
            "give it one or remove the line [empty_value]",
            id="no value",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "resources: {limits: {cpu: 1.5}}",
            "f.yaml:8:28: spec.predictor.sklearn.resources.limits.cpu: must be a quantity such as 500m, 2 or 1Gi, "
            'not 1.5; write it in quotes: "1.5" [wrong_type]',
            id="fraction as quantity",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "env: [{name: A, value: yes}]",
            "f.yaml:8:23: spec.predictor.sklearn.env[0].value: must be text, not the boolean true; "
            "write it in quotes [wrong_type]",
            id="yes as text",
        ),
        pytest.param(
            "storageUri: gs://models/iris", "env: [{name: A}, {name: A}]",
            "f.yaml:8:7: spec.predictor.sklearn.env: two items have the same name A; keep one of them [duplicate_item]",
            id="two items with one key",
        ),
        pytest.param(
            "v1beta1", "v1alpha2",
            "f.yaml:1:1: apiVersion: InferenceService has apiVersion serving.kserve.io/v1beta1 here, "
            "not serving.kserve.io/v1alpha2; write serving.kserve.io/v1beta1 [wrong_api_version]",
            id="other version",
        ),
        pytest.param(
            "kind: InferenceService", "kind: InferenceServise",
            "f.yaml:2:1: kind: there is no kind InferenceServise; did you mean `InferenceService`? [unknown_kind]",
            id="misspelt kind",
        ),
        pytest.param(
            "  name: sklearn-iris", "  generateName: iris-",
            "f.yaml:3:1: metadata.name: this field is required; "
            "add `name`; generateName is not supported [missing_field]",
            id="no name",
        ),
        pytest.param(
            "kind: InferenceService\n", "",
            "f.yaml:1:1: kind: this field is required; add `kind` [missing_field]",
            id="no kind",
        ),
        pytest.param(
            "  predictor:", "  predictors:",
            None,
            id="two faults at once",
        ),
    ],
)  # fmt: skip
def test_a_fault_names_place_path_and_remedy(before: str, after: str, said: str | None) -> None:
    assert before in SERVICE
    text = SERVICE.replace(before, after)

    if said is None:
        codes = sorted(problem.code for problem in read_text(text).problems)
        assert codes == ["missing_field", "unknown_field"]
    else:
        assert one(text) == said


def test_every_fault_of_every_file_is_reported(tmp_path: Path) -> None:
    first, second, third = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml"
    first.write_text(SERVICE.replace("storageUri", "storageUrl").replace("name: sklearn-iris", "name: 7"))
    second.write_text("a: [")
    third.write_text("")

    found = read([first, second, third, tmp_path / "d.yaml"])

    assert [(problem.code, problem.where.file if problem.where else None) for problem in found.problems] == [
        ("wrong_type", str(first)),
        ("unknown_field", str(first)),
        ("yaml_syntax", str(second)),
        ("empty_file", str(third)),
        ("file_missing", str(tmp_path / "d.yaml")),
    ]


def test_a_folder_stands_for_its_manifests(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SERVICE)
    (tmp_path / "notes.txt").write_text("not a manifest")

    assert [resource.name for resource in read([tmp_path]).resources] == ["sklearn-iris"]


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    assert [problem.code for problem in read([tmp_path]).problems] == ["no_manifests"]


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\xfe")

    assert [problem.code for problem in read([tmp_path / "a.yaml"]).problems] == ["yaml_syntax"]


def test_two_objects_with_one_name_are_refused() -> None:
    assert one(f"{SERVICE}---\n{SERVICE}") == (
        "f.yaml:13:3: metadata.name: InferenceService default/sklearn-iris is given twice, first at f.yaml:4:3; "
        "rename or remove one [duplicate_object]"
    )


def test_one_name_in_two_namespaces_is_fine() -> None:
    elsewhere = SERVICE.replace("  name: sklearn-iris", "  name: sklearn-iris\n  namespace: other")

    assert read_text(f"{SERVICE}---\n{elsewhere}").problems == []


def test_objects_of_other_groups_are_named_and_not_judged() -> None:
    found = read_text(f"{SERVICE}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s3}}\n", "f.yaml")

    assert found.problems == []
    assert [(name, str(place)) for name, place in found.others] == [("Secret s3", "f.yaml:10:1")]


def test_a_list_stands_for_its_items() -> None:
    items = "".join(f"  {line}" if line.strip() else line for line in SERVICE.splitlines(keepends=True))
    text = f"apiVersion: v1\nkind: List\nitems:\n- {items.strip()}\n"

    assert [resource.name for resource in read_text(text).resources] == ["sklearn-iris"]
    assert one(text.replace("storageUri", "storageUrl")).startswith(
        "f.yaml:11:9: spec.predictor.sklearn.storageUrl:"
    )


def test_a_plain_value_is_loaded_or_refused_with_every_problem() -> None:
    value = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "a"}}

    assert load({**value, "spec": {"predictor": {"sklearn": {}}}}).name == "a"
    with pytest.raises(InvalidObject) as caught:
        load({**value, "spec": {"predictor": {"sklearn": {"x": 1}, "minReplicas": -1}, "y": 2}})
    assert [problem.path for problem in caught.value.problems] == [
        "spec.predictor.minReplicas",
        "spec.predictor.sklearn.x",
        "spec.y",
    ]


def test_what_is_no_object_is_refused() -> None:
    assert one("- 1\n- 2\n").startswith("f.yaml:1:1: this is no object")
