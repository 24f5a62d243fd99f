"""The API server that this suite stands on survives what the tests do to it."""

import json
from collections.abc import Callable

from tools.apiserver import ApiServer


def test_objects_outlive_a_kill_of_the_api_server(
    apiserver: ApiServer, kubectl: Callable[..., str], namespace: str
) -> None:
    kubectl("-n", namespace, "create", "configmap", "kept", "--from-literal=a=1")

    apiserver.stop()
    apiserver.start()

    assert kubectl("-n", namespace, "get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "1"


def test_a_watch_from_a_forgotten_version_is_told_that_it_is_gone(
    apiserver: ApiServer, kubectl: Callable[..., str], namespace: str
) -> None:
    kubectl("-n", namespace, "create", "configmap", "one")
    version = kubectl(
        "-n", namespace, "get", "configmap", "one", "-o", "jsonpath={.metadata.resourceVersion}"
    )
    kubectl("-n", namespace, "create", "configmap", "two")

    apiserver.compact()
    apiserver.stop()  # else its own cache still knows
    apiserver.start()

    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1&resourceVersion={version}&timeoutSeconds=2"
    event = json.loads(kubectl("get", "--raw", path).splitlines()[0])
    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 410
