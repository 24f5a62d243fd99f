"""The explanation of a model whose answer is known: the sum of its values."""

import asyncio

import pytest
from kserve.errors import InvalidInput

from explainer import Explainer


class OfASum(Explainer):
    async def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": [sum(row) for row in payload["instances"]]}


def test_a_sum_is_explained_by_its_terms():
    found = asyncio.run(OfASum("NAME").explain({"instances": [[1, 2, 4]]}))

    assert found == {"explanations": [[1, 2, 4]]}


def test_a_request_without_rows_is_refused():
    with pytest.raises(InvalidInput, match="instances"):
        asyncio.run(OfASum("NAME").explain({}))
