"""Many InferenceServices at once: time, requests, processor and memory of the controller: `make bench-controller`.

Eight writers create services whose pods no scheduler takes; metadata of the children is watched. Requests are counted
by the controller itself at the wire, processor time and memory by the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import kserve_lite
from kserve_lite.controller import kinds
from kserve_lite.controller.runtime.kube import TRANSIENT, Key, Kind, Kube
from tests.bench.controller import kserve
from tests.bench.controller.figures import Figures, write
from tests.bench.controller.process import Controller, wait
from tests.server.cgroups import limited
from tools.cluster.provider import KUBECONFIG

NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
WRITERS = 8
# Both controllers make the same of a service with these: no autoscaler, nothing of Knative.
ALIKE = {"serving.kserve.io/autoscalerClass": "none", "serving.kserve.io/deploymentMode": "Standard"}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument(
        "--kubeconfig", type=Path, default=KUBECONFIG, help="(default: that of `make cluster`)"
    )
    parser.add_argument("--rest", type=float, default=60.0, help="seconds to watch it at rest")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md as it is")
    parser.add_argument("--limited", type=int, default=100,
                        help="services for a controller under 100m of CPU and 300Mi (as root; 0: none)")  # fmt: skip
    parser.add_argument("--peer", type=int, default=300,
                        help="services to compare with KServe's manager, in turn (0: none)")  # fmt: skip
    arguments = parser.parse_args()
    # As in the image: what is imported has its bytecode, whatever the environment of a developer says.
    bytecode = [sys.executable, "-m", "compileall", "-q", str(Path(kserve_lite.__path__[0]))]
    subprocess.run(bytecode, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    crds = [sys.executable, "-m", "kserve_lite", "crds", "apply", f"--kubeconfig={arguments.kubeconfig}"]
    subprocess.run(crds, check=True)
    figures = asyncio.run(measure(arguments))
    print(figures.table())
    if not arguments.print_only:
        write(figures)


async def measure(arguments: argparse.Namespace) -> Figures:
    """Run all phases, one after the other."""
    kube = Kube.connect(arguments.kubeconfig)
    space = f"bench-{time.time_ns() % 10**8}"
    await kube.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    await runtime(kube, space)
    log = Path(tempfile.mkdtemp(prefix="bench-controller-")) / "controller.log"
    controller = Controller(arguments.kubeconfig, log).start()
    figures = Figures(services=arguments.services)
    try:
        controller.ready()
        await asyncio.sleep(1)
        figures.memory_empty = controller.memory()
        await create(kube, space, controller, figures)
        said(f"last child after {figures.last_child:.1f} s, {figures.cpu_last_child:.2f} s of CPU")
        await asyncio.to_thread(controller.settled)
        figures.cpu_settled = controller.cpu - figures.cpu_before
        figures.memory = controller.memory()
        sent = controller.requests()
        figures.requests = sum(n for (verb, _), n in sent.items() if verb not in ("list", "watch"))
        figures.reads = sum(n for (verb, _), n in sent.items() if verb == "get") + sum(
            n for (verb, resource), n in sent.items() if verb == "list" and n > figures.lists.get(resource, 1)
        )
        said(f"settled: {figures.cpu_settled:.2f} s of CPU, {figures.memory:.0f} MB, {sent}")
        await rest(controller, arguments.rest, figures)
        said(f"at rest: {figures.rest_writes:.1f} writes/min, {figures.rest_cpu:.2f} ms/s")
        await restart(controller, figures)
        said(
            f"restart: {figures.restart:.2f} s, {figures.restart_cpu:.2f} s of CPU, {figures.restart_writes} writes"
        )
        figures.delete = await delete(kube, space)
        said(f"deleted after {figures.delete:.1f} s")
        # Under other names: the garbage collector is busy with the children of the first for minutes.
        await fill(kube, space, "again", figures.services)
        controller.stop(signal.SIGKILL)
        figures.delete_dead = await delete(kube, space)
        if arguments.limited:
            with limited(300 * 2**20, 0.1) as prefix:
                controller = Controller(arguments.kubeconfig, log, tuple(prefix)).start()
                controller.ready()
                figures.limited, figures.limited_services = (
                    await fill(kube, space, "limited", arguments.limited),
                    arguments.limited,
                )
                controller.stop(signal.SIGKILL)
            await delete(kube, space)
        if arguments.peer:
            await compare(kube, space, controller, arguments.peer, figures)
    finally:
        controller.stop(signal.SIGKILL)
        await kube.delete(
            NAMESPACE, Key("", space), (await kube.get(NAMESPACE, Key("", space)))["metadata"]["uid"]
        )
        await kube.close()
    return figures


async def compare(kube: Kube, space: str, controller: Controller, services: int, figures: Figures) -> None:
    """Let KServe's manager and ours do the same in turn, each when the other's children are gone."""
    figures.peer_services = services
    await kserve.install(kube)
    with tempfile.TemporaryDirectory() as folder:
        manager = kserve.Manager(controller.kubeconfig, Path(folder)).start()
        try:
            await asyncio.to_thread(manager.ready)
            await empty(kube, space)
            figures.peer_theirs = await fill(kube, space, "theirs", services, children_each=kserve.CHILDREN)
            said(f"KServe's manager: last child after {figures.peer_theirs:.1f} s")
            figures.peer_deleted = await delete(kube, space)
            said(f"KServe's manager: deleted after {figures.peer_deleted:.1f} s")
        finally:
            manager.stop()
    await empty(kube, space)
    controller.prefix = ()
    controller.start().ready()
    figures.peer_ours = await fill(kube, space, "ours", services)
    said(f"ours beside it: last child after {figures.peer_ours:.1f} s")


async def empty(kube: Kube, space: str, seconds: float = 900) -> None:
    """Wait until Kubernetes' own controllers have taken away what became of earlier services."""
    end = time.monotonic() + seconds
    for kind in (kinds.DEPLOYMENT, kinds.SERVICE, kinds.POD):
        while True:
            answer = await kube.wire.request("GET", kind.path(space), params={"limit": "1"})
            if not json.loads(answer.body)["items"]:
                break
            if time.monotonic() > end:
                raise TimeoutError(f"{kind.plural} are left in {space} after {seconds:.0f} s")
            await asyncio.sleep(1)


def said(what: str) -> None:
    """Show how far it is: a run takes minutes, and one that is cut short has shown what it had."""
    print(what, file=sys.stderr, flush=True)


async def runtime(kube: Kube, space: str) -> None:
    """Install the runtime that all services use."""
    container = {
        "name": "kserve-container",
        "image": "none",
        "args": ["--model_name={{.Name}}"],
        "ports": [{"containerPort": 8080}],
    }
    formats = [{"name": "sklearn", "version": "1", "autoSelect": True}]
    body = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": "sklearn", "namespace": space},
        "spec": {
            "supportedModelFormats": formats,
            "protocolVersions": ["v1", "v2"],
            "containers": [container],
        },
    }
    await kube.create(kinds.SERVING_RUNTIME, body)


def service(space: str, name: str, number: int) -> dict[str, Any]:
    """Return one service; no scheduler is called `nobody`, so its pod stays Pending."""
    model = {"modelFormat": {"name": "sklearn"}, "runtime": "sklearn", "storageUri": f"s3://models/{number}"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": f"{name}-{number:05}", "namespace": space, "annotations": dict(ALIKE)},
        "spec": {"predictor": {"model": model, "schedulerName": "nobody"}},
    }


async def create(kube: Kube, space: str, controller: Controller, figures: Figures) -> None:
    """Create the services by several writers and wait for the last child of the last."""
    figures.lists = {resource: n for (verb, resource), n in controller.requests().items() if verb == "list"}
    figures.cpu_before = controller.cpu
    each: list[float] = []
    figures.last_child = await fill(kube, space, "bench", figures.services, each)
    figures.load = os.getloadavg()[0]
    figures.p50, figures.p99 = statistics.median(each), sorted(each)[int(len(each) * 0.99)]
    figures.cpu_last_child = controller.cpu - figures.cpu_before


async def fill(
    kube: Kube, space: str, name: str, services: int, each: list[float] | None = None, children_each: int = 3
) -> float:
    """Create services; return seconds until the last child of the last, and put those of each into `each`."""
    made: dict[str, float] = {}
    complete: dict[str, float] = {}
    watching = asyncio.ensure_future(children(kube, space, name, complete, services, children_each))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    numbers = iter(range(services))

    async def writer() -> None:
        for number in numbers:
            body = service(space, name, number)
            await kube.create(kinds.INFERENCE_SERVICE, body)
            made[body["metadata"]["name"]] = time.monotonic()

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    try:
        await asyncio.wait_for(watching, 900)
    except TimeoutError:
        raise TimeoutError(f"{len(complete)} of {services} services have all children after 900 s") from None
    if each is not None:
        each += [complete[one] - at for one, at in made.items()]
    return max(complete.values()) - began


async def children(
    kube: Kube, space: str, head: str, complete: dict[str, float], services: int, each: int
) -> None:
    """Note when each service whose name begins with `head` has its `each` children: Deployment and Services."""
    seen: dict[str, set[tuple[str, str]]] = {}

    async def follow(kind: Kind) -> None:
        version = "0"
        while len(complete) < services:
            try:
                async for event in kube.watch(kind, version, space):
                    if event.type == "OPENED":
                        continue
                    meta = event.object["metadata"]
                    version = meta["resourceVersion"]
                    if event.type == "ADDED" and (name := meta["ownerReferences"][0]["name"]).startswith(
                        head
                    ):
                        has = seen.setdefault(name, set())
                        has.add((kind.kind, meta["name"]))
                        if len(has) == each:
                            complete.setdefault(name, time.monotonic())
                    if len(complete) >= services:
                        return
            except TRANSIENT as error:
                said(f"watch of {kind.plural}: {error}; from the start")
                version = "0"

    tasks = [asyncio.ensure_future(follow(kind)) for kind in (kinds.DEPLOYMENT, kinds.SERVICE)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def rest(controller: Controller, seconds: float, figures: Figures) -> None:
    """Count what it does while nothing happens."""
    writes, cpu, began = controller.writes(), controller.cpu, time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    figures.rest_writes = (controller.writes() - writes) / took * 60
    figures.rest_cpu = (controller.cpu - cpu) / took * 1000


async def restart(controller: Controller, figures: Figures) -> None:
    """Stop it and start another; wait until that has looked at every service."""
    figures.stopping = controller.stop()
    controller.start()

    def looked() -> bool:
        done, waiting = controller.progress()
        return done >= figures.services and waiting == 0

    await asyncio.to_thread(wait, looked, 120)
    figures.restart = time.monotonic() - controller.began
    figures.restart_cpu = controller.cpu
    figures.restart_writes = controller.writes()
    figures.memory_peak = controller.memory("VmHWM")


async def delete(kube: Kube, space: str) -> float:
    """Delete all services; return seconds until the last of them was gone. Children are the garbage collector's."""
    began = time.monotonic()
    path = kinds.INFERENCE_SERVICE.path(space)
    answer = await kube.wire.request(
        "DELETE", path, body=json.dumps({"propagationPolicy": "Background"}).encode()
    )
    assert answer.status == 200, answer.body

    async def left() -> bool:
        """One object says it: to list all that are left would be half of the API server's work meanwhile."""
        answer = await kube.wire.request("GET", path, params={"limit": "1"})
        assert answer.status == 200, answer.body
        return bool(json.loads(answer.body)["items"])

    while await left():
        await asyncio.sleep(0.05)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
