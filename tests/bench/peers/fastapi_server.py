"""A scikit-learn model behind FastAPI, as people write it by hand."""

import argparse
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Instances(BaseModel):
    """Rows of numbers."""

    instances: list[list[float]]


def application(name: str, model_dir: Path) -> FastAPI:
    app, model = FastAPI(), joblib.load(model_dir / "model.joblib")

    @app.post(f"/v1/models/{name}:predict")
    def predict(body: Instances) -> Any:
        return {"predictions": model.predict(np.array(body.instances)).tolist()}

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_name", required=True)
    parser.add_argument("--model_dir", type=Path, required=True)
    parser.add_argument("--http_port", type=int, required=True)
    args = parser.parse_args()
    uvicorn.run(application(args.model_name, args.model_dir), host="127.0.0.1", port=args.http_port)
