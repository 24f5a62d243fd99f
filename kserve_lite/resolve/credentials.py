"""Which credentials the storage step of a pod gets: names of Secrets and settings that are none. No Secret is read.

A pod mounts the Secrets by name and the step reads their entries; so what KServe reads from annotations *on a Secret*
must be said elsewhere: as entries of the Secret, or as the same annotations on the ServiceAccount or InferenceService
(decision 0042).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kserve_lite.api.problems import Problem

GROUP = "serving.kserve.io/"
SECRET_NAMES = (f"{GROUP}storageSecretName", f"{GROUP}secretName")  # in KServe's manifests, in its chart
AUTHORITIES = f"{GROUP}s3-cabundle-configmap"
ENDPOINT, PLAIN = f"{GROUP}s3-endpoint", f"{GROUP}s3-usehttps"
_SWITCHES = {
    PLAIN: "S3_USE_HTTPS",
    f"{GROUP}s3-verifyssl": "S3_VERIFY_SSL",
    f"{GROUP}s3-useanoncredential": "awsAnonymousCredential",
    f"{GROUP}s3-usevirtualbucket": "S3_USER_VIRTUAL_BUCKET",
    f"{GROUP}s3-useaccelerate": "S3_USE_ACCELERATE",
}
_TEXTS = {f"{GROUP}s3-region": "AWS_DEFAULT_REGION", f"{GROUP}s3-cabundle": "AWS_CA_BUNDLE"}
_VARIABLES = {**_SWITCHES, **_TEXTS}
SETTINGS = frozenset({*_VARIABLES, ENDPOINT})
"""Annotations that stand for variables of the storage step."""
_S3, _S3_KNOWN = f"{GROUP}s3-", SETTINGS | {AUTHORITIES}
_TRUE, _FALSE = ("1", "true"), ("0", "false")

# A pod with this label gets an Azure identity from the workload identity webhook.
AZURE_IDENTITY = "azure.workload.identity/client-id"
AZURE_LABEL = ("azure.workload.identity/use", "true")


@dataclass(frozen=True)
class Account:
    """What counts of a ServiceAccount: the Secrets that it lists, and its annotations."""

    name: str = "default"
    secrets: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, manifest: Mapping[str, Any]) -> "Account":
        """Read a ServiceAccount as the API server gives it.

        Secrets that Kubernetes or OpenShift made for the account itself are left out: they open no store.
        """
        metadata = manifest.get("metadata") or {}
        name = str(metadata.get("name", "default"))
        own = (f"{name}-token-", f"{name}-dockercfg-")
        listed = (str(item.get("name", "")) for item in manifest.get("secrets") or ())
        return cls(
            name,
            tuple(secret for secret in listed if secret and not secret.startswith(own)),
            tuple(str(item["name"]) for item in manifest.get("imagePullSecrets") or () if item.get("name")),
            tuple(sorted((metadata.get("annotations") or {}).items())),
        )


@dataclass(frozen=True)
class Store:
    """The entry `key` of the Secret that holds stores, which `storage` names; `parameters` go before what it says."""

    secret: str
    key: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Credentials:
    """References only: `secrets` are mounted, `env` holds settings, `authorities` is a ConfigMap with a CA for S3."""

    secrets: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    authorities: str = ""
    labels: tuple[tuple[str, str], ...] = ()


NO_CREDENTIALS = Credentials()


def account_name(pod: Mapping[str, Any]) -> str:
    """Return the name of the ServiceAccount that a pod runs as."""
    return str(pod.get("serviceAccountName") or pod.get("serviceAccount") or "default")


def credentials(
    annotations: Mapping[str, str],
    account: Account,
    pod: Mapping[str, Any],
    *,
    by_store: bool = False,
) -> tuple[Credentials, list[Problem]]:
    """Return what a step may use: that of the InferenceService's annotations before that of the ServiceAccount.

    An annotation that names a Secret replaces those of the account, as in KServe; with `storage` (`by_store`) it names
    the Secret with the stores instead.
    """
    owner = f"ServiceAccount/{account.name}.metadata.annotations"
    its_own = dict(account.annotations)
    env, problems = _settings(its_own, owner)
    own_env, wrong = _settings(annotations, "metadata.annotations")
    named = secret_name(annotations)
    pulls = [str(item["name"]) for item in pod.get("imagePullSecrets") or () if item.get("name")]
    found = Credentials(
        secrets=(named,) if named and not by_store else account.secrets,
        pull_secrets=tuple(dict.fromkeys([*pulls, *account.pull_secrets])),
        env=tuple(sorted({**env, **own_env}.items())),
        authorities=annotations.get(AUTHORITIES) or its_own.get(AUTHORITIES, ""),
        labels=(AZURE_LABEL,) if AZURE_IDENTITY in its_own else (),
    )
    return found, [*problems, *wrong]


def secret_name(annotations: Mapping[str, str]) -> str | None:
    """Return the Secret that the InferenceService names by annotation."""
    return next((annotations[name] for name in SECRET_NAMES if annotations.get(name)), None)


def named_store(storage: Mapping[str, Any], annotations: Mapping[str, str], default: str) -> Store:
    """Return the store that `storage: {key, parameters}` means; without a key it is a default one, as in KServe."""
    parameters: Mapping[str, str] = storage.get("parameters") or {}
    kind = parameters.get("type")
    return Store(
        secret_name(annotations) or default,
        storage.get("key") or (f"default_{kind}" if kind else "default"),
        tuple(sorted(parameters.items())),
    )


def _settings(annotations: Mapping[str, str], owner: str) -> tuple[dict[str, str], list[Problem]]:
    """Return the variables that `s3-…` annotations stand for, and those that cannot be read."""
    problems = list(_faults(annotations, owner))
    env = {variable: annotations[name] for name, variable in _VARIABLES.items() if annotations.get(name)}
    if endpoint := annotations.get(ENDPOINT):
        scheme = "http" if annotations.get(PLAIN, "").lower() in _FALSE else "https"
        env["AWS_ENDPOINT_URL"] = endpoint if "://" in endpoint else f"{scheme}://{endpoint}"
    return env, problems


def _faults(annotations: Mapping[str, str], owner: str) -> Iterable[Problem]:
    for name in _SWITCHES:
        if (value := annotations.get(name)) is not None and value.lower() not in (*_TRUE, *_FALSE):
            message = f"'{value}' is neither yes nor no"
            yield Problem("annotation_invalid", f"{owner}[{name}]", message, 'write "1" or "0"')
    yield from _unknown(annotations, owner)


def _unknown(annotations: Mapping[str, str], owner: str) -> Iterator[Problem]:
    """An annotation of this group that nobody reads is most often one spelt wrong."""
    for name in annotations:
        if name.startswith(_S3) and name not in _S3_KNOWN:
            remedy = f"known are {', '.join(sorted(_S3_KNOWN))}"
            yield Problem("annotation_unknown", f"{owner}[{name}]", "it means nothing here", remedy)
