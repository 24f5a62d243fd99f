"""The controller runtime against a real API server: converge, rest, recover, refuse.

The roots are ConfigMaps labelled `root`; each wants a Service and, unless it says otherwise, a Deployment.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kserve_lite.controller.runtime import informer as informer_module
from kserve_lite.controller.runtime import kube as kube_module
from kserve_lite.controller.runtime.apply import MANAGED_BY, Applier, Refusal, owner_index
from kserve_lite.controller.runtime.controller import Controller, Requeue
from kserve_lite.controller.runtime.informer import Informer
from kserve_lite.controller.runtime.kube import ApiError, Key, Kind, Kube, Object
from kserve_lite.controller.runtime.metrics import Metrics
from tests.apiserver.stillness import still
from tools.apiserver import ApiServer

CONFIGMAP = Kind("", "v1", "ConfigMap", "configmaps")
SERVICE = Kind("", "v1", "Service", "services")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")

Kubectl = Callable[..., str]


class World:
    """A small controller, its informers, and what it was told."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        ours = f"{MANAGED_BY[0]}={MANAGED_BY[1]}"
        self.roots = Informer(kube, CONFIGMAP, (namespace,), labels="root=yes")
        self.children = {
            kind.kind: Informer(kube, kind, (namespace,), labels=ours, indexes={"owner": owner_index})
            for kind in (SERVICE, DEPLOYMENT)
        }
        self.applier = Applier(kube, self.children)
        self.refusals: list[Refusal] = []
        self.reconciling: set[Key] = set()
        self.controller = Controller("root", self.reconcile, Metrics(), workers=8)
        self.controller.own(self.roots)
        for informer in self.children.values():
            self.controller.follow(informer, self.roots)

    async def reconcile(self, key: Key) -> Requeue | None:
        assert key not in self.reconciling, f"{key} is in two workers"
        self.reconciling.add(key)
        try:
            if (root := self.roots.get(key)) is not None:
                self.refusals += (await self.applier.apply(root, wanted(root))).refused
        finally:
            self.reconciling.discard(key)
        return None

    @property
    def informers(self) -> list[Informer]:
        return [self.roots, *self.children.values()]

    async def settled(self) -> None:
        """Wait until it has seen everything and looked at it."""
        await still(self.informers, [self.controller])

    def writes(self) -> int:
        return sum(n for (verb, _), n in self.kube.counts.items() if verb not in ("list", "watch", "get"))


def wanted(root: Object) -> list[Object]:
    meta = {"namespace": root["metadata"]["namespace"], "name": root["metadata"]["name"]}
    labels = {"app": meta["name"]}
    limits = {"cpu": "1000m", "memory": "1024Mi"}
    pod = {"containers": [{"name": "main", "image": "none", "resources": {"limits": limits}}]}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**meta, "labels": {k: v for k, v in root["data"].items() if k == "extra"}},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **({"replicas": int(root["data"]["replicas"])} if "replicas" in root["data"] else {}),
        },
    }
    return [service] if root["data"].get("deployment") == "no" else [service, deployment]


@asynccontextmanager
async def running(kubeconfig: Path, namespace: str) -> AsyncIterator[World]:
    world = World(Kube.connect(kubeconfig), namespace)
    tasks = [asyncio.ensure_future(informer.run()) for informer in world.informers]
    async with asyncio.timeout(90):
        await asyncio.gather(*(informer.synced.wait() for informer in world.informers))
        tasks.append(asyncio.ensure_future(world.controller.run()))
        try:
            yield world
        finally:
            for task in reversed(tasks):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            await world.kube.close()
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


def root(kubectl: Kubectl, namespace: str, *names: str, **data: str) -> None:
    items = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {"root": "yes"}},
            "data": {"a": "1", **data},
        }
        for name in names
    ]
    kubectl(
        "apply",
        "--server-side",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )


def read(kubectl: Kubectl, namespace: str, kind: str, name: str) -> Any:
    command = ("-n", namespace, "get", kind, name, "--show-managed-fields", "-o", "json")
    return json.loads(kubectl(*command))


async def test_roots_get_their_children_and_then_nothing_is_written(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, *[f"r{n}" for n in range(40)])

    async with running(kubeconfig, namespace) as world:
        await world.settled()
        assert len(world.children["Service"]) == len(world.children["Deployment"]) == 40
        assert world.writes() == 80
        assert not [count for (verb, _), count in world.kube.counts.items() if verb == "get"]

        for n in range(40):
            world.controller.queue.add(Key(namespace, f"r{n}"))
        await world.settled()
        assert world.writes() == 80


async def test_a_restart_finds_everything_in_place_and_writes_nothing(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a", "b")
    async with running(kubeconfig, namespace) as world:
        await world.settled()

    async with running(kubeconfig, namespace) as world:
        await world.settled()
        assert world.writes() == 0


async def test_what_a_person_deletes_or_edits_by_hand_comes_back(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        kubectl("-n", namespace, "delete", "service", "a")
        patch = '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"other"}]}}}}'
        kubectl("-n", namespace, "patch", "deployment", "a", "-p", patch)
        await world.settled()

        assert read(kubectl, namespace, "service", "a")["spec"]["ports"][0]["targetPort"] == 8080
        pod = read(kubectl, namespace, "deployment", "a")["spec"]["template"]["spec"]
        assert pod["containers"][0]["image"] == "none"


async def test_fields_and_children_that_are_no_longer_wanted_go(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a", extra="yes")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        assert read(kubectl, namespace, "service", "a")["metadata"]["labels"]["extra"] == "yes"

        root(kubectl, namespace, "a", deployment="no")
        await world.settled()

        assert "extra" not in read(kubectl, namespace, "service", "a")["metadata"]["labels"]
        assert kubectl("-n", namespace, "get", "deployments", "-o", "name") == ""


async def test_fields_that_others_own_stay_theirs(kubeconfig: Path, namespace: str, kubectl: Kubectl) -> None:
    root(kubectl, namespace, "a")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        kubectl("-n", namespace, "scale", "deployment", "a", "--replicas=3")
        kubectl("-n", namespace, "annotate", "service", "a", "theirs=kept")
        root(kubectl, namespace, "a", extra="yes")
        await world.settled()

        assert read(kubectl, namespace, "deployment", "a")["spec"]["replicas"] == 3
        service = read(kubectl, namespace, "service", "a")["metadata"]
        assert service["annotations"]["theirs"] == "kept"
        assert service["labels"]["extra"] == "yes"


async def test_a_number_that_an_autoscaler_takes_over_stays_until_it_does(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a", replicas="3")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        before = read(kubectl, namespace, "deployment", "a")
        assert before["spec"]["replicas"] == 3

        root(kubectl, namespace, "a")
        await world.settled()

        after = read(kubectl, namespace, "deployment", "a")
        assert owners_of_replicas(before) == ["kserve-lite"]
        assert owners_of_replicas(after) == ["kserve-lite-replicas"]
        assert after["spec"] == before["spec"]


def owners_of_replicas(deployment: Object) -> list[str]:
    return [
        entry["manager"]
        for entry in deployment["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]


FOREIGN_SERVICE = {
    "another": {"selector": {"app": "theirs"}, "ports": [{"name": "http", "port": 80, "targetPort": 1}]},
    "the very same": {"selector": {"app": "a"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}


@pytest.mark.parametrize("spec", FOREIGN_SERVICE.values(), ids=FOREIGN_SERVICE.keys())
async def test_a_foreign_object_is_refused_and_left_as_it_was(
    kubeconfig: Path, namespace: str, kubectl: Kubectl, spec: Object
) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": spec,
    }
    kubectl("create", "-f", "-", stdin=json.dumps(theirs))
    before = read(kubectl, namespace, "service", "a")

    async with running(kubeconfig, namespace) as world:
        root(kubectl, namespace, "a")
        await world.settled()

        after = read(kubectl, namespace, "service", "a")
        assert after["spec"] == before["spec"]
        for field in ("labels", "annotations", "ownerReferences"):
            assert after["metadata"].get(field) == before["metadata"].get(field)
        (refusal, *_) = world.refusals
        assert (refusal.kind, refusal.name, refusal.foreign) == ("Service", "a", True)
        assert len(world.children["Deployment"]) == 1  # the others are tended to all the same


async def test_what_another_controller_made_for_the_same_owner_is_taken_over_and_nothing_of_its_pods_stays(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a")
    owner = read(kubectl, namespace, "configmap", "a")
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "a",
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    theirs = {"name": "sidecar", "image": "theirs", "env": [{"name": "THEIRS", "value": "1"}]}
    labels = {"app": "a"}
    before = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": namespace, "ownerReferences": [reference]},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"theirs": "1"}},
                "spec": {"containers": [theirs], "volumes": [{"name": "theirs", "emptyDir": {}}]},
            },
        },
    }
    kubectl("create", "-f", "-", stdin=json.dumps(before))
    uid = read(kubectl, namespace, "deployment", "a")["metadata"]["uid"]

    async with running(kubeconfig, namespace) as world:
        await world.settled()

        after = read(kubectl, namespace, "deployment", "a")
        assert after["metadata"]["uid"] == uid
        assert "theirs" not in json.dumps(after["spec"])
        assert len(world.children["Deployment"]) == 1
        assert not world.refusals


async def test_a_name_that_a_stranger_gave_up_is_taken(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    spec = FOREIGN_SERVICE["another"]
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": spec,
    }
    kubectl("create", "-f", "-", stdin=json.dumps(theirs))
    root(kubectl, namespace, "a")

    async with running(kubeconfig, namespace) as world:
        await world.settled()
        assert len(world.children["Service"]) == 0
        kubectl("-n", namespace, "delete", "service", "a")
        world.controller.queue.add(Key(namespace, "a"))
        await world.settled()

        assert len(world.children["Service"]) == 1


async def test_children_that_were_orphaned_are_taken_back_by_a_new_owner_of_that_name(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
    kubectl("-n", namespace, "delete", "configmap", "a")  # nobody collects here
    for kind in ("service", "deployment"):  # what the garbage collector does for an orphaned child
        kubectl(
            "-n", namespace, "patch", kind, "a", "--type=merge", "-p", '{"metadata":{"ownerReferences":null}}'
        )
    root(kubectl, namespace, "a")

    async with running(kubeconfig, namespace) as world:
        await world.settled()

        uid = read(kubectl, namespace, "configmap", "a")["metadata"]["uid"]
        assert read(kubectl, namespace, "service", "a")["metadata"]["ownerReferences"][0]["uid"] == uid
        assert not world.refusals


async def test_changes_missed_while_the_server_was_away_are_found_when_it_is_back(
    apiserver: ApiServer, kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a", "b")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        apiserver.stop()
        apiserver.start()
        kubectl("-n", namespace, "delete", "configmap", "b")
        kubectl("-n", namespace, "delete", "service", "a")
        root(kubectl, namespace, "c")
        apiserver.compact()
        apiserver.stop()  # a compacted history and an empty watch cache: the old version is gone
        apiserver.start()

        await world.settled()
        assert {obj["metadata"]["name"] for obj in world.roots} == {"a", "c"}
        assert {"a", "c"} <= {obj["metadata"]["name"] for obj in world.children["Service"]}
        assert read(kubectl, namespace, "service", "a")["spec"]["ports"][0]["port"] == 80


async def test_a_kind_of_which_nothing_is_heard_is_asked_again_and_is_not_taken_for_deaf(
    kubeconfig: Path, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kube_module, "SILENCE_SECONDS", 0.3)
    kube = Kube.connect(kubeconfig)
    informer = Informer(kube, SERVICE, (namespace,))
    following = asyncio.ensure_future(informer.run())
    try:
        async with asyncio.timeout(60):
            await informer.synced.wait()
            listed = informer.last_heard
            while kube.counts.get(("watch", "services"), 0) < 3:
                await asyncio.sleep(0.05)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await kube.close()
    assert informer.last_heard > listed + 0.3
    assert kube.counts["list", "services"] == 1
    assert not caplog.records


async def test_a_kind_that_the_cluster_lacks_is_done_without_until_it_comes(
    kubeconfig: Path, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informer_module, "ABSENT_SECONDS", 0.2)
    kind = Kind("example.com", "v1", "Gadget", "gadgets")
    kube = Kube.connect(kubeconfig)
    informer = Informer(kube, kind, (namespace,), optional=True)
    following = asyncio.ensure_future(informer.run())
    try:
        async with asyncio.timeout(60):
            await informer.synced.wait()
            assert informer.absent is not None
            assert informer.absent.code == 404

            informer.want()
            kubectl("apply", "-f", "-", stdin=json.dumps(crd(kind)))
            while informer.absent is not None:
                await asyncio.sleep(0.1)
            kubectl("wait", "--for=condition=Established", "crd/gadgets.example.com")
            gadget = {"apiVersion": "example.com/v1", "kind": "Gadget"}
            head = {"metadata": {"name": "g", "namespace": namespace}}
            kubectl("apply", "-f", "-", stdin=json.dumps(gadget | head))
            while not len(informer):
                await asyncio.sleep(0.1)

            kubectl("delete", "crd", "gadgets.example.com")
            while len(informer):
                await asyncio.sleep(0.1)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await kube.close()


async def test_a_kind_that_the_cluster_lacks_and_nobody_wants_is_not_asked_for_all_the_time(
    kubeconfig: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informer_module, "ABSENT_SECONDS", 0.0)
    kube = Kube.connect(kubeconfig)
    absent, there = (
        Informer(kube, kind, (namespace,), optional=True)
        for kind in (Kind("example.com", "v1", "Widget", "widgets"), SERVICE)
    )
    following = asyncio.gather(absent.run(), there.run())
    asked = ("list", "widgets.example.com")
    try:
        async with asyncio.timeout(60):
            await absent.synced.wait()
            await there.synced.wait()
            assert kube.counts[asked] == 1

            absent.want()
            while kube.counts[asked] < 3:
                await asyncio.sleep(0.05)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await kube.close()


def crd(kind: Kind) -> Object:
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    names = {"kind": kind.kind, "plural": kind.plural}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


async def test_an_informer_of_two_namespaces_holds_both_and_no_third(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    for other in ("second", "third"):
        kubectl("create", "namespace", f"{namespace}-{other}")
        root(kubectl, f"{namespace}-{other}", other)
    root(kubectl, namespace, "first")
    kube = Kube.connect(kubeconfig)
    informer = Informer(kube, CONFIGMAP, (namespace, f"{namespace}-second"), labels="root=yes")
    await informer.read()
    await kube.close()

    assert sorted(obj["metadata"]["name"] for obj in informer) == ["first", "second"]


async def test_an_answer_that_comes_after_the_news_of_a_deletion_brings_nothing_back(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, "a")
    async with running(kubeconfig, namespace) as world:
        await world.settled()
        late = read(kubectl, namespace, "service", "a")
        kubectl("-n", namespace, "delete", "configmap", "a")
        kubectl("-n", namespace, "delete", "service", "a")
        await world.settled()

        world.children["Service"].remember(late)

        assert world.children["Service"].get(Key(namespace, "a")) is None


async def test_a_collection_of_several_pages_is_read_whole(
    kubeconfig: Path, namespace: str, kubectl: Kubectl
) -> None:
    root(kubectl, namespace, *[f"r{n:04}" for n in range(1100)], deployment="no")
    kube = Kube.connect(kubeconfig)

    pages = [page async for page in kube.pages(CONFIGMAP, namespace, "root=yes")]
    await kube.close()

    assert [len(page.items) for page in pages] == [500, 500, 100]
    assert len({page.version for page in pages}) == 1


async def test_a_refusal_of_the_server_carries_its_code_reason_and_sentence(
    kubeconfig: Path, namespace: str
) -> None:
    kube = Kube.connect(kubeconfig)
    with pytest.raises(ApiError) as refusal:
        await kube.get(CONFIGMAP, Key(namespace, "missing"))
    await kube.close()

    assert (refusal.value.code, refusal.value.reason) == (404, "NotFound")
    assert '"missing" not found' in refusal.value.message
