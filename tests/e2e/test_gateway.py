"""The cluster's gateway reaches a model by HTTPRoute and by Ingress: what the controller's own routes rest on."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import pods
from tests.e2e.client import Client
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace, Object

GATEWAY = "http://traefik.gateway.svc.cluster.local"


def http_route(name: str, host: str) -> Object:
    backend = {"backendRefs": [{"name": name, "port": 80}]}
    parent = {"name": "traefik", "namespace": "gateway"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"parentRefs": [parent], "hostnames": [host], "rules": [backend]},
    }


def ingress(name: str, host: str) -> Object:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"ingressClassName": "traefik", "rules": [rule]},
    }


@pytest.mark.parametrize("route", [http_route, ingress])
def test_the_gateway_leads_a_host_to_its_model(
    namespace: Namespace, client: Client, wait_for: Callable[..., Any], route: Callable[[str, str], Object]
) -> None:
    host = f"iris.{namespace.name}.example.com"
    namespace.apply(*pods.server("iris"), route("iris", host))
    wait_for(lambda: namespace.ready("iris"))
    question, answer = QUESTIONS["iris"]
    url, body = f"{GATEWAY}/v1/models/iris:predict", {"instances": question}

    wait_for(lambda: client.post(url, body, host=host)[0] == 200)

    assert client.post(url, body, host=host) == [200, {"predictions": answer}]
    assert client.post(url, body, host=f"other.{host}")[0] == 404
