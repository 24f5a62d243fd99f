"""A real API server takes the committed CRDs from plain client-side apply, and agrees with the structural checker."""

import copy
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generator.faults import BAD, GOOD, GOOD_CHANGES, STRICTER, Change
from tools.apiserver import ApiServer
from tools.build import program

CRDS = Path(__file__).parents[2] / "schemas" / "crds"
Kubectl = Callable[..., str]

SERVICE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "iris"},
    "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://models/iris"}}},
}


def refusal(apiserver: ApiServer, document: object, *arguments: str) -> str:
    """What the API server says against a document; nothing when it would take it."""
    command = [program("kubectl"), f"--kubeconfig={apiserver.kubeconfig}", *arguments, "-f", "-"]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def test_client_side_apply_takes_all_six_and_then_finds_nothing_to_change(
    installed: str, kubectl: Kubectl
) -> None:
    # "configured" where another test of this server was first.
    assert len(re.findall(r" (created|configured|unchanged)\n", installed)) == 6
    again = kubectl("apply", "-f", str(CRDS))
    assert again.count(" unchanged\n") == 6
    assert kubectl("diff", "-f", str(CRDS)) == ""


@pytest.mark.usefixtures("installed")
def test_every_condition_of_every_crd_is_clean(kubectl: Kubectl) -> None:
    for crd in json.loads(kubectl("get", "-f", str(CRDS), "-o", "json"))["items"]:
        conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
        assert conditions == {"NamesAccepted": "True", "Established": "True"}, crd["metadata"]["name"]


@pytest.mark.usefixtures("installed")
def test_short_names_and_columns_are_kserves(kubectl: Kubectl, namespace: str) -> None:
    kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(SERVICE))
    head, row = kubectl("-n", namespace, "get", "isvc", "-o", "wide").splitlines()
    expected = "NAME URL READY PREV LATEST PREVROLLEDOUTREVISION LATESTREADYREVISION AGE REASON"
    assert head.split() == expected.split()
    assert row.startswith("iris ")
    assert "iris" in kubectl("-n", namespace, "get", "kserve")


@pytest.mark.usefixtures("installed")
def test_a_typo_and_a_wrong_type_are_refused_with_their_path(apiserver: ApiServer, namespace: str) -> None:
    create = ("-n", namespace, "create", "--dry-run=server")
    assert refusal(apiserver, SERVICE, *create) == ""
    typo = copy.deepcopy(SERVICE)
    typo["spec"]["predictor"]["model"]["storageURI"] = "gs://models/iris"  # type: ignore[index]
    assert 'unknown field "spec.predictor.model.storageURI"' in refusal(apiserver, typo, *create)
    wrong = copy.deepcopy(SERVICE)
    wrong["spec"]["predictor"]["minReplicas"] = "two"  # type: ignore[index]
    assert "spec.predictor.minReplicas" in refusal(apiserver, wrong, *create)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("memory", "taken"), [("1Gi", True), (1073741824, True), (1.5, False), (True, False)]
)
def test_a_quantity_is_an_integer_or_a_string(
    apiserver: ApiServer, namespace: str, memory: object, taken: bool
) -> None:
    service = copy.deepcopy(SERVICE)
    service["spec"]["predictor"]["model"]["resources"] = {"limits": {"memory": memory}}  # type: ignore[index]
    said = refusal(apiserver, service, "-n", namespace, "create", "--dry-run=server")
    assert (said == "") == taken
    assert taken or "limits.memory" in said


@pytest.mark.usefixtures("installed")
def test_two_owners_share_a_list_by_its_keys(kubectl: Kubectl, namespace: str) -> None:
    for manager, name, port in (("one", "A", 8080), ("two", "B", 8081)):
        service = copy.deepcopy(SERVICE)
        service["spec"] = {
            "predictor": {
                "containers": [
                    {
                        "name": "kserve-container",
                        "image": "x",
                        "env": [{"name": name, "value": "1"}],
                        "ports": [{"containerPort": port}],
                    }
                ]
            }
        }
        document = json.dumps(service)
        kubectl(
            "-n", namespace, "apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=document
        )
    stored = json.loads(kubectl("-n", namespace, "get", "isvc", "iris", "-o", "json"))
    (container,) = stored["spec"]["predictor"]["containers"]
    assert [env["name"] for env in container["env"]] == ["A", "B"]
    assert container["ports"] == [
        {"containerPort": 8080, "protocol": "TCP"},
        {"containerPort": 8081, "protocol": "TCP"},
    ]


@pytest.mark.usefixtures("installed")
def test_what_is_stored_is_what_was_written(kubectl: Kubectl, namespace: str) -> None:
    kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(SERVICE))
    stored = json.loads(kubectl("-n", namespace, "get", "isvc", "iris", "-o", "json"))
    assert stored["spec"] == SERVICE["spec"]


def changed(change: Change) -> object:
    crd = copy.deepcopy(GOOD)
    change(crd)
    return crd


# Neither kubectl's own validation nor the stored object matters here: only what the API server says.
CREATE = ("create", "--validate=false", "--dry-run=server")


@pytest.mark.parametrize("change", [lambda crd: None, *GOOD_CHANGES])
def test_the_api_server_takes_what_the_checker_takes(apiserver: ApiServer, change: Change) -> None:
    assert refusal(apiserver, changed(change), *CREATE) == ""


@pytest.mark.parametrize(
    ("rule", "change"), [pytest.param(rule, change, id=f"{n}-{rule}") for n, (rule, change) in enumerate(BAD)]
)
def test_the_api_server_refuses_what_the_checker_refuses(
    apiserver: ApiServer, rule: str, change: Change
) -> None:
    said = refusal(apiserver, changed(change), *CREATE)
    assert (said == "") == (rule in STRICTER), said
