"""The pure decisions of the runtime: what differs, what covers, what changed when."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kserve_lite.controller.runtime.apply import APPLIED, covers, stamped
from kserve_lite.controller.runtime.quantity import same_quantity
from kserve_lite.controller.runtime.status import difference, merge_conditions

OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "o", "namespace": "n", "uid": "u-1"}}


@pytest.mark.parametrize(
    ("desired", "live", "verdict"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, True, id="the server may add fields"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, False, id="a missing field differs"),
        pytest.param([{"a": 1}], [{"a": 1, "b": 2}], True, id="the server may add fields inside list items"),
        pytest.param([1], [1, 2], False, id="a longer list differs"),
        pytest.param(
            {"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, True, id="one amount, two spellings"
        ),
        pytest.param({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False, id="another amount"),
        pytest.param({"value": "1000m"}, {"value": "1"}, False, id="an environment value is no amount"),
        pytest.param({"sizeLimit": "1Gi"}, {"sizeLimit": "1024Mi"}, True, id="a size limit is an amount"),
        pytest.param({"a": None}, {}, False, id="null is not absence"),
        pytest.param(
            {"env": [], "readOnly": False}, {}, True, id="the server drops what is empty or no value"
        ),
        pytest.param(
            {"automountServiceAccountToken": False}, {}, False, id="a false that is a value is missed"
        ),
    ],
)
def test_live_covers_desired_when_it_holds_everything_wanted(desired: Any, live: Any, verdict: bool) -> None:
    assert covers(desired, live) is verdict


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1", 1, True),
        ("0.5", "500m", True),
        ("1e3", "1k", True),
        ("1Ki", "1024", True),
        ("1k", "1Ki", False),
        ("abc", "abc", True),
        ("abc", "abd", False),
        ("1", "", False),
    ],
)
def test_quantities_are_compared_by_amount(one: object, other: object, same: bool) -> None:
    assert same_quantity(one, other) is same


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
statuses = st.dictionaries(
    st.sampled_from("abcd"), json_values.filter(lambda v: not _holds_none(v)), max_size=4
)


def _holds_none(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_none(v) for v in value.values())
    return value is None


@given(statuses, statuses)
def test_the_merge_patch_leads_from_before_to_after_and_is_empty_only_when_nothing_differs(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    patch = difference(before, after)

    assert _merged(before, patch) == after
    assert bool(patch) == (before != after)


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396, as the API server does it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    noon, later = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)
    first = merge_conditions([], [{"type": "Ready", "status": "False", "reason": "A"}], noon)
    second = merge_conditions(first, [{"type": "Ready", "status": "False", "reason": "B"}], later)
    third = merge_conditions(second, [{"type": "Ready", "status": "True"}], later)

    assert second == [
        {"type": "Ready", "status": "False", "reason": "B", "lastTransitionTime": "2026-01-01T12:00:00Z"}
    ]
    assert third[0]["lastTransitionTime"] == "2026-01-01T13:00:00Z"


def test_the_digest_tells_a_field_that_is_no_longer_wanted() -> None:
    child = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"}}
    with_field = stamped({**child, "spec": {"a": 1}}, OWNER)
    without = stamped({**child, "spec": {}}, OWNER)

    digests = [obj["metadata"]["annotations"][APPLIED] for obj in (with_field, without)]
    assert digests[0] != digests[1]
    assert not covers(without, with_field)
    assert covers(with_field, {**with_field, "status": {}})
