"""A model of one's own: load it once, predict many times."""

import argparse

from kserve import Model, ModelServer, model_server
from kserve.utils.utils import get_predict_input, get_predict_response


class Predictor(Model):
    """Over V1 payloads are dicts, over V2 (REST and gRPC) InferRequest: the two helpers know both."""

    def load(self):
        """Read what the model needs, here nothing; then say that it answers."""
        self.factor = 2
        self.ready = True
        return self.ready

    def predict(self, payload, headers=None):
        """Twice the sum of each row."""
        rows = get_predict_input(payload)
        return get_predict_response(payload, self.factor * rows.sum(axis=1), self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    arguments, _ = parser.parse_known_args()
    model = Predictor(arguments.model_name)
    model.load()
    ModelServer().start([model])
