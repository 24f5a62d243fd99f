"""The hooks alone: no server and no predictor is needed."""

import pytest
from kserve import InferInput, InferRequest
from kserve.errors import InvalidInput

from transformer import Transformer

model = Transformer("NAME")


def test_rows_go_on_to_the_predictor():
    assert model.preprocess({"instances": [[1, 2]], "more": True}) == {"instances": [[1, 2]]}


def test_a_request_without_rows_is_refused():
    with pytest.raises(InvalidInput, match="instances"):
        model.preprocess({"rows": []})


def test_tensors_go_on_as_they_are():
    request = InferRequest("NAME", [InferInput("x", [1, 2], "FP64", data=[1.0, 2.0])])

    assert model.preprocess(request) is request


def test_the_answer_says_who_gave_it():
    assert model.postprocess({"predictions": [3]}) == {"predictions": [3], "by": "NAME"}
