"""Metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from kserve_lite.controller.runtime.exposition import Family, Histogram, text
from kserve_lite.controller.runtime.metrics import Metrics
from kserve_lite.controller.runtime.workqueue import WorkQueue


def test_a_histogram_counts_everything_up_to_each_bound() -> None:
    times = Histogram((0.1, 1))
    for seconds in (0.05, 0.1, 0.5, 7):
        times.observe(seconds)
    written = text([Family("took_seconds", "histogram", "How long.", times.samples({"name": "a"}))])

    (family,) = text_string_to_metric_families(written.decode())
    found = {(one.name, one.labels.get("le")): one.value for one in family.samples}
    assert (family.type, family.documentation) == ("histogram", "How long.")
    assert found == {
        ("took_seconds_bucket", "0.1"): 2, ("took_seconds_bucket", "1.0"): 3, ("took_seconds_bucket", "+Inf"): 4,
        ("took_seconds_sum", None): 7.65, ("took_seconds_count", None): 4,
    }  # fmt: skip


def test_a_label_may_hold_anything() -> None:
    odd = 'a "b"\n\\c'
    (family,) = text_string_to_metric_families(
        text([Family("x", "gauge", "X.", [("", {"l": odd}, 1)])]).decode()
    )
    assert [one.labels for one in family.samples] == [{"l": odd}]


def test_every_family_is_read_back_under_controller_runtimes_name() -> None:
    metrics = Metrics()
    metrics.watch_queue("things", WorkQueue(), [])
    metrics.reconciles["things", "success"] += 2
    metrics.errors["things"] += 1
    metrics.seconds["things"].observe(0.2)
    metrics.waited["things"].observe(0.2)
    metrics.leading["lead"] = True

    found = {
        one.name: (one.labels, one.value)
        for family in text_string_to_metric_families(metrics.text().decode())
        for one in family.samples
    }
    assert found["controller_runtime_reconcile_total"] == ({"controller": "things", "result": "success"}, 2)
    assert found["controller_runtime_reconcile_errors_total"] == ({"controller": "things"}, 1)
    assert found["controller_runtime_reconcile_time_seconds_count"] == ({"controller": "things"}, 1)
    assert found["workqueue_depth"] == ({"name": "things"}, 0)
    assert found["workqueue_queue_duration_seconds_sum"] == ({"name": "things"}, 0.2)
    assert found["leader_election_master_status"] == ({"name": "lead"}, 1)
