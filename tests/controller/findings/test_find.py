"""Every way in which a pod does not come up has one cause, a place and a remedy."""

import json
from typing import Any

import pytest

from kserve_lite.api.reasons import REASONS
from kserve_lite.controller.findings.find import find
from kserve_lite.controller.findings.pod import Evidence, Pod, trim
from tests.controller.pods import STARTED, container, ended, pod

RUNNING = {"startedAt": STARTED}
INITIALIZER = "storage-initializer"
SERVER = "kserve-lite-server: error"


def said(**fields: Any) -> str:
    return json.dumps(fields)


CRASH = container(
    last=ended(1, message="Traceback\nValueError: no such column: petal"),
    waiting={"reason": "CrashLoopBackOff"},
)
CASES = [
    pytest.param(
        pod(scheduled="0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."),
        Evidence(),
        "Unschedulable",
        ("0/1 nodes",),
        "lower resources.requests (cpu, memory), or add a node",
        id="no node has room",
    ),
    pytest.param(
        pod(scheduled="0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
        Evidence(),
        "Unschedulable",
        ("affinity",),
        "correct nodeSelector or affinity, or label a node",
        id="no node matches",
    ),
    pytest.param(
        pod(scheduled='0/1 nodes are available: persistentvolumeclaim "models" not found.'),
        Evidence(),
        "VolumeClaimMissing",
        ("volume claim models: not found",),
        None,
        id="the volume claim does not exist",
    ),
    pytest.param(
        pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
        Evidence(),
        "Evicted",
        ("low on resource",),
        None,
        id="evicted",
    ),
    pytest.param(
        pod(
            "p",
            container(
                waiting={
                    "reason": "ImagePullBackOff",
                    "message": 'Back-off pulling image "x:1": ErrImagePull: not found',
                }
            ),
        ),
        Evidence(),
        "ImagePullFailed",
        ("registry/image:1", "not found"),
        "check the image's name and tag",
        id="the image does not exist",
    ),
    pytest.param(
        pod(
            "p",
            container(
                waiting={"reason": "ErrImagePull", "message": "pull access denied, authorization failed"}
            ),
        ),
        Evidence(),
        "ImagePullFailed",
        ("denied",),
        "add imagePullSecrets with the registry's credentials, and check the name",
        id="the registry refuses",
    ),
    pytest.param(
        pod(
            "p",
            container(
                waiting={"reason": "ErrImagePull", "message": "dial tcp: lookup nowhere: no such host"}
            ),
        ),
        Evidence(),
        "ImagePullFailed",
        ("no such host",),
        "the node does not reach the registry: check its name and the network",
        id="the registry is not reached",
    ),
    pytest.param(
        pod(
            "p",
            container(waiting={"reason": "CreateContainerConfigError", "message": 'secret "keys" not found'}),
        ),
        Evidence(),
        "ConfigMissing",
        ('secret "keys" not found',),
        None,
        id="a secret is missing",
    ),
    pytest.param(
        pod(
            "p",
            container(
                last=ended(128, "StartError", 'exec: "serve": not found'),
                waiting={"reason": "CrashLoopBackOff"},
            ),
        ),
        Evidence(),
        "ContainerCannotStart",
        ('exec: "serve"',),
        None,
        id="the command does not exist",
    ),
    pytest.param(
        pod("p", container(last=ended(137, "OOMKilled"), running=RUNNING)),
        Evidence(),
        "OutOfMemory",
        ("more memory than its limit",),
        None,
        id="out of memory, and started again",
    ),
    pytest.param(
        pod("p", container(last=ended(137, "Error"), waiting={"reason": "CrashLoopBackOff"})),
        Evidence(),
        "OutOfMemory",
        ("was killed (exit code 137), most likely for more memory than its limit",),
        None,
        id="killed in its first moments, when the runtime does not say why",
    ),
    pytest.param(
        pod(
            "p",
            container(
                last=ended(137, "Error", f"{SERVER}: no model at all [model_file_unreadable]\n"),
                running=RUNNING,
            ),
        ),
        Evidence(),
        "ModelLoadFailed",
        ("no model at all",),
        None,
        id="killed after an error of its own",
    ),
    pytest.param(
        pod("p", CRASH),
        Evidence(),
        "Crashed",
        ("exit code 1", "ValueError: no such column: petal"),
        "kubectl logs p -c kserve-container --previous",
        id="a crash with its last words",
    ),
    pytest.param(
        pod(
            "p",
            container(terminated=ended(1, message=f"{SERVER}: no model at all [model_file_unreadable]\n")),
        ),
        Evidence(),
        "ModelLoadFailed",
        ("no model at all",),
        None,
        id="the last sentence of our server",
    ),
    pytest.param(
        pod(
            "p",
            container(
                terminated=ended(
                    1, message=f"{SERVER}: m.joblib needs the Python module plants, [model_module_missing]\n"
                )
            ),
        ),
        Evidence(),
        "MissingModule",
        ("needs the Python module plants",),
        "use an image that has plants",
        id="a module that the model needs",
    ),
    pytest.param(
        pod(
            "p",
            container(terminated=ended(1, message="x\nModuleNotFoundError: No module named 'lightgbm'\n")),
        ),
        Evidence(),
        "MissingModule",
        ("No module named 'lightgbm'",),
        "use an image that has lightgbm",
        id="a module is missing",
    ),
    pytest.param(
        pod(
            "p",
            container(
                terminated=ended(
                    1,
                    message=said(level="ERROR", message="m.joblib is no model", code="model_file_unreadable"),
                )
            ),
        ),
        Evidence(),
        "ModelLoadFailed",
        ("m.joblib is no model",),
        None,
        id="our server says why it cannot load",
    ),
    pytest.param(
        pod(
            "p",
            container(waiting={"reason": "PodInitializing"}),
            init=(
                container(
                    INITIALIZER,
                    waiting={"reason": "CrashLoopBackOff"},
                    last=ended(
                        1,
                        message=said(
                            phase="failed",
                            code="not_found",
                            message="There is nothing at s3://b/m.",
                            remedy="Check the spelling of the URI.",
                        ),
                    ),
                ),
            ),
        ),
        Evidence(),
        "StorageNotFound",
        ("nothing at s3://b/m",),
        "Check the spelling of the URI",
        id="there is no model at the URI",
    ),
    pytest.param(
        pod(
            "p",
            init=(
                container(
                    INITIALIZER,
                    running=RUNNING,
                    last=ended(
                        1,
                        message=said(
                            phase="failed",
                            code="access_denied",
                            message="s3://b/m: 403",
                            remedy="Give the key read rights.",
                        ),
                    ),
                ),
            ),
        ),
        Evidence(),
        "StorageAccessDenied",
        ("403",),
        "Give the key read rights",
        id="the storage refuses, and is tried again",
    ),
    pytest.param(
        pod(
            "p",
            init=(
                container(
                    INITIALIZER,
                    terminated=ended(
                        1,
                        message=said(
                            phase="failed",
                            code="disk_full",
                            message="The disk has no room.",
                            remedy="Free some.",
                        ),
                    ),
                ),
            ),
        ),
        Evidence(),
        "StorageFailed",
        ("no room", "disk_full"),
        "Free some",
        id="any other failure of the storage",
    ),
    pytest.param(
        pod("p", container(waiting={"reason": "ContainerCreating"})),
        Evidence(events=('MountVolume.SetUp failed for volume "ca": configmap "ca" not found',)),
        "VolumeMountFailed",
        ('configmap "ca" not found',),
        None,
        id="a volume cannot be mounted",
    ),
    pytest.param(
        pod("p", container(running=RUNNING)),
        Evidence({"kserve-container": said(level="ERROR", message="boom")}),
        "NotAnswering",
        ("boom",),
        None,
        id="it runs and its log has an error",
    ),
    pytest.param(
        pod("p", container(running=RUNNING)),
        Evidence(
            {"kserve-container": said(level="WARNING", message="ModuleNotFoundError: No module named 'x'")}
        ),
        "Loading",
        ("loads the model",),
        "",
        id="a warning about a module is no failure",
    ),
    pytest.param(
        pod(
            "p",
            container(waiting={"reason": "PodInitializing"}),
            init=(container(INITIALIZER, running=RUNNING),),
        ),
        Evidence(
            {INITIALIZER: said(phase="downloading", uri="s3://b/m", bytes=12_300_000, total=40_000_000)}
        ),
        "Downloading",
        ("12.3 MB of 40.0 MB (30 %) of s3://b/m",),
        "",
        id="a download shows its progress",
    ),
    pytest.param(
        pod("p", container(running=RUNNING)),
        Evidence(),
        "Loading",
        ("loads the model",),
        "",
        id="the server loads",
    ),
    pytest.param(
        pod("p", container(waiting={"reason": "ContainerCreating"})),
        Evidence(),
        "Starting",
        (),
        "",
        id="it starts",
    ),
    pytest.param(pod(scheduled=False), Evidence(), "Starting", (), "", id="nobody has looked at it yet"),
]


@pytest.mark.parametrize(("body", "evidence", "code", "words", "remedy"), CASES)
def test_a_pod_that_does_not_come_up_says_why(
    body: dict[str, Any], evidence: Evidence, code: str, words: tuple[str, ...], remedy: str | None
) -> None:
    finding = find(Pod(trim(body), evidence))

    assert finding.code == code
    for word in words:
        assert word in str(finding)
    assert str(finding).endswith(REASONS[code].remedy if remedy is None else remedy)
    assert not finding.place or finding.place.startswith("pod ")


def test_a_message_that_is_too_long_keeps_its_place_and_its_remedy() -> None:
    body = pod("p", container(waiting={"reason": "ErrImagePull", "message": "x" * 5000}))

    text = str(find(Pod(body)))

    assert len(text) == 1024
    assert text.startswith("pod p, container kserve-container: image")
    assert text.endswith("for a private registry")
