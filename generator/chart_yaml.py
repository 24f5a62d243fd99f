"""Chart.yaml of each chart: one version everywhere, and what Artifact Hub shows."""

from collections.abc import Sequence
from typing import Any

from generator.markdown import NOTICE
from generator.yaml_text import to_yaml
from kserve_lite import __version__
from kserve_lite.api.marks import Kind
from kserve_lite.resolve.images import images

HOME = "https://github.com/kserve-lite/kserve-lite"
OLDEST = ">=1.29.0-0"
"""CEL rules in CRDs are of general use from here on."""

DESCRIPTIONS = {
    "kserve-lite": (
        "KServe's InferenceService without the platform. Controller, CRDs, runtimes and models in one chart."
    ),
    "kserve-lite-crds": (
        "The CRDs of kserve-lite and nothing else, for those who upgrade them apart from the controller."
    ),
    "kserve-lite-models": (
        "Models for a kserve-lite that is already installed. Needs no rights in the cluster beyond its namespace."
    ),
}
EXAMPLE = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "sklearn-iris"},
    "spec": {"predictor": {"sklearn": {"storageUri": "gs://kfserving-examples/models/sklearn/1.0/model"}}},
}


def chart_yaml(name: str, kinds: Sequence[Kind]) -> str:
    """Return Chart.yaml of the chart `name`."""
    annotations = {
        "artifacthub.io/category": "ai-machine-learning",
        "artifacthub.io/license": "Apache-2.0",
        "artifacthub.io/links": to_yaml([{"name": "source", "url": HOME}]),
    }
    if name != "kserve-lite-models":
        annotations["artifacthub.io/crds"] = to_yaml([_crd(kind) for kind in kinds])
    if name == "kserve-lite":
        annotations["artifacthub.io/crdsExamples"] = to_yaml([EXAMPLE])
        listed = {one.reference: one.use for one in reversed(images())}
        annotations["artifacthub.io/images"] = to_yaml(
            [{"name": use, "image": image} for image, use in reversed(listed.items())]
        )
    return f"# {NOTICE}\n" + to_yaml(
        {
            "apiVersion": "v2",
            "name": name,
            "description": DESCRIPTIONS[name],
            "type": "application",
            "version": __version__,
            "appVersion": __version__,
            "kubeVersion": OLDEST,
            "home": HOME,
            "sources": [HOME],
            "keywords": ["kserve", "inference", "machine-learning", "scikit-learn"],
            "maintainers": [{"name": "kserve-lite", "url": HOME}],
            "annotations": annotations,
        }
    )


def _crd(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "version": kind.version,
        "name": f"{kind.plural}.{kind.group}",
        "displayName": kind.name,
        "description": (kind.model.__doc__ or kind.name).strip().splitlines()[0],
    }
