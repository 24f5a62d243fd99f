"""What an InferenceService comes to: everything that the pods, or the processes on a laptop, need to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kserve_lite.api.problems import Problem
from kserve_lite.resolve.credentials import NO_CREDENTIALS, Credentials, Store
from kserve_lite.resolve.platform import Platform
from kserve_lite.resolve.ports import Port
from kserve_lite.resolve.route import Routes
from kserve_lite.resolve.runtime import Choice
from kserve_lite.resolve.scaling import Scaling

Role = Literal["predictor", "transformer", "explainer"]

Mode = Literal["download", "claim", "image", "modelcar"]
"""How files come into a pod: fetched before it starts, a volume claim, an image as a volume, an image that runs."""


@dataclass(frozen=True)
class Fetcher:
    """A container of the administrator's that downloads some URIs; `many` says that it takes several at once."""

    name: str
    container: Mapping[str, Any]
    many: bool = False


@dataclass(frozen=True)
class Storage:
    """One storage step: the files of `uri` are at `mount_path` when the container starts; `path` is its field.

    `fetcher` downloads it in place of the storage initializer; `store` names the entry of a Secret with its keys.
    """

    uri: str
    mount_path: str
    path: str
    mode: Mode = "download"
    read_only: bool = True
    fetcher: Fetcher | None = None
    store: Store | None = None

    @property
    def claim(self) -> tuple[str, str] | None:
        """Name and sub path of a volume claim: mounted, not downloaded."""
        if not self.uri.startswith("pvc://"):
            return None
        name, _, sub_path = self.uri.removeprefix("pvc://").partition("/")
        return name, sub_path.strip("/")


@dataclass(frozen=True)
class Kept:
    """The pod template and the pin that a Deployment has already, to be written as they are."""

    template: Mapping[str, Any]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Component:
    """One component as it runs: the containers have their defaults, merged arguments and filled-in names.

    `container` is a Kubernetes Container as JSON, the one that answers; `others` run beside it; `pod` is the rest of
    the PodSpec, without containers. `labels` and `annotations` are those of the pods and of what owns them. `field` is
    where the user declared it (`spec.predictor.sklearn`). The pod template is made of a component and nothing else,
    or is what it was before.
    """

    role: Role
    name: str
    field: str
    container: Mapping[str, Any]
    others: tuple[Mapping[str, Any], ...]
    storage: tuple[Storage, ...]
    protocol: str
    model: str
    probe: str
    port: int
    timeout: int | None
    choice: Choice | None
    pod: Mapping[str, Any]
    ports: tuple[Port, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    scaling: Scaling
    strategy: Mapping[str, Any]
    platform: Platform
    credentials: Credentials = NO_CREDENTIALS
    newer: str = ""
    """The revision of runtime and settings that waits for the next change of the service; empty if there is none."""
    intent: str = ""
    """A hash of the words of the user that the pods are made of."""
    kept: Kept | None = None
    """What the pods were made to before, as long as these words are the same."""


@dataclass(frozen=True)
class Effective:
    """One InferenceService resolved; `hosts` are the names at which it answers, the most particular first.

    `url` is where it answers, from outside if there is a route; `address` inside the cluster; `urls` by component.
    `stopped` says that the user wants nothing of it to run; `notices` what was written and has no effect.
    """

    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    url: str
    address: str
    urls: Mapping[str, str]
    hosts: tuple[str, ...]
    routes: Routes
    predictor: Component
    transformer: Component | None
    explainer: Component | None
    stopped: bool
    notices: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """`namespace/name`, as Kubernetes tools write it."""
        return f"{self.namespace}/{self.name}"

    @property
    def components(self) -> tuple[Component, ...]:
        """The components that there are, in the order of a request."""
        return tuple(c for c in (self.transformer, self.predictor, self.explainer) if c is not None)

    @property
    def entry(self) -> Component:
        """The component that gets the requests."""
        return self.transformer or self.predictor
