"""What a Deployment's pods were made of beside the user's words, so that a changed runtime or setting restarts none.

The pin is written on the Deployment, not on its pods. While the words of the user are the same, the pod template is the
pinned one; when they changed but still mean the same pods, these are rendered from the pinned runtime and settings;
else from what is installed now.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel

from kserve_lite.api.config import Config, PodDefaults, Propagation, Storage
from kserve_lite.resolve.effective import Component, Kept
from kserve_lite.resolve.plain import digest, plain
from kserve_lite.resolve.platform import Platform
from kserve_lite.resolve.runtime import Format, Runtime

REVISION = "serving.kserve.io/runtime-revision"
"""Annotation of a Deployment: name and hash of the runtime and settings that its pods are made of."""
PIN = "serving.kserve.io/runtime-pin"
"""Annotation of a Deployment: that runtime and those settings, and a hash of the pods that they came to."""
PODS = "serving.kserve.io/runtime-pods"
"""Annotation of a Deployment: a hash of the user's words, and the pod template that was made of them, compressed."""

PINNING = frozenset({REVISION, PIN, PODS})
"""All that is read of a live Deployment."""

# What the pod template is made of.
_TEMPLATE = ("container", "others", "pod", "storage", "credentials", "labels", "annotations")
_SETTINGS: dict[str, type[BaseModel]] = {"pods": PodDefaults, "storage": Storage, "propagation": Propagation}


@dataclass(frozen=True)
class Pin:
    """What the pods of a component were made of, and the fingerprint of the result."""

    runtime: Runtime | None
    settings: Mapping[str, Any]
    fingerprint: str

    def over(self, config: Config) -> Config:
        """Return the configuration with the settings that reach into pods as they were."""
        return config.model_copy(update=dict(self.settings))


def revision(platform: Platform) -> str:
    """Return name and hash of a runtime and the settings that reach into pods."""
    name = platform.runtime.name if platform.runtime else "own"
    return f"{name}@{platform.digest}"


def fingerprint(component: Component) -> str:
    """Return a hash of everything that the pod template is made of.

    What is empty does not count, so that a later release may know more than this one without a change of the hash.
    """
    return digest({name: _filled(plain(getattr(component, name))) for name in _TEMPLATE})


def written(component: Component, template: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations that pin the component with the pod template that it came to."""
    if component.kept is not None:
        return dict(component.kept.annotations)
    pin = {**component.platform.plain, "fingerprint": fingerprint(component)}
    return {
        REVISION: revision(component.platform),
        PIN: json.dumps(pin, separators=(",", ":"), sort_keys=True),
        PODS: f"{component.intent}.{packed(template)}",
    }


def read(annotations: Mapping[str, str]) -> Pin | None:
    """Return the pin of a live Deployment; None if it has none that can be read, so that it is made anew."""
    try:
        found = json.loads(annotations[PIN])
        settings = {name: _known(kind, found.get(name) or {}) for name, kind in _SETTINGS.items()}
        runtime = _runtime(found["runtime"]) if found.get("runtime") else None
        return Pin(runtime, settings, str(found["fingerprint"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def kept(annotations: Mapping[str, str], intent: str) -> Kept | None:
    """Return what stays of a live Deployment while the user's words are the same; None if they are not."""
    found, _, packed = annotations.get(PODS, "").partition(".")
    template = _unpacked(packed) if found == intent else None
    if template is None:
        return None
    return Kept(template, {name: annotations[name] for name in (REVISION, PIN, PODS)})


def packed(template: Mapping[str, Any]) -> str:
    """Return a pod template as an annotation holds it: a fifth of its text."""
    text = json.dumps(template, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpacked(text: str) -> Mapping[str, Any] | None:
    try:
        template = json.loads(zlib.decompress(base64.b64decode(text)))
    except (ValueError, zlib.error):
        return None
    return template if isinstance(template, dict) else None


def _known(kind: type[BaseModel], value: Mapping[str, Any]) -> BaseModel:
    """Read settings that another release may have written: what this one does not know has no meaning here."""
    names = {field.alias or name for name, field in kind.model_fields.items()}
    return kind.model_validate({name: one for name, one in value.items() if name in names}, by_name=False)


def _runtime(value: Mapping[str, Any]) -> Runtime:
    names = {field.name for field in fields(Runtime)}
    known = {name: one for name, one in value.items() if name in names}
    lists = {name: tuple(known[name]) for name in ("protocols", "containers")}
    return Runtime(**{**known, **lists, "formats": tuple(Format(**one) for one in known["formats"])})


def _filled(value: Any) -> Any:
    """Return plain JSON without what is empty, false or null."""
    if isinstance(value, dict):
        kept = {key: _filled(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one or (one == 0 and one is not False)}
    return [_filled(one) for one in value] if isinstance(value, list) else value
