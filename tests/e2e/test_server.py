"""The sklearnserver image under a real kubelet, by hand-written Deployments in a restricted namespace."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import pods, services
from tests.e2e.client import Client, Load, client_pod
from tests.e2e.models import QUESTIONS
from tests.e2e.pods import Namespace
from tools.errors import ToolError

WaitFor = Callable[..., Any]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_model_in_an_image_volume_is_served(
    namespace: Namespace, client: Client, wait_for: WaitFor, name: str
) -> None:
    namespace.apply(*pods.server(name))
    wait_for(lambda: namespace.ready(name) and client.reaches(model(namespace, name)))
    question, answer = QUESTIONS[name]

    assert client.post(predict(namespace, name), {"instances": question}) == [200, {"predictions": answer}]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_model_on_a_persistent_volume_is_served(
    namespace: Namespace, client: Client, wait_for: WaitFor, name: str
) -> None:
    services.claim(namespace)
    namespace.apply(*pods.server(name, pods.MODEL_CLAIM))
    wait_for(lambda: namespace.ready(name) and client.reaches(model(namespace, name)))
    question, answer = QUESTIONS[name]

    assert client.post(predict(namespace, name), {"instances": question}) == [200, {"predictions": answer}]


def test_the_curl_of_the_readme_answers_inside_the_cluster(namespace: Namespace, wait_for: WaitFor) -> None:
    namespace.apply(*pods.server("iris"))
    wait_for(lambda: namespace.ready("iris"))
    curl = [
        "curl",
        "--silent",
        "--retry",
        "9",
        "--retry-connrefused",
        "--max-time",
        "30",
        "--header",
        "Content-Type: application/json",
    ]
    curl += ["--data", '{"instances": [[5.1, 3.5, 1.4, 0.2]]}', predict(namespace, "iris")]

    done = subprocess.run(
        [sys.executable, "-m", "tools.cluster", "enter", *curl],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, '{"predictions":[0]}'), done.stderr


def test_a_model_that_does_not_load_is_never_ready_and_its_log_names_the_file(
    namespace: Namespace, wait_for: WaitFor
) -> None:
    namespace.apply(*pods.server("broken"))

    wait_for(lambda: "model.joblib" in namespace.run("logs", "--selector=app=broken", "--tail=-1"))
    assert not namespace.ready("broken")


def test_the_log_is_readable_and_names_the_model(namespace: Namespace, wait_for: WaitFor) -> None:
    namespace.apply(*pods.server("iris"))
    wait_for(lambda: namespace.ready("iris"))

    said = namespace.run("logs", "deployment/iris")

    assert "iris" in said
    assert "Traceback" not in said
    assert said.isprintable() or all(line.isprintable() for line in said.splitlines())


def test_a_rolling_restart_under_load_fails_no_request(
    namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    namespace.apply(*pods.server("iris"))
    wait_for(lambda: namespace.ready("iris") and client.reaches(model(namespace, "iris")))
    before = {pod["metadata"]["uid"] for pod in namespace.pods("iris")}
    question, _ = QUESTIONS["iris"]

    with Load(client, predict(namespace, "iris"), {"instances": question}) as load:
        wait_for(lambda: load.answered() > 20)
        namespace.run("rollout", "restart", "deployment/iris")
        namespace.run("rollout", "status", "deployment/iris", "--timeout=150s", timeout=160)
        wait_for(lambda: len(namespace.get("pods", "--selector=app=iris")["items"]) == 1)
        reached = load.answered()
        wait_for(lambda: load.answered() > reached + 20)
        outcome = load.stop()

    assert before.isdisjoint(pod["metadata"]["uid"] for pod in namespace.pods("iris"))
    assert outcome["failed"] == []
    assert outcome["ok"] > 40


def test_a_server_killed_for_memory_comes_back_and_answers(
    namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    memory = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}
    namespace.apply(*pods.server("iris", resources=memory))
    wait_for(lambda: namespace.ready("iris") and client.reaches(model(namespace, "iris")))
    question, answer = QUESTIONS["iris"]
    assert client.post(predict(namespace, "iris"), {"instances": question}) == [200, {"predictions": answer}]

    status, _ = client.python(TOO_MUCH, predict(namespace, "iris"), timeout=120)

    assert status != 200
    wait_for(lambda: killed_for_memory(namespace, "iris"))
    wait_for(lambda: namespace.ready("iris") and client.reaches(model(namespace, "iris")))
    assert client.post(predict(namespace, "iris"), {"instances": question}) == [200, {"predictions": answer}]


def test_the_autoscaler_adds_pods_when_the_processor_is_busy(
    namespace: Namespace, client: Client, wait_for: WaitFor
) -> None:
    namespace.apply(*pods.server("iris"), autoscaler("iris"))
    wait_for(lambda: namespace.ready("iris") and client.reaches(model(namespace, "iris")))
    question, _ = QUESTIONS["iris"]

    with Load(client, predict(namespace, "iris"), {"instances": question * 200}, threads=4) as load:
        wait_for(lambda: len(namespace.pods("iris")) > 1 and namespace.ready("iris"), timeout=170)
        outcome = load.stop()

    assert outcome["failed"] == []


def test_a_pod_that_is_not_restricted_is_refused_here(namespace: Namespace) -> None:
    pod = client_pod()
    pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}

    with pytest.raises(ToolError, match="violates PodSecurity"):
        namespace.apply(pod)


def test_a_wait_in_vain_prints_what_the_namespace_says(namespace: Namespace, wait_for: WaitFor) -> None:
    namespace.apply(*pods.server("broken"))
    wait_for(lambda: "model.joblib" in namespace.run("logs", "--selector=app=broken", "--tail=-1"))

    with pytest.raises(pytest.fail.Exception) as failure:
        wait_for(lambda: namespace.ready("broken"), timeout=0)

    said = str(failure.value)
    assert "deployment.apps/broken" in said, "objects"
    assert "Scheduled" in said, "events"
    assert "Container ID" in said, "pods"
    assert "model.joblib" in said, "logs"


def predict(namespace: Namespace, name: str) -> str:
    return f"{model(namespace, name)}:predict"


def model(namespace: Namespace, name: str) -> str:
    return f"http://{name}.{namespace.name}.svc.cluster.local/v1/models/{name}"


def killed_for_memory(namespace: Namespace, app: str) -> bool:
    """Whether its container was killed and started again.

    As far as is known: a kubelet that collects dead containers in the moment between the new one's creation and its
    start keeps nothing of the old one, and a runtime may say 137 (killed) without a reason.
    """
    states = [status for pod in namespace.pods(app) for status in pod["status"].get("containerStatuses", [])]
    ends = [state.get("lastState", {}).get("terminated") for state in states if state["restartCount"]]
    return bool(ends) and all(end is None or end["exitCode"] == 137 for end in ends)


def autoscaler(name: str) -> pods.Object:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [metric],
        },
    }


# A body that takes more memory as rows than the container may have.
TOO_MUCH = """
import json, sys, urllib.error, urllib.request
body = b'{"instances": [' + b"[1.0,2.0,3.0,4.0]," * 6_000_000 + b"[1.0,2.0,3.0,4.0]]}"
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
try:
    with urllib.request.urlopen(request, timeout=90) as answer:
        print(json.dumps([answer.status, ""]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
except OSError as error:
    print(json.dumps([0, str(error)]))
"""
