"""What a server's index says of a TrainedModel, read as progress."""

import pytest

from kserve_lite.render.multimodel import model_config
from kserve_lite.resolve.multimodel import Progress, Report, listed_service, progress, reports
from kserve_lite_server.repository.assigned import UPDATING

URI = "s3://bucket/model"
EVICTED = "it made room for another model; its next request loads it"


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(None, "loading", id="not in its list yet"),
        pytest.param(Report("READY", "", "s3://bucket/before"), "loading", id="still the list of before"),
        pytest.param(Report("LOADING", "", URI), "loading", id="being loaded"),
        pytest.param(Report("READY", UPDATING, URI), "updating", id="the version before answers"),
        pytest.param(Report("READY", "", URI), "loaded", id="loaded"),
        pytest.param(Report("READY", "", ""), "loaded", id="a server that does not say from where"),
        pytest.param(Report("READY", "no such bucket", URI), "failed", id="the update failed"),
        pytest.param(Report("UNAVAILABLE", "no such bucket", URI), "failed", id="never loaded"),
        pytest.param(Report("UNAVAILABLE", EVICTED, URI), "loaded", id="out, and back with a request"),
    ],
)
def test_a_model_is_as_far_as_the_index_says(report: Report | None, expected: Progress) -> None:
    assert progress(report, URI) == expected


@pytest.mark.parametrize("index", [None, 5, ["a"], [{"name": "a"}], {"error": "no"}])
def test_what_is_no_index_is_refused(index: object) -> None:
    with pytest.raises(ValueError, match="no index of models"):
        reports(index)


def test_a_list_is_known_by_its_name_and_its_service() -> None:
    made = model_config("many", "default", [])

    assert listed_service(made) == "many"
    assert made["data"] == {"models.json": "[]"}
    assert listed_service({"metadata": {**made["metadata"], "name": "other"}}) == ""
    assert listed_service({"metadata": {"name": "modelconfig--0"}}) == ""
