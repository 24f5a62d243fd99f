"""The containers of explainers that need none of the user's own: ours by `type`, and KServe's for ART."""

from typing import Any

from kserve_lite.api.inferenceservice import Explainer
from kserve_lite.resolve.catalogue import CONTAINER, IMAGE, MODELS
from kserve_lite.resolve.component import Draft
from kserve_lite.resolve.containers import merge

COMMAND = "kserve-lite-explainer"
ART_IMAGE, ART_VERSION = "docker.io/kserve/art-explainer", "v0.20.0"
# Probabilities can be asked for over V2 alone; of a server that speaks both, the explainer takes V2.
BEST_FIRST = ("v2", "v1")


def containers(spec: Explainer, serving: Draft) -> tuple[list[dict[str, Any]], str]:
    """Return the explainer's containers, the one that answers first, and the field that it comes from."""
    if spec.type is not None:
        return [_ours(spec, serving)], "type"
    if spec.art is not None:
        return [_art(spec)], "art"
    own: list[dict[str, Any]] = spec.pod.get("containers") or []
    return own, "containers[0]"


def _ours(spec: Explainer, serving: Draft) -> dict[str, Any]:
    offered = serving.runtime.protocols if serving.runtime else (serving.protocol,)
    protocol = next((one for one in BEST_FIRST if one in offered), serving.protocol)
    background = [f"--background={spec.storage_uris[0].mount_path or MODELS}"] if spec.storage_uris else []
    return {
        "name": CONTAINER,
        "image": _image(serving),
        "command": [COMMAND],
        "args": [
            f"--type={spec.type}",
            *(f"--config={name}={value}" for name, value in sorted((spec.config or {}).items())),
            *background,
            f"--predictor_protocol={protocol}",
        ],
        "securityContext": {"readOnlyRootFilesystem": True},
    }


def _image(serving: Draft) -> str:
    """Return the model server's image, which has the explainer in it: from the mirror that the predictor's is from."""
    image = str(serving.container.get("image") or "")
    ours = IMAGE.rpartition("/")[2].partition(":")[0]
    return image if image.rpartition("/")[2].partition("@")[0].partition(":")[0] == ours else IMAGE


def _art(spec: Explainer) -> dict[str, Any]:
    """KServe's image with KServe's arguments; it speaks V1."""
    art = spec.art
    assert art is not None
    config = [part for name, value in sorted((art.config or {}).items()) for part in (f"--{name}", value)]
    storage = ["--storage_uri", MODELS] if art.storage_uri or art.storage else []
    base = {
        "name": CONTAINER,
        "image": f"{ART_IMAGE}:{art.runtime_version or ART_VERSION}",
        "args": [*storage, "--adversary_type", art.type, *config],
    }
    return merge(base, art.container)
