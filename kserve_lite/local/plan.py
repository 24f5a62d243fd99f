"""What a pod would do, mapped to this machine: mount paths become private folders, ports free ones. Pure."""

import os.path
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.local.route import Route
from kserve_lite.resolve.catalogue import IMAGE
from kserve_lite.resolve.effective import Component, Effective, Storage

# Flags of the container that name a port or an address of the pod: this machine gives its own.
_PLACED_HERE = ("http_port", "grpc_port", "host", "log_format")


@dataclass(frozen=True)
class Fetch:
    """A storage step as this machine does it: bring what is at `uri` to the folder that stands for `mount_path`."""

    uri: str
    mount_path: str
    path: str
    watched: Path | None


@dataclass(frozen=True)
class Mount:
    """A folder of this machine that stands for a claim's: used in place."""

    folder: Path
    mount_path: str


@dataclass(frozen=True)
class Plan:
    """How one InferenceService runs here; two equal plans need no restart."""

    route: Route
    probe: str
    timeout: int | None
    runtime: str
    field: str
    fetches: tuple[Fetch, ...]
    mounts: tuple[Mount, ...]
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """`namespace/name` of the service."""
        return self.route.key

    def watched(self) -> list[Path]:
        """Return the files and folders of this machine that the model comes from."""
        return [fetch.watched for fetch in self.fetches if fetch.watched] + [
            mount.folder for mount in self.mounts
        ]

    def folders(self, private: Path) -> dict[str, Path]:
        """Return which folder stands for each mount path, longest path first."""
        fetched = {fetch.mount_path: private / f"mount-{i}" for i, fetch in enumerate(self.fetches)}
        both = fetched | {mount.mount_path: mount.folder for mount in self.mounts}
        return dict(sorted(both.items(), key=lambda item: -len(item[0])))

    def command(self, private: Path, http_port: int, grpc_port: int, log_format: str) -> list[str]:
        """Return the container's own arguments with this machine's folders and ports."""
        folders = self.folders(private)
        here = (
            "--host=127.0.0.1",
            f"--http_port={http_port}",
            f"--grpc_port={grpc_port}",
            f"--log_format={log_format}",
        )
        return [*(_moved(arg, folders) for arg in self.args), *here]

    def environment(self, private: Path) -> dict[str, str]:
        """Return the container's variables with this machine's folders."""
        folders = self.folders(private)
        return {name: _moved(value, folders) for name, value in self.env}


def plan(
    service: Effective, folder: Path, mounts: Mapping[str, Path], outside: Mapping[str, str]
) -> Plan | list[Problem]:
    """Map a service to this machine, or say everything that stands against it.

    Relative paths start at `folder`, where the YAML file lies; `mounts` gives the folder of each claim; `outside` are
    this machine's variables, which stand in for those that a pod would read from Secrets and ConfigMaps.
    """
    predictor = service.predictor
    problems = [*_other_components(service), *_foreign_image(predictor)]
    fetches, mounted, wrong = _storage(predictor.storage, folder, mounts)
    env, unknown = _environment(predictor, outside)
    if problems := [*problems, *wrong, *unknown]:
        return problems
    return Plan(
        route=Route(service.key, predictor.model, service.hosts),
        probe=predictor.probe,
        timeout=predictor.timeout,
        runtime=predictor.choice.best.name if predictor.choice and predictor.choice.best else "",
        field=predictor.field,
        fetches=tuple(fetches),
        mounts=tuple(mounted),
        args=tuple(_without(predictor.container.get("args") or (), _PLACED_HERE)),
        env=tuple(env),
    )


def _other_components(service: Effective) -> Iterable[Problem]:
    for component in (service.transformer, service.explainer):
        if component is not None:
            yield Problem(
                "component_not_local",
                component.field,
                f"{service.key} has a {component.role}, which this version does not run on a laptop",
                f"take the {component.role} out of the file for local work; on a cluster it runs",
            )
    if service.predictor.others:
        names = ", ".join(str(container.get("name")) for container in service.predictor.others)
        remedy = "take them out of the file for local work; on a cluster they run"
        yield Problem(
            "component_not_local",
            service.predictor.field,
            f"a laptop runs no containers beside the model server: {names}",
            remedy,
        )


def _foreign_image(component: Component) -> Iterable[Problem]:
    image = component.container.get("image") or ""
    if image == IMAGE and not component.container.get("command"):
        return
    runtime = (
        component.choice.best.name if component.choice and component.choice.best else "its own container"
    )
    what = f"it runs the image {image}" if image != IMAGE else "it sets its own command"
    yield Problem(
        "runtime_not_local",
        component.field,
        f"{what} ({runtime}), and a laptop has no containers: here the scikit-learn server {IMAGE} runs as a process",
        "use modelFormat sklearn with runtime kserve-sklearnserver, or deploy this one to a cluster",
    )


def _storage(
    steps: tuple[Storage, ...], folder: Path, mounts: Mapping[str, Path]
) -> tuple[list[Fetch], list[Mount], list[Problem]]:
    fetches: list[Fetch] = []
    mounted: list[Mount] = []
    problems: list[Problem] = []
    for step in steps:
        if step.claim is None:
            path = _local_path(step.uri, folder)
            fetches.append(Fetch(f"file://{path}" if path else step.uri, step.mount_path, step.path, path))
        elif (root := mounts.get(step.claim[0])) is not None:
            mounted.append(Mount(root / step.claim[1], step.mount_path))
        else:
            message = f"the volume claim {step.claim[0]} is not known on this machine"
            problems.append(
                Problem(
                    "claim_not_mounted",
                    step.path,
                    message,
                    f"say which folder it is: --mount {step.claim[0]}=FOLDER",
                )
            )
    return fetches, mounted, problems


def _local_path(uri: str, folder: Path) -> Path | None:
    """Return the place of a plain path or file:// URI, None for every other scheme."""
    if uri.startswith("file://"):
        uri = uri.removeprefix("file://").removeprefix("localhost")
    elif "://" in uri:
        return None
    return Path(os.path.normpath(folder / uri))


def _environment(
    component: Component, outside: Mapping[str, str]
) -> tuple[list[tuple[str, str]], list[Problem]]:
    # Settings that annotations give, unless this machine has its own: an endpoint in a cluster is not one from here.
    env = [(name, value) for name, value in component.credentials.env if name not in outside]
    problems: list[Problem] = []
    for i, variable in enumerate(component.container.get("env") or ()):
        name: str = variable["name"]
        if "valueFrom" not in variable:
            env.append((name, str(variable.get("value") or "")))
        elif name in outside:
            env.append((name, outside[name]))
        else:
            (source,) = variable["valueFrom"]
            path = f"{component.field}.env[{i}].valueFrom"
            message = f"{name} comes from a {source}, which only a cluster has"
            problems.append(
                Problem(
                    "variable_not_local",
                    path,
                    message,
                    f"set it for this machine: {name}=… kserve-lite serve …",
                )
            )
    return env, problems


def _without(args: Iterable[Any], flags: tuple[str, ...]) -> Iterable[str]:
    """Yield the arguments except these flags, written `--flag=value` or `--flag value`."""
    rest = iter([str(arg) for arg in args])
    for arg in rest:
        name, equals, _ = arg.removeprefix("--").partition("=")
        if arg.startswith("--") and name.replace("-", "_") in flags:
            if not equals:
                next(rest, None)
            continue
        yield arg


def _moved(text: str, folders: Mapping[str, Path]) -> str:
    """Replace mount paths (`/mnt/models`, not `/mnt/models-old`) by the folders that stand for them."""
    for mount_path, folder in folders.items():
        before, found, after = text.partition(mount_path)
        if found and (not after or after[0] in "/:, ") and (not before or before[-1] in "=:, "):
            return f"{before}{folder}{after}"
    return text
