"""What an informer holds, as it is or packed."""

import pytest

from kserve_lite.controller.runtime.kube import Key, Object
from kserve_lite.controller.runtime.store import Store

A, B = Key("ns", "a"), Key("ns", "b")


def thing(name: str, version: str) -> Object:
    return {
        "metadata": {"namespace": "ns", "name": name, "resourceVersion": version},
        "spec": {"ä": [1, None, "x"]},
    }


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_what_is_held_is_given_back_as_it_was(packed: bool) -> None:
    store = Store(packed=packed)
    store.put(A, thing("a", "1"))
    store.put(B, thing("b", "2"))
    store.put(A, thing("a", "3"))

    assert (store.get(A), store.version(A), len(store)) == (thing("a", "3"), "3", 2)
    for key in store.known():
        store.drop(key)
    assert (store.get(A), store.version(A), list(store)) == (None, None, [])


def test_objects_may_come_and_go_while_they_are_walked_through() -> None:
    store = Store()
    store.put(A, thing("a", "1"))
    store.put(B, thing("b", "2"))
    walk = iter(store)
    assert next(walk) == thing("a", "1")
    store.drop(B)
    assert list(walk) == [thing("b", "2")]  # as of the beginning


def test_what_is_packed_is_nobody_elses() -> None:
    store = Store(packed=True)
    store.put(A, thing("a", "1"))
    first = store.get(A)
    assert first is not None
    first["spec"]["changed"] = True
    assert store.get(A) == thing("a", "1")
