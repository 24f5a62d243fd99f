"""The chart of the CRDs renders what `schemas/crds` holds, for the kinds that are wanted, and keeps them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kserve_lite import __version__
from tests.helm.conftest import CLONE, Helm

CHART = str(CLONE / "charts" / "kserve-lite-crds")
OLDEST = "1.29.0"
"""The oldest Kubernetes that the charts say they run on; `helm template` alone assumes one of its own."""
PLAIN = {
    crd["metadata"]["name"]: crd
    for crd in (
        yaml.load(path.read_text(), yaml.CSafeLoader) for path in (CLONE / "schemas/crds").glob("*.yaml")
    )
}


def rendered(helm: Helm, *settings: str) -> dict[str, Any]:
    arguments = [part for setting in settings for part in ("--set", setting)]
    done = helm("template", "crds", CHART, "--kube-version", OLDEST, *arguments)
    assert done.returncode == 0, done.stderr
    crds = [crd for crd in yaml.load_all(done.stdout, yaml.CSafeLoader) if crd]
    return {crd["metadata"]["name"]: crd for crd in crds}


def test_every_crd_is_rendered_as_it_stands_in_schemas(helm: Helm) -> None:
    crds = rendered(helm)
    assert crds.keys() == PLAIN.keys()
    for name, crd in crds.items():
        assert crd["spec"] == PLAIN[name]["spec"]
        assert crd["metadata"]["annotations"] == {
            "argocd.argoproj.io/sync-options": "ServerSideApply=true,Prune=false",
            "kserve-lite.io/crd-version": __version__,
            "helm.sh/resource-policy": "keep",
        }


@pytest.mark.parametrize(
    "value", yaml.safe_load(Path(CHART, "values.yaml").read_text())["enabled"], ids=lambda value: value
)
def test_a_kind_that_is_not_wanted_is_left_out(helm: Helm, value: str) -> None:
    left = rendered(helm, f"enabled.{value}=false")
    assert PLAIN.keys() - left.keys() == {f"{value.lower()}.serving.kserve.io"}


def test_without_keep_helm_may_delete_them(helm: Helm) -> None:
    for crd in rendered(helm, "keep=false").values():
        assert "helm.sh/resource-policy" not in crd["metadata"]["annotations"]


def test_own_labels_and_annotations_are_added_and_win_over_ours_where_they_are_annotations(
    helm: Helm,
) -> None:
    crds = rendered(
        helm,
        "labels.team=a",
        "global.commonLabels.stage=test",
        "annotations.note=hello",
        r"annotations.argocd\.argoproj\.io/sync-options=Replace=false",
    )
    for crd in crds.values():
        assert crd["metadata"]["labels"]["team"] == "a"
        assert crd["metadata"]["labels"]["stage"] == "test"
        assert crd["metadata"]["labels"]["app.kubernetes.io/instance"] == "crds"
        assert crd["metadata"]["annotations"]["note"] == "hello"
        assert crd["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Replace=false"


def test_rendering_twice_gives_the_same_bytes(helm: Helm) -> None:
    first, second = (helm("template", "crds", CHART, "--kube-version", OLDEST) for _ in range(2))
    assert (first.returncode, first.stdout) == (0, second.stdout)


def test_the_chart_lints_without_a_warning(helm: Helm) -> None:
    linted = helm("lint", "--strict", CHART)
    assert linted.returncode == 0, linted.stdout + linted.stderr
