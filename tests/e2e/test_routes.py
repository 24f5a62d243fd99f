"""A service of one's own network kind is Ready with its route, and answers through the gateway at its status' URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e import services
from tests.e2e.client import Client
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tests.e2e.release import BY_HTTP_ROUTE, BY_INGRESS, Release

TRAEFIK = "http://traefik.gateway.svc.cluster.local"
ROUTES = {"ingress": BY_INGRESS, "httproute": BY_HTTP_ROUTE}


@pytest.fixture(params=ROUTES, scope="module")
def route(release: Release, request: pytest.FixtureRequest) -> str:
    """The kind of the routes that the release makes."""
    kind: str = request.param
    release.have(ROUTES[kind])
    return kind


def test_a_service_answers_through_the_gateway_at_the_host_of_its_status(
    route: str, namespace: Namespace, client: Client, wait_for: Callable[..., Any]
) -> None:
    service = services.isvc("sklearn-iris", services.IMAGE)
    namespace.apply(service)
    services.seconds_to_ready(namespace, "sklearn-iris")

    assert services.condition(namespace, "sklearn-iris", "IngressReady")["status"] == "True"
    url = services.status(namespace, "sklearn-iris")["url"]
    host = urlsplit(url).hostname
    assert host == f"sklearn-iris-{namespace.name}.example.com"
    assert "sklearn-iris" in [one["metadata"]["name"] for one in namespace.get(route)["items"]]
    question, answer = QUESTIONS["iris"]
    path, body = "/v1/models/sklearn-iris:predict", {"instances": question}
    wait_for(lambda: client.post(f"{TRAEFIK}{path}", body, host=host) == [200, {"predictions": answer}])
