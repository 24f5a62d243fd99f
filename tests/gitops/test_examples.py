"""What `examples/gitops` would install: rendered from its own sources, without a cluster."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.conftest import CLONE, runner

EXAMPLES = CLONE / "examples" / "gitops"
REPOSITORY = "https://github.com/kserve-lite/kserve-lite"

Object = dict[str, Any]


def documents(folder: str) -> dict[str, Object]:
    return {
        path.name: yaml.safe_load(path.read_text()) for path in sorted((EXAMPLES / folder).glob("*.yaml"))
    }


def argo_sources() -> dict[str, Object]:
    """The source of every Application, those that the ApplicationSet makes included, with the namespace it goes to."""
    found = {}
    for one in documents("argocd").values():
        if one["kind"] == "Application" and "directory" not in one["spec"]["source"]:
            found[one["metadata"]["name"]] = {
                **one["spec"]["source"],
                "to": one["spec"]["destination"]["namespace"],
            }
        if one["kind"] == "ApplicationSet":
            (generator,) = one["spec"]["generators"]
            for path in CLONE.glob(generator["git"]["files"][0]["path"]):
                text = json.dumps(one["spec"]["template"]).replace("{{.path.basename}}", path.parent.name)
                made = json.loads(text)
                found[made["metadata"]["name"]] = {
                    **made["spec"]["source"],
                    "to": made["spec"]["destination"]["namespace"],
                }
    return found


def render(
    chart: str, release: str, namespace: str, values: Object, *options: str, home: Path
) -> list[Object]:
    given = home / "values.yaml"
    given.write_text(yaml.safe_dump(values))
    done = runner("helm", home)(
        "template", release, str(CLONE / chart), "--namespace", namespace, "--values", str(given), *options
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one]


def of_argo(source: Object, home: Path) -> list[Object]:
    """Argo CD renders CRDs of `crds/` unless told to skip them."""
    helm = source.get("helm") or {}
    values = helm.get("valuesObject") or {}
    for file in helm.get("valueFiles") or ():
        values |= yaml.safe_load((CLONE / file.lstrip("/")).read_text())
    options = () if helm.get("skipCrds") else ("--include-crds",)
    return render(source["path"], helm.get("releaseName", "x"), source["to"], values, *options, home=home)


def names(objects: list[Object], namespace: str) -> set[tuple[str, str, str]]:
    return {
        (one["kind"], one["metadata"].get("namespace", namespace), one["metadata"]["name"]) for one in objects
    }


def test_no_object_belongs_to_two_applications(tmp_path: Path) -> None:
    owners = Counter(
        name for source in argo_sources().values() for name in names(of_argo(source, tmp_path), source["to"])
    )
    assert [name for name, count in owners.items() if count > 1] == []


def test_every_file_of_a_model_becomes_exactly_that_model(tmp_path: Path) -> None:
    wanted = {path.parent.name for path in EXAMPLES.glob("models/*/model.yaml")}
    assert wanted
    made = {
        kind_name[2]
        for source in argo_sources().values()
        for kind_name in names(of_argo(source, tmp_path), source["to"])
        if kind_name[0] == "InferenceService"
    }
    assert made == wanted


def test_the_crds_are_those_of_the_crds_application_and_of_no_other(tmp_path: Path) -> None:
    owner = {
        name
        for name, source in argo_sources().items()
        if any(one["kind"] == "CustomResourceDefinition" for one in of_argo(source, tmp_path))
    }
    assert owner == {"kserve-lite-crds"}


def test_waves_bring_crds_before_the_controller_before_models() -> None:
    wave = {
        name: int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for name, one in documents("argocd").items()
        if "annotations" in one["metadata"]
    }
    assert wave["crds.yaml"] < wave["controller.yaml"] < wave["models.yaml"]


def test_no_helm_hook_but_the_test_reaches_argo_and_no_template_has_a_hook_of_argo(tmp_path: Path) -> None:
    for source in argo_sources().values():
        hooks = {
            one["metadata"].get("annotations", {}).get("helm.sh/hook") for one in of_argo(source, tmp_path)
        } - {None}
        assert hooks <= {"test"}
    for template in CLONE.glob("charts/*/templates/*"):
        assert "argocd.argoproj.io/hook" not in template.read_text()


@pytest.mark.parametrize("name", ["crds.yaml", "controller.yaml", "model.yaml"])
def test_a_helm_release_of_flux_renders(name: str, tmp_path: Path) -> None:
    release = documents("flux")[name]
    spec = release["spec"]
    assert spec["chart"]["spec"]["sourceRef"]["name"] == documents("flux")["source.yaml"]["metadata"]["name"]
    chart = spec["chart"]["spec"]["chart"]
    assert render(
        chart, spec["releaseName"], spec["targetNamespace"], spec.get("values") or {}, home=tmp_path
    )


def test_flux_waits_for_what_a_release_depends_on() -> None:
    releases = {
        one["metadata"]["name"]: one["spec"]
        for one in documents("flux").values()
        if one["kind"] == "HelmRelease"
    }
    depends = {name: [one["name"] for one in spec.get("dependsOn", ())] for name, spec in releases.items()}
    assert depends == {
        "kserve-lite-crds": [],
        "kserve-lite": ["kserve-lite-crds"],
        "model-iris": ["kserve-lite"],
    }


def test_every_example_comes_from_one_address_that_a_reader_puts_his_own_in_the_place_of() -> None:
    for path in EXAMPLES.rglob("*.yaml"):
        for address in re.findall(r"(?:repoURL|url): (\S+)", path.read_text()):
            assert address == REPOSITORY, path
