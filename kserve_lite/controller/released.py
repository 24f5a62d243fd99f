"""The settings with which the controller of a cluster runs, as its release wrote them into a ConfigMap."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kserve_lite.api.yaml import parse
from kserve_lite.controller.kinds import CONFIG_MAP
from kserve_lite.controller.runtime.kube import ApiError, Kube

FILE = "config.yaml"
RELEASES = "app.kubernetes.io/name=kserve-lite,helm.sh/chart"


@dataclass(frozen=True)
class Released:
    """The settings, where they are, and what there is to say when it is not clear which ones count."""

    settings: Any = field(default_factory=dict)
    place: str = ""
    said: str = ""


async def released(kubeconfig: Path | None, context: str | None, namespace: str | None) -> Released:
    """Read them; who may only look into a namespace looks there. Raises `ApiError` when the cluster cannot be read."""
    kube = Kube.connect(kubeconfig, context)
    try:
        try:
            found = await _config_maps(kube, "")
        except ApiError as error:
            if error.code != 403:
                raise
            try:
                found = await _config_maps(kube, namespace or kube.namespace or "default")
            except ApiError as again:
                if again.code != 403:
                    raise
                found = []
    finally:
        await kube.close()
    if len(found) != 1:
        reason = f"{len(found)} releases of kserve-lite are in sight" if found else "no release is in sight"
        return Released(said=f"{reason}, so default settings are taken; --config names others")
    (one,) = found
    place = f"ConfigMap {one['metadata']['namespace']}/{one['metadata']['name']}"
    values = [document.value for document in parse(one["data"][FILE], place)]
    return Released(values[0] if values else {}, place)


async def _config_maps(kube: Kube, namespace: str) -> list[dict[str, Any]]:
    pages = [page async for page in kube.pages(CONFIG_MAP, namespace, RELEASES)]
    return [one for page in pages for one in page.items if FILE in (one.get("data") or {})]
