"""What cannot be dealt with becomes a finding: it stops nobody else, and says where it stands."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.inferenceservice.understand import understand
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.runtime import Runtime
from kserve_lite.resolve.surroundings import Surroundings

SERVICE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris", "namespace": "ns", "generation": 1},
    "spec": {"predictor": {"sklearn": {"storageUri": "s3://b/m"}}},
}


def test_what_nobody_foresaw_is_an_internal_error_of_this_service_and_is_logged_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unreadable = cast(Runtime, None)
    with caplog.at_level(logging.ERROR):
        found = understand(SERVICE, [unreadable, *BUILT_IN], [], Config(), Surroundings())

    (obstacle,) = found.obstacles
    assert obstacle.code == "InternalError"
    assert obstacle.message.startswith("AttributeError: ")
    assert found.effective is None
    assert "ns/iris: unexpected" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("spec", ["text", [], {"predictor": None}, {"predictor": {"model": 7}}, None])
def test_a_spec_of_another_shape_is_invalid(spec: Any) -> None:
    found = understand({**SERVICE, "spec": spec}, BUILT_IN, [], Config(), Surroundings())

    assert {one.code for one in found.obstacles} == {"InvalidSpec"}
    assert all(one.place for one in found.obstacles)
