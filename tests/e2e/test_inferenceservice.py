"""The promise: apply the YAML, and the URL answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import services
from tests.e2e.client import Client
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tests.e2e.release import Release

WaitFor = Callable[..., Any]

QUESTION, ANSWER = QUESTIONS["iris"]
READY_SECONDS = 15
SOURCES: dict[str, Callable[[Namespace, str], str]] = {
    "a volume claim": lambda namespace, _: f"{services.claim(namespace)}/iris",
    "an image": lambda *_: services.IMAGE,
    "a web server": lambda _, shelf: f"{shelf}/iris/model.joblib",
}


@pytest.mark.parametrize("source", SOURCES)
def test_the_yaml_is_applied_and_the_url_answers(
    kserve_lite: Release, namespace: Namespace, client: Client, shelf: str, wait_for: WaitFor, source: str
) -> None:
    uri = SOURCES[source](namespace, shelf)
    namespace.apply(services.isvc("sklearn-iris", uri))

    took = services.seconds_to_ready(namespace, "sklearn-iris")

    url = f"http://sklearn-iris.{namespace.name}.svc.cluster.local/v1/models/sklearn-iris:predict"
    wait_for(lambda: client.post(url, {"instances": QUESTION}) == [200, {"predictions": ANSWER}])
    assert took <= READY_SECONDS
    status = services.status(namespace, "sklearn-iris")
    assert status["url"] == status["address"]["url"] == url.partition("/v1")[0]
    assert status["modelStatus"]["transitionStatus"] == "UpToDate"
    assert status["clusterServingRuntimeName"] == "kserve-sklearnserver"


def test_grpc_answers_at_the_address_in_status(
    kserve_lite: Release, namespace: Namespace, client: Client
) -> None:
    namespace.apply(services.isvc("sklearn-iris", services.IMAGE))
    services.seconds_to_ready(namespace, "sklearn-iris")
    address = services.status(namespace, "sklearn-iris")["components"]["predictor"]["grpcUrl"]

    assert client.python(GRPC, address, "sklearn-iris") == ANSWER[:1]


def test_a_deleted_service_leaves_nothing_behind(
    kserve_lite: Release, namespace: Namespace, wait_for: WaitFor
) -> None:
    namespace.apply(services.isvc("sklearn-iris", services.IMAGE))
    services.seconds_to_ready(namespace, "sklearn-iris")

    namespace.run("delete", "isvc", "sklearn-iris", "--timeout=10s")

    wait_for(
        lambda: (
            not namespace.get("deployments,services,pods", "--selector=serving.kserve.io/inferenceservice")[
                "items"
            ]
        )
    )


def test_a_stopped_service_has_no_pods_and_comes_back(
    kserve_lite: Release, namespace: Namespace, wait_for: WaitFor
) -> None:
    namespace.apply(services.isvc("sklearn-iris", services.IMAGE))
    services.seconds_to_ready(namespace, "sklearn-iris")
    namespace.run("annotate", "isvc", "sklearn-iris", "serving.kserve.io/stop=true")
    wait_for(lambda: services.condition(namespace, "sklearn-iris", "Stopped").get("status") == "True")
    wait_for(lambda: not namespace.pods("isvc.sklearn-iris-predictor"))
    assert "url" not in services.status(namespace, "sklearn-iris")

    namespace.run("annotate", "isvc", "sklearn-iris", "serving.kserve.io/stop-")
    wait_for(lambda: services.condition(namespace, "sklearn-iris").get("status") == "True")


GRPC = """
import json, sys
import grpc
from kserve_lite_server.grpc import open_inference_pb2 as pb
request = pb.ModelInferRequest(model_name=sys.argv[2])
tensor = request.inputs.add(name="x", datatype="FP64", shape=[1, 4])
tensor.contents.fp64_contents.extend([5.1, 3.5, 1.4, 0.2])
with grpc.insecure_channel(sys.argv[1]) as channel:
    infer = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=pb.ModelInferRequest.SerializeToString,
        response_deserializer=pb.ModelInferResponse.FromString,
    )
    answer = infer(request, timeout=30)
print(json.dumps(list(answer.outputs[0].contents.int64_contents)))
"""
