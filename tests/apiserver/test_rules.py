"""The API server refuses what `kserve-lite validate` refuses, in the same words, and knows each rule's cost."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kserve_lite.api import RULES
from kserve_lite.api.manifests import load
from kserve_lite.api.problems import InvalidObject
from tests.api.examples import cases, manifest
from tools.apiserver import ApiServer
from tools.build import program

CRDS = Path(__file__).parents[2] / "schemas" / "crds"
IN_CRD = {rule.id for rule in RULES if rule.in_crd}


pytestmark = pytest.mark.usefixtures("installed")


def said(apiserver: ApiServer, verb: str, value: dict[str, Any], *arguments: str) -> str:
    """What the API server says against an object; nothing when it takes it."""
    command = [program("kubectl"), f"--kubeconfig={apiserver.kubeconfig}", verb, *arguments, "-f", "-"]
    done = subprocess.run(command, input=json.dumps(value), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def many(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": values}


def test_it_takes_every_valid_example(apiserver: ApiServer) -> None:
    values = many([manifest(case) for case in cases("valid.yaml")])

    assert said(apiserver, "create", values, "--dry-run=server") == ""


REFUSED = [case for case in cases("refused.yaml") if case["code"] in IN_CRD and "old" not in case]


def test_it_refuses_what_rules_refuse_with_the_same_id_message_and_remedy(apiserver: ApiServer) -> None:
    for case in REFUSED:
        value = manifest(case)
        with pytest.raises(InvalidObject) as caught:
            load(value)
        (problem,) = caught.value.problems
        answer = said(apiserver, "create", value, "--dry-run=server", "--validate=ignore")
        assert f"{problem.code}: {problem.message}; {problem.remedy}" in answer, case


def test_it_refuses_a_forbidden_change(
    apiserver: ApiServer, kubectl: Callable[..., str], namespace: str
) -> None:
    changes = [case for case in cases("refused.yaml") if "old" in case]
    assert {case["code"] for case in changes} == {rule.id for rule in RULES if rule.transition}
    for case in changes:
        kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest(case, "old")))
        answer = said(apiserver, "replace", manifest(case), "-n", namespace, "--dry-run=server")
        assert f"{case['code']}: " in answer, case


def test_it_refuses_a_rule_over_a_list_without_bound(apiserver: ApiServer) -> None:
    text = (CRDS / "serving.kserve.io_servingruntimes.yaml").read_text()
    crd = YAML(typ="safe").load(text)
    unbound = copy.deepcopy(crd)
    spec = unbound["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"]["supportedModelFormats"]["maxItems"]

    assert said(apiserver, "apply", crd, "--dry-run=server") == ""
    assert "estimated rule cost exceeds budget" in said(apiserver, "apply", unbound, "--dry-run=server")
