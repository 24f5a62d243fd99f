"""The rights that the chart grants are those of what the controller watches and writes, and no others."""

from pathlib import Path

from kserve_lite.api.config import Config
from kserve_lite.controller.cluster import Cluster, child_kinds
from kserve_lite.controller.rights import RIGHTS
from kserve_lite.controller.runtime.kube import Kube

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""
WRITTEN = frozenset({"get", "create", "patch", "delete"})


async def test_what_is_watched_may_be_listed_and_watched(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    kube = Kube.connect(file)
    watched = {informer.kind.resource() for informer in Cluster.watch(kube, Config())}
    await kube.close()

    assert {right.name for right in RIGHTS if "watch" in right.verbs} == watched


def test_only_children_may_be_written_and_no_secret_may_be_read() -> None:
    children = {kind.resource() for kind in child_kinds(Config())}

    assert {right.name for right in RIGHTS if set(right.verbs) >= WRITTEN} == children
    writing = {right.name for right in RIGHTS if set(right.verbs) & {"create", "update", "patch", "delete"}}
    others = {name for name in writing - children if not name.endswith(".serving.kserve.io/status")}
    assert others == {"events.events.k8s.io", "leases.coordination.k8s.io"}
    assert not [right for right in RIGHTS if "secret" in right.resource or "*" in right.verbs]
