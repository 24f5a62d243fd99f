"""The init containers that download models: ours, or the administrator's for the URIs that it claims.

No value of a Secret is written here. Secrets are mounted by name into these containers alone, `optional`, so that one
that is missing is told by the step, in words, and not by a pod that never starts.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

from kserve_lite.resolve.containers import merge
from kserve_lite.resolve.defaults import secured
from kserve_lite.resolve.effective import Component, Fetcher, Storage

NAME = "storage-initializer"
SECRETS = "/var/secrets/storage"
STORES = "/var/secrets/storage-config"
AUTHORITIES = "/etc/ssl/custom-certs"
AUTHORITIES_S3 = "/etc/ssl/s3-certs"
BUNDLE = "cabundle.crt"

# Variables of the model's container that speak of storage: said once, for the server and for what fetches its model.
PASSED_ON = (
    "STORAGE_", "AWS_", "S3_", "awsAnonymousCredential", "GOOGLE_", "AZURE_", "AZ_", "HF_", "GIT_", "MLFLOW_TRACKING_",
    "HDFS_", "HADOOP_", "KSERVE_OCI_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
NOT_PASSED_ON = ("STORAGE_URI",)

Object = dict[str, Any]


def initializers(component: Component, mounts: Sequence[Object]) -> tuple[list[Object], list[Object]]:
    """Return the init containers in the order of their steps, and the volumes beside the destinations' in `mounts`."""
    volumes, references = _references(component)
    containers = [
        _container(component, fetcher, steps, [*mounts, *references]) for fetcher, steps in _groups(component)
    ]
    if any(".git" in step.uri for step in component.storage):  # a pack is assembled before it is read
        volumes.append({"name": "storage-tmp", "emptyDir": {}})
        for container in containers:
            container["volumeMounts"].append({"name": "storage-tmp", "mountPath": "/tmp"})
    for index, container in enumerate(containers):
        container["name"] = NAME if index == 0 else f"{NAME}-{index + 1}"
    return [_as_written(component, container) for container in containers], volumes


def _groups(component: Component) -> Iterator[tuple[Fetcher | None, list[Storage]]]:
    """Yield which container fetches which steps: all in one, but for one that takes a single URI."""
    steps = [step for step in component.storage if step.mode == "download"]

    def name(step: Storage) -> str:
        return step.fetcher.name if step.fetcher else ""

    for _, group in groupby(sorted(steps, key=name), key=name):
        found = list(group)
        if (fetcher := found[0].fetcher) is None or fetcher.many:
            yield fetcher, found
        else:
            yield from ((fetcher, [step]) for step in found)


def _container(
    component: Component, fetcher: Fetcher | None, steps: Sequence[Storage], mounts: Sequence[Object]
) -> Object:
    settings = component.platform.storage.initializer
    container: Object = {
        "name": NAME,
        "image": settings.image,
        "args": [part for step in steps for part in (step.uri, step.mount_path)],
        "env": _variables(component, steps),
        "resources": dict(settings.resources),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [dict(mount) for mount in mounts],
    }
    if from_ := component.container.get("envFrom"):
        container["envFrom"] = list(from_)
    if fetcher is None:
        container["securityContext"] = {"readOnlyRootFilesystem": True}
        return secured(container)
    # It reads variables, as KServe's does: a Secret's entries reach it by reference.
    secrets = [{"secretRef": {"name": name, "optional": True}} for name in component.credentials.secrets]
    container["envFrom"] = [*container.get("envFrom", ()), *secrets]
    own = {key: value for key, value in fetcher.container.items() if key not in ("name", "args")}
    merged = merge(container, own)
    return secured({**merged, "args": [*(fetcher.container.get("args") or ()), *container["args"]]})


def _as_written(component: Component, container: Object) -> Object:
    """Lay the user's own init container of this name over ours: resources or a user of one model, for instance."""
    written = component.pod.get("initContainers") or ()
    return next((merge(container, own) for own in written if own.get("name") == container["name"]), container)


def _variables(component: Component, steps: Sequence[Storage]) -> list[Object]:
    """Return its variables: the platform's, the annotations', those of the model's container, where things are."""
    given = component.credentials
    platform = component.platform.storage
    found: dict[str, Object] = {
        name: {"name": name, "value": value}
        for name, value in [*platform.initializer.env.items(), *given.env]
    }
    for variable in component.container.get("env") or ():
        if variable["name"].startswith(PASSED_ON) and variable["name"] not in NOT_PASSED_ON:
            found[variable["name"]] = dict(variable)
    for name, value in _places(component, steps):
        found[name] = {"name": name, "value": value}
    return list(found.values())


def _places(component: Component, steps: Sequence[Storage]) -> Iterator[tuple[str, str]]:
    """Yield where the step finds what is mounted for it."""
    given = component.credentials
    if _secrets(component):
        yield "STORAGE_SECRETS_DIR", SECRETS
    for store in (step.store for step in steps if step.store):
        yield "STORAGE_CONFIG_DIR", STORES
        yield "STORAGE_CONFIG_KEY", store.key
        if store.parameters:
            yield "STORAGE_OVERRIDE_CONFIG", json.dumps(dict(store.parameters))
    if name := component.platform.storage.ca_bundle_config_map:
        yield "CA_BUNDLE_CONFIGMAP_NAME", name
        yield "CA_BUNDLE_VOLUME_MOUNT_POINT", AUTHORITIES
    if given.authorities:
        yield "AWS_CA_BUNDLE", f"{AUTHORITIES_S3}/{BUNDLE}"


def _references(component: Component) -> tuple[list[Object], list[Object]]:
    """Return volumes and mounts of Secrets and ConfigMaps, each by its name and none of them required."""
    volumes: list[Object] = []
    mounts: list[Object] = []

    def add(name: str, source: Object, path: str) -> None:
        volumes.append({"name": name, **source})
        mounts.append({"name": name, "mountPath": path, "readOnly": True})

    for name in _secrets(component):
        add(_label("storage-secret", name), _secret(name), f"{SECRETS}/{name}")
    for store in [step.store for step in component.storage if step.store][:1]:
        add("storage-config", _secret(store.secret, store.key), STORES)
    if name := component.platform.storage.ca_bundle_config_map:
        add("cabundle-cert", {"configMap": {"name": name, "optional": True}}, AUTHORITIES)
    if name := component.credentials.authorities:
        add("cabundle-cert-s3", {"configMap": {"name": name, "optional": True}}, AUTHORITIES_S3)
    return volumes, mounts


def _secrets(component: Component) -> list[str]:
    """Return the Secrets to mount; those for pulling images only where an image is downloaded."""
    images = any(step.mode == "download" and step.uri.startswith("oci") for step in component.storage)
    given = component.credentials
    return list(dict.fromkeys([*given.secrets, *(given.pull_secrets if images else ())]))


def _secret(name: str, *keys: str) -> Object:
    items = {"items": [{"key": key, "path": key} for key in keys]} if keys else {}
    return {"secret": {"secretName": name, "optional": True, **items}}


def _label(prefix: str, name: str) -> str:
    """Return the name of a volume: a DNS label, which the name of a Secret need not be."""
    label = f"{prefix}-{name}"
    if len(label) <= 63 and "." not in name:
        return label
    return f"{prefix}-{sha256(name.encode()).hexdigest()[:16]}"
