"""What applying children would change, field by field."""

import copy
from typing import Any

from kserve_lite.controller.difference import difference
from kserve_lite.controller.runtime.apply import stamped

OWNER = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris", "namespace": "default", "uid": "1"},
}


def deployment(image: str = "a:1", **spec: Any) -> dict[str, Any]:
    container = {
        "name": "kserve-container",
        "image": image,
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris-predictor", "namespace": "default", "labels": {"app": "iris"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}, **spec},
    }


def live(child: dict[str, Any]) -> dict[str, Any]:
    """A child as the API server has it: stamped, with defaults and amounts in its own words."""
    written = copy.deepcopy(stamped(child, OWNER))
    container = written["spec"]["template"]["spec"]["containers"][0]
    container["terminationMessagePath"] = "/dev/termination-log"
    container["resources"]["requests"]["cpu"] = "0.5"
    return written


def test_nothing_differs_where_the_server_only_added_defaults() -> None:
    (change,) = difference([deployment()], [live(deployment())], OWNER)

    assert (change.action, change.fields, change.restarts) == ("keep", (), False)


def test_a_changed_image_is_named_and_restarts_pods() -> None:
    (change,) = difference([deployment("b:2")], [live(deployment())], OWNER)

    assert [(one.path, one.before, one.after) for one in change.fields] == [
        ("spec.template.spec.containers[kserve-container].image", "a:1", "b:2")
    ]
    assert change.restarts


def test_another_number_of_replicas_restarts_nothing() -> None:
    (change,) = difference([deployment(replicas=3)], [live(deployment())], OWNER)

    assert ([one.path for one in change.fields], change.restarts) == (["spec.replicas"], False)


def test_a_field_that_is_no_longer_wanted_is_a_change_too() -> None:
    wanted = deployment()
    del wanted["spec"]["replicas"]

    (change,) = difference([wanted], [live(deployment())], OWNER)

    assert (change.action, change.fields, change.dropped) == ("change", (), True)


def test_a_new_child_is_created_and_one_that_is_not_wanted_deleted() -> None:
    other = {**deployment(), "metadata": {"name": "iris-transformer", "namespace": "default"}}

    changes = difference([deployment()], [live(other)], OWNER)

    assert [(one.action, one.name) for one in changes] == [
        ("create", "iris-predictor"),
        ("delete", "iris-transformer"),
    ]
