"""Explains the predictor: how far its answer moves when one value is left out."""

import argparse

from kserve import Model, ModelServer, model_server
from kserve.errors import InvalidInput


class Explainer(Model):
    """`explain` answers /v1/models/NAME:explain; `self.predict` asks the predictor."""

    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    async def explain(self, payload, headers=None):
        """For each row and each of its values: the prediction minus the one with 0 in its place."""
        rows = payload.get("instances")
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise InvalidInput('the request needs "instances": a list of rows of numbers')
        return {"explanations": [await self.one(row, headers) for row in rows]}

    async def one(self, row, headers):
        without = [[0 if i == left_out else value for i, value in enumerate(row)] for left_out in range(len(row))]
        answer = await self.predict({"instances": [row, *without]}, headers)
        full, *rest = answer["predictions"]
        return [full - one for one in rest]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    arguments, _ = parser.parse_known_args()
    ModelServer().start([Explainer(arguments.model_name)])
