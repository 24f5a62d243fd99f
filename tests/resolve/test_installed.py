"""Runtimes as objects of the API."""

import pytest

from kserve_lite.api.manifests import load
from kserve_lite.api.servingruntime import ClusterServingRuntime, ServingRuntime
from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.installed import installed, manifest, visible
from kserve_lite.resolve.runtime import Runtime


def read(value: dict[str, object]) -> ServingRuntime | ClusterServingRuntime:
    resource = load(value)
    assert isinstance(resource, ServingRuntime | ClusterServingRuntime)
    return resource


@pytest.mark.parametrize("runtime", BUILT_IN, ids=lambda runtime: runtime.name)
def test_a_built_in_runtime_is_a_valid_object_that_reads_as_the_same_runtime(runtime: Runtime) -> None:
    assert installed(read(manifest(runtime))) == runtime


def test_a_namespace_sees_its_own_runtimes_and_those_of_the_cluster() -> None:
    whole = manifest(BUILT_IN[0])
    red, blue = (
        {**whole, "kind": "ServingRuntime", "metadata": {"name": name, "namespace": name}}
        for name in ("red", "blue")
    )

    seen = visible("red", [read(whole), read(red), read(blue)])

    assert [(one.name, one.scope) for one in seen] == [
        ("kserve-sklearnserver", "cluster"),
        ("red", "namespace"),
    ]


def test_a_runtime_of_kserves_own_name_or_with_our_image_needs_no_annotation_to_be_known() -> None:
    triton = manifest(next(one for one in BUILT_IN if one.name == "kserve-tritonserver"))
    ours = manifest(BUILT_IN[0])
    for value in (triton, ours):
        del value["metadata"]["annotations"]
    ours["metadata"]["name"] = "my-own"

    assert (installed(read(triton)).server, installed(read(ours)).server) == ("triton", "kserve-lite")
