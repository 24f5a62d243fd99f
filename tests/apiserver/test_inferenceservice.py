"""An InferenceService on a real API server: children, status, refusals, and nothing at rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kserve_lite.api.config import Config
from kserve_lite.controller.inferenceservice.notes import IGNORED
from tests.apiserver.serving import (
    RUNTIME,
    Kubectl,
    Namespace,
    controlling,
    isvc,
    limited,
    settled,
    until,
    writes,
)


@pytest.fixture
def kubeconfig(kubeconfig: Path, namespace: str, kubectl: Kubectl) -> Path:
    """All of this is done with the rights that the chart gives, and no others."""
    return limited(kubeconfig, namespace, kubectl)


async def test_the_yaml_becomes_services_and_a_deployment_that_it_owns(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "Starting")
        await settled(process)

        assert here.names("services") == ["iris", "iris-predictor"]
        assert here.names("deployments") == ["iris-predictor"]
        owner = here.read("deployment", "iris-predictor")["metadata"]["ownerReferences"]
        uid = here.read("isvc", "iris")["metadata"]["uid"]
        assert [(one["kind"], one["name"], one["uid"]) for one in owner] == [
            ("InferenceService", "iris", uid)
        ]
        status = here.read("isvc", "iris")["status"]
        assert status["observedGeneration"] == 1
        assert status["modelStatus"]["transitionStatus"] == "InProgress"
        assert "url" not in status
        assert status["servingRuntimeName"] == "sklearn"


async def test_five_requests_make_a_service_and_none_of_them_reads(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        before = dict(process.kube.counts)
        here.apply(*(isvc(f"iris-{n}") for n in range(10)))
        await until(lambda: len(here.names("deployments")) == 10)
        await settled(process)

        sent = {what: count - before.get(what, 0) for what, count in process.kube.counts.items()}
        sent = {what: count for what, count in sent.items() if count and what[0] != "watch"}
        assert not [verb for verb, _ in sent if verb in ("get", "list")]
        assert sum(sent.values()) <= 50, sent


async def test_the_object_of_the_user_is_never_touched(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        written = here.read("isvc", "iris")
        await until(lambda: here.ready())
        await settled(process)

        now = here.read("isvc", "iris")
        assert now["spec"] == written["spec"]
        assert now["metadata"]["generation"] == 1
        for field in ("annotations", "labels", "finalizers"):
            assert now["metadata"].get(field) == written["metadata"].get(field)


async def test_a_restart_changes_nothing(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc("a"), isvc("b"))
        await until(lambda: len(here.names("deployments")) == 2)
        await settled(process)

    async with controlling(kubeconfig, here.name) as process:
        await settled(process)
        assert writes(process) == 0


def faulty(name: str = "faulty") -> dict[str, Any]:
    """A service that got past an older CRD."""
    return isvc(name, minReplicas=3, maxReplicas=2)


async def test_a_service_that_the_crd_let_through_is_invalid_with_rule_and_path_and_stops_nobody(
    kubeconfig: Path, here: Namespace, lenient: None
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(faulty(), isvc())
        await until(lambda: here.ready("faulty").get("reason") == "InvalidSpec")
        await until(lambda: here.names("deployments") == ["iris-predictor"])
        await settled(process)
        ready = here.ready("faulty")
        assert ready["status"] == "False"
        assert "spec.predictor" in ready["message"]
        assert "[replicas_order]" in ready["message"]
        assert here.read("isvc", "faulty")["status"]["modelStatus"]["transitionStatus"] == "InvalidSpec"
        assert [(kind, reason) for kind, reason, _ in here.events("faulty")] == [("Warning", "InvalidSpec")]

        quiet = writes(process)
        await settled(process)
        assert writes(process) == quiet


async def test_a_service_that_becomes_invalid_keeps_what_runs(
    kubeconfig: Path, here: Namespace, lenient: None
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.names("deployments"))
        here.apply(faulty("iris"))
        await until(lambda: here.ready().get("reason") == "InvalidSpec")
        await settled(process)

        assert here.names("deployments") == ["iris-predictor"]

        here.apply(isvc(minReplicas=2, maxReplicas=2))
        await until(lambda: here.read("deployment", "iris-predictor")["spec"]["replicas"] == 2)
        await until(lambda: here.ready().get("reason") == "Starting")


async def test_without_a_runtime_the_status_says_what_is_missing_until_one_is_installed(
    kubeconfig: Path, here: Namespace
) -> None:
    here.run("delete", "servingruntime", "sklearn")
    async with controlling(kubeconfig, here.name):
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "NoSupportingRuntime")
        assert "no runtime is installed" in here.ready()["message"]

        here.apply({**RUNTIME, "metadata": {"name": "sklearn"}})
        await until(lambda: here.ready().get("reason") == "Starting")


async def test_a_broken_runtime_is_named_by_the_service_that_asks_for_it(
    kubeconfig: Path, here: Namespace, lenient: None
) -> None:
    broken = {**RUNTIME, "metadata": {"name": "broken"}, "spec": {**RUNTIME["spec"], "containers": []}}
    here.apply(broken)
    asking = isvc()
    asking["spec"]["predictor"] = {
        "model": {"modelFormat": {"name": "sklearn"}, "runtime": "broken", "storageUri": "pvc://models/iris"}
    }
    async with controlling(kubeconfig, here.name):
        here.apply(asking)
        await until(lambda: here.ready().get("reason") == "RuntimeInvalid")
        assert "ServingRuntime broken: spec: a runtime needs a container" in here.ready()["message"]


async def test_somebody_elses_deployment_is_left_alone_and_named(kubeconfig: Path, here: Namespace) -> None:
    labels = {"app": "theirs"}
    theirs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris-predictor"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "a", "image": "theirs"}]},
            },
        },
    }
    here.apply(theirs)
    before = here.read("deployment", "iris-predictor")["spec"]
    async with controlling(kubeconfig, here.name):
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "ForeignObject")

        assert "Deployment iris-predictor: it exists and belongs to" in here.ready()["message"]
        assert here.read("deployment", "iris-predictor")["spec"] == before
        assert here.names("services") == ["iris", "iris-predictor"]

        here.run("delete", "deployment", "iris-predictor")
        await until(lambda: here.ready().get("reason") == "Starting", 60)


async def test_a_used_up_quota_is_named_and_tried_again_ever_more_slowly(
    kubeconfig: Path, here: Namespace
) -> None:
    here.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "few"},
            "spec": {"hard": {"count/services": "1"}},
        }
    )
    here.set_status(
        "resourcequota", "few", {"hard": {"count/services": "1"}, "used": {"count/services": "0"}}
    )
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "QuotaExceeded")
        assert "exceeded quota: few" in here.ready()["message"]
        tries = process.controllers[0].queue.retried

        here.run("delete", "resourcequota", "few")
        await until(lambda: here.ready().get("reason") == "Starting", 60)
        assert process.controllers[0].queue.retried < tries + 12


async def test_a_deleted_service_is_let_go(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.ready())
        await settled(process)
        here.run("delete", "isvc", "iris")
        await settled(process)

        done = writes(process)
        assert here.names("isvc") == []
        here.run("delete", "service", "iris")  # by hand, for nobody collects here
        await settled(process)
        assert writes(process) == done


async def test_in_a_namespace_that_is_being_deleted_nothing_is_tried_again_and_nobody_is_alarmed(
    kubeconfig: Path, here: Namespace, caplog: pytest.LogCaptureFixture
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.ready().get("reason") == "Starting")
        await settled(process)

        here.kubectl("delete", "namespace", here.name, "--wait=false")
        before = writes(process)
        here.run(
            "delete", "service", "iris-predictor"
        )  # as the namespace's end takes one child after the other
        await until(lambda: writes(process) > before)
        await settled(process)

        assert writes(process) == before + 1
        assert process.controllers[0].queue.retried == 0
        assert here.ready()["reason"] == "Starting"
    assert not caplog.records


async def test_a_stopped_service_has_no_pods_and_says_so(kubeconfig: Path, here: Namespace) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc())
        await until(lambda: here.names("deployments"))
        here.run("annotate", "isvc", "iris", "serving.kserve.io/stop=true")
        await until(lambda: here.condition("Stopped").get("status") == "True")
        await until(lambda: not here.names("deployments"))
        assert here.ready()["reason"] == "Stopped"

        here.run("annotate", "isvc", "iris", "serving.kserve.io/stop-")
        await until(lambda: here.names("deployments"))
        await until(lambda: here.condition("Stopped") == {})


async def test_a_status_never_speaks_of_a_generation_that_was_not_looked_at(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name) as process:
        here.apply(isvc())
        await until(lambda: here.ready())
        await settled(process)
        here.set_status(
            "deployment", "iris-predictor", {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
        )
        here.apply(isvc(minReplicas=2, maxReplicas=2))
        await until(lambda: here.read("isvc", "iris")["status"]["observedGeneration"] == 2)

        assert here.ready()["status"] == "Unknown"


async def test_the_host_of_an_older_service_is_left_to_it_until_it_goes(
    kubeconfig: Path, here: Namespace
) -> None:
    """A template without the namespace gives one host to the services of one name; here by the name of a component."""
    network = {"mode": "ingress", "domainTemplate": "{name}.{domain}"}
    config = Config.model_validate({"network": network}, by_name=False)
    async with controlling(kubeconfig, here.name, config):
        here.apply(isvc("a"))
        await until(lambda: here.names("ingresses"))
        here.apply(isvc("a-predictor"))
        await until(lambda: here.ready("a-predictor").get("reason") == "HostTaken")
        message = here.ready("a-predictor")["message"]
        assert f"the host a-predictor.example.com belongs to {here.name}/a, which is older" in message
        assert here.names("deployments") == ["a-predictor", "a-predictor-predictor"]
        assert here.names("ingresses") == ["a"]

        here.run("delete", "isvc", "a")
        await until(lambda: "a-predictor" in here.names("ingresses"))


async def test_what_has_no_effect_is_said_by_an_event_and_in_status(
    kubeconfig: Path, here: Namespace
) -> None:
    async with controlling(kubeconfig, here.name):
        here.apply(isvc(minReplicas=0))
        await until(lambda: "minReplicas" in here.read("isvc", "iris")["status"]["annotations"][IGNORED])
        await until(lambda: [r for _, r, _ in here.events() if r == "IgnoredSetting"] == ["IgnoredSetting"])


async def test_runtimes_that_are_invalid_or_alike_are_told_so(
    kubeconfig: Path, here: Namespace, lenient: None
) -> None:
    broken = {**RUNTIME, "metadata": {"name": "broken"}, "spec": {**RUNTIME["spec"], "containers": []}}
    async with controlling(kubeconfig, here.name):
        here.apply(broken, {**RUNTIME, "metadata": {"name": "twin"}})
        await until(lambda: [r for _, r, _ in here.events("broken")] == ["RuntimeInvalid"])
        await until(lambda: "RuntimeConflict" in [r for _, r, _ in here.events("twin")])
