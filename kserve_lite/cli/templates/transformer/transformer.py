"""Changes requests before the predictor sees them, and its answers after."""

import argparse

from kserve import InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.errors import InvalidInput


class Transformer(Model):
    """Over V1 payloads are dicts, over V2 (REST and gRPC) they are InferRequest and InferResponse."""

    def __init__(self, name):
        super().__init__(name)
        self.ready = True

    def preprocess(self, payload, headers=None):
        """What the predictor is asked. Plain or async; raise InvalidInput for a 400."""
        if isinstance(payload, InferRequest):
            return payload
        if not isinstance(payload.get("instances"), list):
            raise InvalidInput('the request needs "instances": a list of rows')
        return {"instances": payload["instances"]}

    def postprocess(self, result, headers=None):
        """What the caller is answered."""
        if isinstance(result, InferResponse):
            return result
        return {"predictions": result["predictions"], "by": self.name}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    arguments, _ = parser.parse_known_args()
    ModelServer().start([Transformer(arguments.model_name)])
