"""The CRDs of this version, brought into a cluster: all or none, never backwards, never over somebody else's."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kserve_lite.api.problems import Problem
from kserve_lite.controller.runtime.backoff import delay
from kserve_lite.controller.runtime.kube import TRANSIENT, ApiError, Key, Kind, Kube, Object

CRD = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
VERSION = "kserve-lite.io/crd-version"
MANAGER = "kserve-lite-crds"
ATTEMPTS = 6


class Refusal(Exception):
    """CRDs that must stay as they are in this cluster; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """How CRDs are applied. `patience` is in seconds, until each is served."""

    manager: str = MANAGER
    force: bool = False
    take_over: bool = False
    downgrade: bool = False
    dry_run: bool = False
    patience: float = 60.0


def packaged() -> list[Object]:
    """Return the CRDs that this version brings, in the order of their names."""
    folder = files("kserve_lite") / "crds"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    return [json.loads((folder / name).read_text(encoding="utf-8")) for name in names]


async def apply_all(kube: Kube, wanted: Sequence[Object], settings: Settings) -> AsyncIterator[str]:
    """Apply CRDs and yield one line each. Raises `Refusal` before anything is changed, `ApiError` from the server."""
    live = [await _live(kube, crd) for crd in wanted]
    found = [(crd, there) for crd, there in zip(wanted, live, strict=True) if there is not None]
    if problems := [problem for crd, there in found for problem in against(crd, there, settings)]:
        raise Refusal(problems)
    for crd, there in zip(wanted, live, strict=True):
        name = crd["metadata"]["name"]
        if settings.dry_run:
            yield f"{name}: {_change(crd, there)} (nothing is changed: --dry-run)"
            continue
        written = await _patient(lambda crd=crd: kube.apply(CRD, crd, settings.manager, force=settings.force))
        await _served(kube, name, settings.patience)
        unchanged = there is not None and _version(there) == _version(written.object)
        yield f"{name}: {'unchanged' if unchanged else _change(crd, there)}"


def against(wanted: Object, live: Object, settings: Settings) -> Iterator[Problem]:
    """Yield what stands against replacing `live` by `wanted`."""
    name, there, ours = live["metadata"]["name"], version_of(live), version_of(wanted)
    if there is None and not settings.take_over:
        yield Problem(
            "crd_foreign",
            name,
            f"this CRD belongs to {_owner(live)}, and its objects are served by it",
            "uninstall that first (keep its CRDs), then --take-over (crds.upgrade.takeOver=true) makes it ours",
        )
    if there is not None and ours is not None and not settings.downgrade and _order(there) > _order(ours):
        yield Problem(
            "crd_newer",
            name,
            f"the cluster has the CRD of kserve-lite {there}, this is {ours}: fields of the newer would be lost",
            "use kserve-lite of that version; or leave the CRD (crds.upgrade.enabled=false); "
            "or give the fields up with --allow-downgrade",
        )
    served = {version["name"] for version in wanted["spec"]["versions"]}
    for stored in (live.get("status") or {}).get("storedVersions") or ():
        if stored not in served:
            yield Problem(
                "crd_stored_version",
                name,
                f"objects are stored as version {stored}, which kserve-lite {ours} does not serve",
                f"write those objects anew in one of {', '.join(sorted(served))}, "
                f"then take {stored} out of status.storedVersions",
            )


def version_of(crd: Object) -> str | None:
    """Return the version of kserve-lite that a CRD is of; None for somebody else's."""
    version: str | None = (crd["metadata"].get("annotations") or {}).get(VERSION)
    return version


def _owner(live: Object) -> str:
    annotations = live["metadata"].get("annotations") or {}
    if release := annotations.get("meta.helm.sh/release-name"):
        return f"the Helm release {annotations.get('meta.helm.sh/release-namespace', '')}/{release}"
    managers = {entry["manager"] for entry in live["metadata"].get("managedFields") or ()} - {
        "kube-apiserver"
    }
    return f"somebody else (written by {', '.join(sorted(managers)) or 'nobody known'})"


def _order(version: str) -> tuple[Any, ...]:
    """Sort key of a version: numbers as numbers, and 1.0.0-rc.1 before 1.0.0."""
    release, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in re.findall(r"\d+", release))
    return numbers, not pre, pre


def _change(wanted: Object, live: Object | None) -> str:
    if live is None:
        return f"created, kserve-lite {version_of(wanted)}"
    return f"{version_of(live) or 'not ours'} -> {version_of(wanted)}"


def _version(obj: Object) -> str:
    return str(obj["metadata"]["resourceVersion"])


async def _live(kube: Kube, crd: Object) -> Object | None:
    try:
        found: Object = await _patient(lambda: kube.get(CRD, Key("", crd["metadata"]["name"])))
        return found
    except ApiError as error:
        if error.code == 404:
            return None
        raise


async def _patient(ask: Any) -> Any:
    """Ask again when the network or the server is at fault; a refusal stands."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await ask()
        except ApiError as error:
            if error.code < 500 and error.code != 429:
                raise
        except TRANSIENT:
            pass
        await asyncio.sleep(delay(attempt, first=0.5, most=8.0))
    return await ask()


async def _served(kube: Kube, name: str, patience: float) -> None:
    """Wait until the server answers for the kind. Raises `Refusal` when it says that it never will, or not in time."""
    end = time.monotonic() + patience
    while True:
        live = await _patient(lambda: kube.get(CRD, Key("", name)))
        conditions = {one["type"]: one for one in (live.get("status") or {}).get("conditions") or ()}
        for kind, good in (("NamesAccepted", "True"), ("NonStructuralSchema", "False")):
            if (said := conditions.get(kind)) and said["status"] != good and said["status"] != "Unknown":
                raise Refusal([Problem("crd_not_accepted", name, said.get("message") or kind, "")])
        if (said := conditions.get("Established")) and said["status"] == "True":
            return
        if time.monotonic() > end:
            message = f"the API server does not serve it after {patience:.0f} s"
            raise Refusal([Problem("crd_not_served", name, message, "look at the conditions of the CRD")])
        await asyncio.sleep(0.2)
