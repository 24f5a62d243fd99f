"""A scikit-learn model behind KServe's own Python server: what a user of the `kserve` package writes."""

import argparse
from pathlib import Path
from typing import Any

import joblib
from kserve import Model, ModelServer, model_server
from kserve.utils.utils import get_predict_input, get_predict_response


class SklearnModel(Model):
    """Loads model.joblib and answers V1 and V2 by `predict`."""

    def __init__(self, name: str, model_dir: Path) -> None:
        super().__init__(name)
        self.estimator = joblib.load(model_dir / "model.joblib")
        self.ready = True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        return get_predict_response(payload, self.estimator.predict(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_dir", type=Path, required=True)
    args = parser.parse_args()
    ModelServer().start([SklearnModel(args.model_name, args.model_dir)])
