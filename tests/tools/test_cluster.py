"""Choosing a provider, what the host must have, and the archives that the node's images come from."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools import debian
from tools.cluster import kind, provider
from tools.cluster.__main__ import command
from tools.cluster.host import archive, parts, preflight
from tools.cluster.host.node import Node, free_subnets
from tools.cluster.host.provider import check_version
from tools.cluster.kind import Kind
from tools.errors import ToolError
from tools.images import engine

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take capabilities away")


def remedies(lacks: list[preflight.Lack]) -> str:
    return " ".join(f"{lack.what}: {lack.remedy}" for lack in lacks)


@pytest.mark.parametrize(
    ("environment", "engine", "chosen"),
    [
        pytest.param({}, None, "host", id="no engine"),
        pytest.param({}, "docker", "kind", id="engine"),
        pytest.param({"CLUSTER": "host"}, "docker", "host", id="asked for host"),
        pytest.param({"CLUSTER": "existing"}, None, "existing", id="asked for existing"),
    ],
)
def test_the_provider_is_the_one_asked_for_or_fits_the_machine(
    environment: dict[str, str], engine: str | None, chosen: str
) -> None:
    assert provider.choose(environment, engine=lambda: engine, recorded=lambda: None) == chosen


def test_the_provider_of_the_running_cluster_is_kept() -> None:
    assert provider.choose({}, engine=lambda: "docker", recorded=lambda: "host") == "host"


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match="kind, host, existing"):
        provider.choose({"CLUSTER": "minikube"})


def test_not_root_and_no_engine_names_both_ways_out() -> None:
    said = remedies(list(preflight.system("linux", 1000)))

    assert "run it as root" in said
    assert "CLUSTER=kind" in said


def test_missing_commands_are_named_with_one_line_that_installs_them() -> None:
    lacks = list(
        preflight.commands({"runc": "runc", "gcc": "gcc libc6-dev", "ip": "iproute2"}, {"ip": "/sbin/ip"}.get)
    )

    assert [lack.what for lack in lacks] == ["there is no runc", "there is no gcc"]
    assert {lack.remedy for lack in lacks} == {"apt-get install --no-install-recommends runc gcc libc6-dev"}


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_cgroups_will_do(tmp_path: Path, version: int) -> None:
    lay_cgroups(tmp_path, version, ["cpu", "cpuset", "memory", "pids"])

    assert list(preflight.cgroups(tmp_path)) == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_missing_cgroup_controller_is_named(tmp_path: Path, version: int) -> None:
    lay_cgroups(tmp_path, version, ["cpu", "cpuset", "pids"])

    assert "no controller memory" in remedies(list(preflight.cgroups(tmp_path)))


def test_a_nearly_full_disk_and_memory_are_refused() -> None:
    said = remedies(list(preflight.space(disk=1 << 30, memory=1 << 30)))

    assert "1024 MiB free" in said
    assert "1024 MiB of memory" in said


def test_the_image_of_a_program_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"\x7fELF")
    for name in ("one.tar", "two.tar"):
        os.utime(program, (0, len(name)))
        archive.write(tmp_path / name, "x.io/hello:1", {"/bin/hello": program}, ["/bin/hello"])

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_every_blob_of_an_image_is_named_by_its_digest(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"\x7fELF")
    archive.write(tmp_path / "image.tar", "x.io/hello:1", {"/bin/hello": program}, ["/bin/hello"])

    with tarfile.open(tmp_path / "image.tar") as image:
        blobs = {
            member.name: image.extractfile(member).read()  # type: ignore[union-attr]
            for member in image
            if member.name.startswith("blobs/")
        }
        index = json.load(image.extractfile("index.json"))  # type: ignore[arg-type]

    assert {f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for data in blobs.values()} == set(blobs)
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "x.io/hello:1"}


def test_nodes_of_two_clones_share_no_name(tmp_path: Path) -> None:
    one, two = Node(tmp_path / "one"), Node(tmp_path / "two")

    assert {one.link, one.cgroup}.isdisjoint({two.link, two.cgroup})
    assert len(one.link) <= 15  # the kernel's limit for names of network devices


def test_a_node_that_was_never_started_leaves_no_trace_and_can_be_stopped(tmp_path: Path) -> None:
    node = Node(tmp_path / "host")
    node.stop()

    assert node.traces() == []


def test_entering_a_node_that_does_not_run_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="make cluster"):
        Node(tmp_path / "host").inside(["true"])


def test_another_version_of_kubernetes_is_refused_on_the_host() -> None:
    with pytest.raises(ToolError, match="CLUSTER=kind, which has others"):
        check_version("1.31.0")


def test_every_file_of_the_node_has_a_place() -> None:
    assert {path.name for path in parts.FILES.iterdir()} == set(parts.PLACES)


def test_status_without_a_cluster_says_so_and_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "CLUSTER": "host", provider.STATE_FOLDER: str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-m", "tools.cluster", "status"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "nothing of a cluster exists\n")


def lay_cgroups(top: Path, version: int, controllers: list[str]) -> None:
    if version == 2:
        (top / "cgroup.controllers").write_text(" ".join(controllers))
    for name in controllers:
        (top / name).mkdir()


def test_a_network_that_a_route_mentions_is_not_taken() -> None:
    routes = "default via 192.168.1.1 dev eth0\n10.250.0.0/24 dev ksl-1\nlocal 10.250.1.254 dev ksl-2 table local\n"

    assert next(free_subnets(routes)) == "10.250.2"
    assert list(preflight.network(routes)) == []


def test_a_host_whose_networks_are_all_routed_is_refused() -> None:
    routes = "\n".join(f"10.250.{third}.0/24 dev ksl-{third}" for third in range(256))

    assert "every network in 10.250.0.0/16 is routed" in remedies(list(preflight.network(routes)))


@needs_root
@pytest.mark.parametrize(
    ("capability", "refused"),
    [
        pytest.param("sys_admin", "namespaces (net, mount, pid, uts, ipc)", id="namespaces"),
        pytest.param("net_admin", "network devices of type veth", id="network devices"),
    ],
)
def test_what_the_kernel_refuses_is_named_and_nothing_is_made(
    tmp_path: Path, capability: str, refused: str
) -> None:
    said = refusal_of_up(tmp_path, "setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}")

    assert f"the kernel or sandbox refuses {refused}" in said
    assert "nothing was changed" in said


@needs_root
def test_missing_commands_stop_up_before_anything_is_made(tmp_path: Path) -> None:
    said = refusal_of_up(tmp_path, "env", "PATH=")

    assert "there is no runc" in said
    assert debian.apt_line(debian.CLUSTER) in said


@pytest.mark.skipif(os.geteuid() == 0, reason="as root the host provider would do")
def test_up_without_root_and_engine_names_both_ways_out(tmp_path: Path) -> None:
    said = refusal_of_up(tmp_path)

    assert "run it as root" in said
    assert "CLUSTER=kind" in said


def refusal_of_up(folder: Path, *before: str) -> str:
    """Run `up` behind the command `before`, see that it is refused and leaves nothing; return what it said."""
    environment = {**os.environ, "CLUSTER": "host", provider.STATE_FOLDER: str(folder / "state")}
    command = [*before, sys.executable, "-m", "tools.cluster", "up"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert Node(folder / "state" / "host").traces() == []
    assert not (folder / "state" / "provider").exists()
    return done.stderr


@pytest.mark.parametrize(
    ("status", "held"),
    [
        pytest.param("000001ffffffffff", True, id="all"),
        pytest.param("000001fffeffffff", False, id="all but it"),
    ],
)
def test_root_without_the_capability_that_pods_scores_need_is_seen(status: str, held: bool) -> None:
    assert parts.holds(f"Name:\tpython\nCapEff:\t{status}\n", parts.CAP_SYS_RESOURCE) is held


def test_clusters_of_two_clones_share_no_name_in_one_engine(tmp_path: Path) -> None:
    names = [kind.name(tmp_path / "one"), kind.name(tmp_path / "two")]

    assert len(set(names)) == 2
    assert all(len(f"{name}-control-plane") <= 63 for name in names)  # the limit for names of hosts


def test_a_command_to_enter_with_may_follow_two_dashes() -> None:
    assert command(["--", "grep", "--", "-x"]) == ["grep", "--", "-x"]
    assert command(["grep", "--", "-x"]) == ["grep", "--", "-x"]


def test_kind_is_told_the_version_that_was_asked_for() -> None:
    assert kind.creation("v1.33.7")[-2:] == ["--image", "kindest/node:v1.33.7"]
    assert "--image" not in kind.creation(None)


def test_a_kind_cluster_of_another_version_is_not_passed_off_as_the_one_asked_for() -> None:
    kind.check_version(None, "1.34.4")
    kind.check_version("v1.34.4", "1.34.4")
    with pytest.raises(ToolError, match=r"the cluster that is up has 1\.34\.4"):
        kind.check_version("1.33.7", "1.34.4")


def test_an_engine_that_answers_to_others_only_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'permission denied: docker.sock' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolError, match=r"docker says: permission denied: docker\.sock"):
        Kind().check()
    with pytest.raises(ToolError, match=r"docker says: permission denied: docker\.sock"):
        engine.find()


@pytest.mark.skipif(provider.container_engine() is not None, reason="an engine answers here")
def test_kind_without_an_engine_names_the_way_out() -> None:
    with pytest.raises(ToolError, match="use CLUSTER=host"):
        Kind().check()
