"""Why a container does not start: its image, what it reads, its command."""

from __future__ import annotations

import re

from kserve_lite.controller.findings.finding import Finding
from kserve_lite.controller.findings.pod import Container

_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_COMMAND = frozenset(
    {"CreateContainerError", "RunContainerError", "ContainerCannotRun", "StartError", "PostStartHookError"}
)
_DENIED = re.compile(r"\b(401|403)\b|unauthorized|denied|authentication required", re.IGNORECASE)
_ABSENT = re.compile(r"not found|manifest unknown|\b404\b", re.IGNORECASE)
_UNREACHED = re.compile(r"no such host|connection refused|i/o timeout|dial tcp", re.IGNORECASE)


def image(container: Container) -> Finding | None:
    """The image cannot be had."""
    waiting = container.waiting
    if waiting is None or waiting.get("reason") not in _IMAGE:
        return None
    message = str(waiting.get("message") or waiting["reason"])
    name = container.status.get("image") or ""
    return Finding("ImagePullFailed", container.place, f"image {name}: {message}", _image_remedy(message))


def _image_remedy(message: str) -> str:
    if _DENIED.search(message):
        return "add imagePullSecrets with the registry's credentials, and check the name"
    if _ABSENT.search(message):
        return "check the image's name and tag"
    if _UNREACHED.search(message):
        return "the node does not reach the registry: check its name and the network"
    return ""


def config(container: Container) -> Finding | None:
    """A Secret or ConfigMap that it reads is not there."""
    waiting = container.waiting
    if waiting is None or waiting.get("reason") != "CreateContainerConfigError":
        return None
    return Finding(
        "ConfigMissing", container.place, str(waiting.get("message") or "its configuration is missing")
    )


def command(container: Container) -> Finding | None:
    """Its command cannot be started."""
    waiting = container.waiting
    if waiting is not None and waiting.get("reason") in _COMMAND:
        return Finding(
            "ContainerCannotStart", container.place, str(waiting.get("message") or waiting["reason"])
        )
    ended = container.ended
    if ended is not None and ended.get("reason") in _COMMAND and not container.ready:
        return Finding(
            "ContainerCannotStart",
            container.place,
            str(ended.get("message") or ended["reason"]),
            exit_code=ended.get("exitCode"),
            time=ended.get("finishedAt"),
        )
    return None
