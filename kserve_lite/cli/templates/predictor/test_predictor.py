"""The model alone, over V1 and V2."""

from kserve import InferInput, InferRequest

from predictor import Predictor

model = Predictor("NAME")
model.load()


def test_rows_over_v1():
    assert model.predict({"instances": [[1, 2], [3, 4]]}) == {"predictions": [6, 14]}


def test_a_tensor_over_v2():
    request = InferRequest("NAME", [InferInput("x", [2, 2], "INT64", data=[1, 2, 3, 4])])

    assert model.predict(request).outputs[0].as_numpy().tolist() == [6, 14]
